//! Search: texts are compared folded, so that accents, case and the form of a character make no difference.

use std::fmt;

/// The regular expression, with the flag `u`, of the characters that a search passes over: diacritics of scripts that share theirs,
/// joiners and selectors, and Hebrew points. Not the vowel signs of other scripts, nor the voicing marks of Japanese: they make words.
pub const DIACRITICS: &str =
    r"(?![\u3099\u309a])[\p{Script=Inherited}\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]";

/// What a platform does of it, for that takes Unicode's tables: NFKD, without diacritics, in lower case. A line stays a line.
#[derive(Clone, Copy)]
pub struct Normalizer(pub fn(&str) -> String);

impl Default for Normalizer {
    fn default() -> Self {
        Self(str::to_lowercase)
    }
}

impl fmt::Debug for Normalizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Normalizer")
    }
}

impl PartialEq for Normalizer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The letters that have no decomposition, in lower case, and what people type for them.
const LETTERS: [(char, &str); 14] = [
    ('đ', "d"),
    ('ð', "d"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ĸ', "k"),
    ('ł', "l"),
    ('ø', "o"),
    ('ŧ', "t"),
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('þ', "th"),
    ('ς', "σ"),
    ('\u{2019}', "'"),
];

impl Normalizer {
    /// A text as it is compared.
    #[must_use]
    pub fn fold(self, text: &str) -> String {
        if text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        let normalized = self.0(text);
        let mut folded = String::with_capacity(normalized.len());
        for character in normalized.chars() {
            match LETTERS.iter().find(|(letter, _)| *letter == character) {
                Some((_, plain)) => folded.push_str(plain),
                None => folded.push(character),
            }
        }
        folded
    }
}

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    folded: String,
    normalizer: Normalizer,
}

impl Search {
    /// A search for a text.
    #[must_use]
    pub fn new(text: &str, normalizer: Normalizer) -> Self {
        // A line break is in no line.
        Self { folded: normalizer.fold(text.trim()).replace(['\n', '\r'], " "), normalizer }
    }

    /// Which of some texts have it. They are folded at once: to ask the platform for each would take longer than to fold it.
    #[must_use]
    pub fn matches<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Vec<bool> {
        let lines: Vec<String> = texts.map(|text| text.replace(['\n', '\r'], " ")).collect();
        if lines.is_empty() {
            return Vec::new();
        }
        let folded = self.normalizer.fold(&lines.join("\n"));
        folded.split('\n').map(|line| line.contains(&self.folded)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_without_a_decomposition_are_found_by_what_people_type() {
        let search = |text: &str| Search::new(text, Normalizer::default());
        let titles = ["Straße nach ŁÓDŹ", "Smørrebrød", "ΣΊΣΥΦΟΣ\nx", "Đà"];
        let found = |text: &str| search(text).matches(titles.into_iter());
        assert_eq!(found("STRASSE"), [true, false, false, false]);
        assert_eq!(found(" smorrebrod "), [false, true, false, false]);
        assert_eq!(found("σίσυφος x"), [false, false, true, false]);
        assert_eq!((found("lód"), found("d")), (vec![true, false, false, false], vec![true, true, false, true]));
        assert_eq!((found(""), search("a").matches(std::iter::empty())), (vec![true; 4], vec![]));
    }
}
