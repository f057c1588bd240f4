//! How deep JSON is nested, found without reading it: what comes after would have to follow every level.

/// Whether a text nests arrays and objects deeper than this. Of a text that isn't JSON the answer means nothing.
#[must_use]
pub fn is_deeper(json: &str, most: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_and_texts_are_not() {
        for (json, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}],"b":[[]]}"#, 3),
            (r#"["[[[{{{"]"#, 1),
            (r#"["\"[[","\\"]"#, 1),
            ("]]]][", 1),
        ] {
            assert!(!is_deeper(json, depth), "{json}");
            assert!(depth == 0 || is_deeper(json, depth - 1), "{json}");
        }
        assert!(is_deeper(&"[".repeat(65), 64));
    }
}
