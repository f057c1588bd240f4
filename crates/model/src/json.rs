//! JSON as other systems write it: a null, a wrong type or half a character is no reason to refuse the rest.

mod stored;

pub use stored::{compact, mend, stored};

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What stands in the place of half a character.
const REPLACEMENT: char = '\u{fffd}';

/// Reads an object; nothing when the text is anything else. Serde would take an array for a struct.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    json.trim_start().starts_with('{').then(|| serde_json::from_str(json).ok()).flatten()
}

/// The elements of an array; none when the text is anything else.
pub(crate) fn elements(json: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(json.get()).unwrap_or_default()
}

/// The text of a JSON string, with U+FFFD in the place of half a character; nothing when it is anything else.
pub(crate) fn string(json: &RawValue) -> Option<String> {
    let mut joiner = TextJoiner::default();
    let mut text = joiner.push(json)?;
    text.extend(joiner.end());
    Some(text)
}

/// Joins texts that come in pieces, each a JSON string. A character beyond U+FFFF is two escapes in JSON, and servers that cut texts by
/// UTF-16 units send one half in a piece and the other in the next.
#[derive(Debug, Default)]
pub(crate) struct TextJoiner {
    /// The first half of a character, whose second half may begin the next piece.
    high: Option<u16>,
}

impl TextJoiner {
    /// The text of the next piece, as far as its characters are whole; nothing when it is no JSON string.
    pub(crate) fn push(&mut self, json: &RawValue) -> Option<String> {
        let json = json.get();
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        if inner.is_empty() {
            return Some(String::new());
        }
        if self.high.is_none() && !inner.contains("\\u") {
            return serde_json::from_str(json).ok();
        }
        let mut text = String::with_capacity(inner.len());
        let mut rest = inner.chars();
        while let Some(character) = rest.next() {
            let unescaped = if character == '\\' { unescape(&mut rest) } else { Unit::Whole(character) };
            match unescaped {
                Unit::Whole(character) => {
                    text.extend(self.end());
                    text.push(character);
                }
                Unit::Half(unit @ 0xd800..=0xdbff) => {
                    text.extend(self.end());
                    self.high = Some(unit);
                }
                Unit::Half(low) => {
                    let whole = self.high.take().map(|high| joined(high, low));
                    text.push(whole.unwrap_or(REPLACEMENT));
                }
            }
        }
        Some(text)
    }

    /// Nothing more comes: what stands for a half that is left over.
    pub(crate) fn end(&mut self) -> Option<char> {
        self.high.take().map(|_| REPLACEMENT)
    }
}

enum Unit {
    Whole(char),
    Half(u16),
}

/// What an escape means, after its backslash. The text is valid JSON.
fn unescape(rest: &mut std::str::Chars) -> Unit {
    Unit::Whole(match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let digits = rest.as_str().get(..4).unwrap_or_default();
            let unit = u16::from_str_radix(digits, 16).unwrap_or(0xfffd);
            *rest = rest.as_str().get(4..).unwrap_or_default().chars();
            match char::from_u32(u32::from(unit)) {
                Some(character) => character,
                None => return Unit::Half(unit),
            }
        }
        Some(other) => other,
        None => REPLACEMENT,
    })
}

fn joined(high: u16, low: u16) -> char {
    char::decode_utf16([high, low]).next().and_then(Result::ok).unwrap_or(REPLACEMENT)
}

/// A JSON text whose strings have U+FFFD in the place of every half a character. Other readers refuse it otherwise.
#[must_use]
pub fn without_halves(json: &str) -> Cow<'_, str> {
    let high_or_low = |digits: &str| {
        let is_half = digits.starts_with(['d', 'D']) && digits.as_bytes().get(1).is_some_and(|digit| *digit > b'7');
        is_half.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let half = |from: usize| escape.get(from..from + 6)?.strip_prefix("\\u").and_then(high_or_low);
        let length = match (half(0), half(6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..)) => 12,
            (Some(_), _) => 0,
            (None, _) => 2,
        };
        mended.push_str(escape.get(..length).unwrap_or(escape));
        if length == 0 {
            mended.push_str("\\ufffd");
        }
        rest = escape.get(if length == 0 { 6 } else { length }..).unwrap_or_default();
    }
    mended.push_str(rest);
    Cow::Owned(mended)
}

/// How many bytes a text has as a JSON string, without its quotes.
pub(crate) fn string_bytes(text: &str) -> usize {
    text.chars().map(character_bytes).sum()
}

/// The longest beginning of a text that has no more than so many bytes as a JSON string.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let mut room = bytes;
    let end = text.char_indices().find(|(_, character)| {
        let fits = room.checked_sub(character_bytes(*character));
        room = fits.unwrap_or(room);
        fits.is_none()
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn character_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_character_cut_between_two_pieces_is_joined() {
        let mut joiner = TextJoiner::default();
        let joined: Vec<_> =
            [r#""ok \ud83d""#, r#""""#, r#""\ude00 end""#].map(|json| joiner.push(raw(json)).unwrap()).into();
        assert_eq!((joined.concat().as_str(), joiner.end()), ("ok 😀 end", None));
        for (pieces, expected) in [
            (vec![r#""\ud83d""#, r#""x""#], "\u{fffd}x"),
            (vec![r#""\ud83d\ud83d\ude00""#], "\u{fffd}😀"),
            (vec![r#""\ude00\u00e9\n\"\\\/""#], "\u{fffd}é\n\"\\/"),
            (vec![r#""a\ud83d""#], "a\u{fffd}"),
        ] {
            let mut joiner = TextJoiner::default();
            let mut text: String = pieces.iter().filter_map(|json| joiner.push(raw(json))).collect();
            text.extend(joiner.end());
            assert_eq!(text, expected);
        }
        assert_eq!(joiner.push(raw("[1]")), None);
        assert_eq!(string(raw(r#""Ahoj \ud83d""#)).as_deref(), Some("Ahoj \u{fffd}"));
    }

    #[test]
    fn halves_alone_are_replaced_in_a_json_text() {
        for (json, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"\ude00":["\ud83d\ude00","\uD83Dx"]}"#, r#"{"\ufffd":["\ud83d\ude00","\ufffdx"]}"#),
            (r#"{"a":"\\ud83d","b":"\\\ud83d"}"#, r#"{"a":"\\ud83d","b":"\\\ufffd"}"#),
            (r#"["\ud7ff"]"#, r#"["\ud7ff"]"#),
        ] {
            assert_eq!(without_halves(json), expected);
            assert!(serde_json::from_str::<serde_json::Value>(expected).is_ok(), "{expected}");
        }
    }

    #[test]
    fn bytes_are_counted_as_stored() {
        for text in ["", "Ahoj \"světe\"\\", "\u{1b}\0\n\r\t\u{8}\u{c}\u{7f}", "🙂"] {
            let stored = serde_json::to_string(text).unwrap().len() - 2;
            assert_eq!(string_bytes(text), stored);
            assert_eq!(beginning(text, stored), text);
        }
        assert_eq!((beginning("a\u{1b}b", 6), beginning("a\u{1b}b", 7), beginning("ž", 1)), ("a", "a\u{1b}", ""));
    }
}
