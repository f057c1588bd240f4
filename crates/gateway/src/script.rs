//! The script flag that stock Redis doesn't know, and the SHA1 alias that makes its removal invisible.
//!
//! Upstash scripts may begin `#!lua flags=allow-key-locking`. Redis 7 refuses to load such a script, so the flag is
//! taken out, which changes the script's SHA1. Clients name scripts by the SHA1 of what they wrote; the table here
//! leads from that to the SHA1 of what Redis was given.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The SHA1 of a script.
type Sha1 = [u8; 20];
/// The same in hexadecimal digits, as Redis takes it.
pub(crate) type HexSha1 = [u8; 40];

/// The aliases of one gateway. A restart empties the table: `EVALSHA` then answers NOSCRIPT and the client sends `EVAL`.
#[derive(Debug, Default)]
pub(crate) struct ScriptAliases {
    stripped_by_original: Mutex<HashMap<Sha1, HexSha1>>,
}

/// A script without its Upstash flag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stripped {
    /// What Redis gets.
    pub(crate) body: Vec<u8>,
    /// The SHA1 of what the client wrote, in hexadecimal.
    pub(crate) original_sha: String,
}

/// More scripts than any application has; a client that generates scripts must not fill the memory.
const MOST_ALIASES: usize = 10_000;

impl ScriptAliases {
    /// Takes the flag out of `body` and remembers the alias; none if there is nothing to take out.
    pub(crate) fn strip(&self, body: &[u8]) -> Option<Stripped> {
        let stripped = strip_flag(body)?;
        let original = sha1_smol::Sha1::from(body).digest();
        let mut table = self.stripped_by_original.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST_ALIASES {
            table.clear();
        }
        table.insert(original.bytes(), encode_sha(sha1_smol::Sha1::from(&stripped).digest().bytes()));
        Some(Stripped { body: stripped, original_sha: original.to_string() })
    }

    /// The SHA1 that Redis knows the script `sha` by, if it is another one.
    pub(crate) fn resolve(&self, sha: &[u8]) -> Option<HexSha1> {
        let original = decode_sha(sha)?;
        let table = self.stripped_by_original.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&original).copied()
    }
}

const SHEBANG: &[u8] = b"#!lua";
const FLAG: &[u8] = b"allow-key-locking";

/// The script without the flag, or none if it doesn't have it. The line stays, so that line numbers in errors stay.
fn strip_flag(body: &[u8]) -> Option<Vec<u8>> {
    if !body.starts_with(SHEBANG) {
        return None;
    }
    let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
    let (line, rest) = body.split_at_checked(end)?;
    let mut found = false;
    let mut kept_words: Vec<Vec<u8>> = Vec::new();
    for word in line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
        let Some(flags) = word.strip_prefix(b"flags=") else {
            kept_words.push(word.to_vec());
            continue;
        };
        let kept: Vec<&[u8]> = flags.split(|byte| *byte == b',').filter(|flag| *flag != FLAG).collect();
        found |= kept.len() != flags.split(|byte| *byte == b',').count();
        if !kept.is_empty() {
            kept_words.push([b"flags=".as_slice(), &kept.join(&b',')].concat());
        }
    }
    if !found {
        return None;
    }
    let mut stripped = Vec::with_capacity(body.len());
    // A bare `#!lua` is not the same as no line: it turns off Redis's compatibility mode for scripts.
    if kept_words.len() > 1 {
        stripped.extend_from_slice(&kept_words.join(&b' '));
    }
    stripped.extend_from_slice(rest);
    Some(stripped)
}

fn encode_sha(sha: Sha1) -> HexSha1 {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    let mut hex: HexSha1 = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(sha) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}

fn decode_sha(hex: &[u8]) -> Option<Sha1> {
    if hex.len() != 40 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut sha = Sha1::default();
    for (byte, pair) in sha.iter_mut().zip(hex.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(sha)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(body: &str) -> Option<String> {
        strip_flag(body.as_bytes()).map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn removes_the_flag_and_keeps_the_others() {
        assert_eq!(
            stripped("#!lua flags=no-writes,allow-key-locking\nreturn 1").as_deref(),
            Some("#!lua flags=no-writes\nreturn 1")
        );
        assert_eq!(
            stripped("#!lua flags=allow-key-locking,allow-oom,no-writes\n").as_deref(),
            Some("#!lua flags=allow-oom,no-writes\n")
        );
    }

    #[test]
    fn removes_the_line_when_no_flag_is_left() {
        assert_eq!(stripped("#!lua flags=allow-key-locking\nreturn 1").as_deref(), Some("\nreturn 1"));
        assert_eq!(stripped("#!lua  flags=allow-key-locking \r\nreturn 1").as_deref(), Some("\nreturn 1"));
        assert_eq!(stripped("#!lua flags=allow-key-locking").as_deref(), Some(""));
    }

    #[test]
    fn leaves_other_scripts_alone() {
        for body in
            ["return 1", "#!lua\nreturn 1", "#!lua flags=no-writes\nreturn 1", "", "-- flags=allow-key-locking\n"]
        {
            assert_eq!(stripped(body), None);
        }
        assert_eq!(stripped("#!lua flags=no-writes\n-- flags=allow-key-locking"), None);
    }

    #[test]
    fn aliases_lead_from_the_original_to_the_stripped() {
        let aliases = ScriptAliases::default();
        let original = "#!lua flags=allow-key-locking\nreturn 1";
        let sha = sha1_smol::Sha1::from(original).digest().to_string();
        assert_eq!(aliases.resolve(sha.as_bytes()), None);
        let stripped = aliases.strip(original.as_bytes()).unwrap();
        assert_eq!(stripped.original_sha, sha);
        let expected = sha1_smol::Sha1::from("\nreturn 1").digest().to_string();
        for known in [sha.clone(), sha.to_uppercase()] {
            assert_eq!(aliases.resolve(known.as_bytes()).unwrap(), expected.as_bytes());
        }
        assert_eq!(aliases.resolve(b"not a sha"), None);
        assert_eq!(aliases.resolve(&[b'g'; 40]), None);
    }
}
