//! Dialects: the HTTP shapes of other systems, each a translation over the canonical operations, with a namespace of its own.

/// Whose shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A voice assistant's chat API.
    Jarvis,
    /// A chat API whose sessions are created before they are used.
    StorageGuide,
    /// A question-answering API over papers.
    OpenTa,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Jarvis, Self::StorageGuide, Self::OpenTa];

    /// Its name: the folder that it is mounted under, and the value of `DIALECT_ROOT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jarvis => "jarvis",
            Self::StorageGuide => "storage-guide",
            Self::OpenTa => "openta",
        }
    }

    /// The dialect of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}
