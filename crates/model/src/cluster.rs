//! Characters as people count them: where a text can be cut. Close to the extended grapheme clusters of UAX 29, without its tables,
//! which would be a sixteenth of the module that servers load.

/// The byte up to which a text can be kept so that it has at most so many code points and is not cut inside of a character.
pub(crate) fn cut_before(text: &str, code_points: usize) -> usize {
    let (mut end, mut previous, mut indicators) = (0, None, 0);
    for (count, (at, character)) in text.char_indices().enumerate() {
        if count > code_points {
            return end;
        }
        let is_indicator = matches!(character, '\u{1f1e6}'..='\u{1f1ff}');
        let goes_on =
            previous.is_some_and(|previous| joins(previous, character)) || (is_indicator && indicators % 2 == 1);
        end = if goes_on { end } else { at };
        indicators = if is_indicator { indicators + 1 } else { 0 };
        previous = Some(character);
    }
    if text.chars().count() > code_points { end } else { text.len() }
}

/// Whether a code point belongs to the one before it.
fn joins(previous: char, character: char) -> bool {
    previous == '\u{200d}' || extends(character) || (is_virama(previous) && character.is_alphabetic())
}

fn extends(character: char) -> bool {
    // Skin tones; vowels and finals of Hangul; vowel signs of Sinhala, Thai, Lao, Myanmar and Khmer.
    let is_listed = matches!(
        character,
        '\u{1f3fb}'..='\u{1f3ff}' | '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7fb}' | '\u{dca}'..='\u{ddf}'
            | '\u{df2}' | '\u{df3}' | '\u{e33}' | '\u{eb3}' | '\u{102b}'..='\u{103e}' | '\u{17b4}'..='\u{17d3}'
    );
    // Marks without a width of their own, joiners and selectors: what the standard library escapes because it can't stand alone.
    is_listed || is_indic_sign(character) || (character >= '\u{300}' && character.escape_debug().next() == Some('\\'))
}

/// The blocks of Devanagari to Malayalam have their signs at the same places.
fn is_indic_sign(character: char) -> bool {
    let place = u32::from(character) % 0x80;
    matches!(character, '\u{900}'..='\u{d7f}')
        && matches!(place, 0x01..=0x03 | 0x3c | 0x3e..=0x4d | 0x55..=0x57 | 0x62 | 0x63)
}

fn is_virama(character: char) -> bool {
    matches!(character, '\u{900}'..='\u{d7f}') && u32::from(character) % 0x80 == 0x4d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for cluster in [
            "e",
            "東",
            "e\u{301}",
            "\u{1f1f0}\u{1f1f7}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{1f44d}\u{1f3fd}",
            "\u{2764}\u{fe0f}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
            "नि",
            "க்ஷி",
            "กำ",
            "\u{1100}\u{1161}\u{11a8}",
        ] {
            let text = cluster.repeat(20);
            for code_points in 0..=text.chars().count() {
                let kept = text.get(..cut_before(&text, code_points)).unwrap();
                assert!(kept.len().is_multiple_of(cluster.len()), "{cluster} {code_points}");
                assert!(kept.chars().count() <= code_points);
                assert!(code_points - kept.chars().count() < cluster.chars().count(), "{cluster} {code_points}");
            }
        }
        assert_eq!((cut_before("abc", 9), cut_before("", 3), cut_before("a\u{301}", 1)), (3, 0, 0));
    }
}
