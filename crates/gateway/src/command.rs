//! One Redis command as a client sent it: its name and its arguments, borrowed from the request where possible.

use std::borrow::Cow;

/// A command with at least a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    /// The name as typed, for Redis.
    pub(crate) typed_name: Cow<'a, [u8]>,
    /// The name in lower case, for decisions. Bytes that aren't UTF-8 are replaced; no known name has any.
    pub(crate) name: String,
    /// Everything after the name.
    pub(crate) arguments: Vec<Cow<'a, [u8]>>,
}

impl<'a> Command<'a> {
    /// A command of these words; none if there are no words.
    pub(crate) fn from_words(words: impl IntoIterator<Item = Cow<'a, [u8]>>) -> Option<Self> {
        let mut words = words.into_iter();
        let typed_name = words.next()?;
        let mut name = String::from_utf8_lossy(&typed_name).into_owned();
        name.make_ascii_lowercase();
        Some(Self { typed_name, name, arguments: words.collect() })
    }

    /// The name as error texts write it: cut, because a value may stand in its place, and on one line.
    pub(crate) fn display_name(&self) -> String {
        let clean = |letter: char| if letter.is_control() { ' ' } else { letter.to_ascii_uppercase() };
        self.name.chars().take(64).map(clean).collect()
    }

    /// Bytes that the words of the command take.
    pub(crate) fn size(&self) -> usize {
        self.typed_name.len() + self.arguments.iter().map(|argument| argument.len()).sum::<usize>()
    }

    /// The argument at `position`, if there is one.
    pub(crate) fn argument(&self, position: usize) -> Option<&[u8]> {
        self.arguments.get(position).map(Cow::as_ref)
    }

    /// Whether the first argument is `word`, in any case.
    pub(crate) fn has_subcommand(&self, word: &str) -> bool {
        self.argument(0).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The command in the form that the connection sends.
    pub(crate) fn pack(&self) -> redis::Cmd {
        let mut packed = redis::Cmd::with_capacity(self.arguments.len() + 1, self.size());
        packed.arg::<&[u8]>(&self.typed_name);
        for argument in &self.arguments {
            packed.arg::<&[u8]>(argument);
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&'static str]) -> Command<'static> {
        Command::from_words(words.iter().map(|word| Cow::Borrowed(word.as_bytes()))).unwrap()
    }

    #[test]
    fn a_command_needs_a_name() {
        assert_eq!(Command::from_words(Vec::new()), None);
        assert_eq!(command(&["GeT", "k"]).name, "get");
    }

    #[test]
    fn displays_names_on_one_line() {
        assert_eq!(command(&["no\r\n+OK"]).display_name(), "NO  +OK");
        assert_eq!(command(&[&*"x".repeat(500).leak()]).display_name().len(), 64);
    }

    #[test]
    fn packs_binary_words() {
        let packed = command(&["SET", "k", "a\r\nb"]).pack().get_packed_command();
        assert_eq!(packed, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n");
    }

    #[test]
    fn knows_size_and_subcommand() {
        let command = command(&["script", "Load", "return 1"]);
        assert_eq!(command.size(), 18);
        assert!(command.has_subcommand("load"));
        assert!(!command.has_subcommand("exists"));
    }
}
