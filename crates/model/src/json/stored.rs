//! JSON text from outside, brought into the one form that is stored: UTF-8 without a mark at its beginning, without half
//! characters, and, where it is kept as it came, without white space between its tokens.

use super::without_halves;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The byte order mark that some editors write before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text without a byte order mark, and with U+FFFD in place of each escaped half of a surrogate pair.
///
/// Places in the text stay as they were, but for those after the mark in the first line.
#[must_use]
pub fn mend(text: String) -> String {
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    match without_halves(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(mended) => mended,
    }
}

/// The text without the white space between its tokens. Numbers, texts and the order of members stay as they are.
///
/// What was no JSON is none afterwards: a space stays where two tokens would become one.
#[must_use]
pub fn compact(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let mut compact = String::new();
    let (mut kept, mut at, mut quoted, mut changed) = (0, 0, false, false);
    while let Some(here) = byte(at) {
        match here {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b' ' | b'\n' | b'\r' | b'\t' if !quoted => {
                let end = at + bytes.iter().skip(at).take_while(|byte| is_space(**byte)).count();
                compact.push_str(json.get(kept..at).unwrap_or_default());
                let before = at.checked_sub(1).and_then(byte);
                if before.is_some_and(is_word) && byte(end).is_some_and(is_word) {
                    compact.push(' ');
                }
                changed = true;
                (kept, at) = (end, end);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if !changed {
        return Cow::Borrowed(json);
    }
    compact.push_str(json.get(kept..).unwrap_or_default());
    Cow::Owned(compact)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Whether a byte belongs to a number or a name, where a space would part two of them.
fn is_word(byte: u8) -> bool {
    !matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"')
}

/// A raw value in the form that is stored: compact, and without half characters.
#[must_use]
pub fn stored(raw: Box<RawValue>) -> Box<RawValue> {
    let whole = without_halves(raw.get());
    match (compact(&whole), &whole) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => raw,
        (compact, _) => match RawValue::from_string(compact.into_owned()) {
            Ok(stored) => stored,
            // It was JSON, so that it is still.
            Err(_) => raw,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_characters_are_replaced_and_whole_ones_stay() {
        for (text, mended) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"["\ude00 x \uD83D"]"#, r#"["\ufffd x \ufffd"]"#),
            (r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#),
            (r#"["\ud83d\ud83d\ude00\ude00"]"#, r#"["\ufffd\ud83d\ude00\ufffd"]"#),
            (r#"["\ud83d\n\ude00"]"#, r#"["\ufffd\n\ufffd"]"#),
            // An escaped backslash before letters, and an escape that ends too soon.
            (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
            (r#"["\\\ud83d"]"#, r#"["\\\ufffd"]"#),
            (r#"["\ud83"]"#, r#"["\ud83"]"#),
            ("\\", "\\"),
            ("\u{feff}{}", "{}"),
            ("\u{feff}", ""),
            ("ž", "ž"),
        ] {
            assert_eq!(mend(text.to_owned()), mended, "{text}");
        }
        let read: Result<Vec<String>, _> = serde_json::from_str(&mend(r#"["x \ud83d", "\ud83d\ude00"]"#.to_owned()));
        assert_eq!(read.ok(), Some(vec!["x \u{fffd}".to_owned(), "😀".to_owned()]));
    }

    #[test]
    fn white_space_between_tokens_goes_and_nothing_else() {
        for (json, expected) in [
            ("{ \"a\" :\n\t1.0 , \"b\": [ ] }\r\n", r#"{"a":1.0,"b":[]}"#),
            (r#"{"a b":" \" \\"}"#, r#"{"a b":" \" \\"}"#),
            (" [ 1e400 , 0.10,\n123456789012345678901 ] ", "[1e400,0.10,123456789012345678901]"),
            (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
            // No JSON becomes none.
            ("1 2", "1 2"),
            ("tr ue", "tr ue"),
            ("- 1", "- 1"),
            ("", ""),
        ] {
            assert_eq!(compact(json), expected);
        }
        assert!(matches!(compact("{\"a\":1}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_raw_value_is_stored_compactly_and_without_half_characters() -> Result<(), serde_json::Error> {
        for (raw, expected) in [("{ \"a\": \"\\ud83d x\" }", r#"{"a":"\ufffd x"}"#), (r#"{"a":0.10}"#, r#"{"a":0.10}"#)]
        {
            assert_eq!(stored(RawValue::from_string(raw.to_owned())?).get(), expected);
        }
        Ok(())
    }
}
