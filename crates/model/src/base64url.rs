//! Base64url without padding (RFC 4648, section 5), read strictly: one text for each sequence of bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a byte that isn't in the alphabet is worth: more than any that is, also when it is joined with others by `|`.
const NOTHING: u8 = 0x80;

/// What each byte is worth.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which would say so")]
const VALUES: [u8; 256] = {
    let mut values = [NOTHING; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        values[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// The bytes of a text; none when it holds anything else than the alphabet, or ends in bits that mean nothing.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (fours, rest) = text.as_bytes().as_chunks::<4>();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in fours {
        bytes.extend_from_slice(&three(*four)?);
    }
    let (text, left) = match *rest {
        [] => return Some(bytes),
        [one, two] => ([one, two, b'A', b'A'], 1),
        [one, two, three] => ([one, two, three, b'A'], 2),
        _ => return None,
    };
    let last = three(text)?;
    let (meant, over) = last.split_at_checked(left)?;
    bytes.extend_from_slice(meant);
    over.iter().all(|byte| *byte == 0).then_some(bytes)
}

/// The three bytes of four letters.
fn three(four: [u8; 4]) -> Option<[u8; 3]> {
    let [one, two, three, four] = four.map(|letter| VALUES.get(usize::from(letter)).copied().unwrap_or(NOTHING));
    if (one | two | three | four) & NOTHING != 0 {
        return None;
    }
    let bits = u32::from(one) << 18 | u32::from(two) << 12 | u32::from(three) << 6 | u32::from(four);
    let [_, one, two, three] = bits.to_be_bytes();
    Some([one, two, three])
}

/// The text of some bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let (threes, rest) = bytes.as_chunks::<3>();
    let mut text = Vec::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in threes {
        text.extend_from_slice(&four(*three));
    }
    let padded = match *rest {
        [one] => [one, 0, 0],
        [one, two] => [one, two, 0],
        _ => return String::from_utf8(text).unwrap_or_default(),
    };
    text.extend(four(padded).into_iter().take(rest.len() + 1));
    String::from_utf8(text).unwrap_or_default()
}

/// The four letters of three bytes.
fn four([one, two, three]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, one, two, three]);
    [18, 12, 6, 0].map(|place| ALPHABET.get((bits >> place & 0x3f) as usize).copied().unwrap_or(b'A'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_bytes_match() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (&[0xff, 0xef, 0xbe], "_---"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn every_byte_comes_back_at_every_place() {
        let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for from in 0..4 {
            for to in all.len() - 4..=all.len() {
                let bytes = all.get(from..to).unwrap_or_default();
                assert_eq!(decode(&encode(bytes)).as_deref(), Some(bytes));
            }
        }
    }

    #[test]
    fn there_is_one_text_for_each_sequence() {
        for wrong in ["Z", "Zh", "Zm9", "Zg==", "Zg=", "Z g", "Zm+v", "Zm/v", "Zm9vY", "é"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
