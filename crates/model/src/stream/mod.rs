//! A turn whose reply comes in pieces: what a responder sends, the draft that grows from it, and how readers are shown it.

pub mod completions;
pub mod draft;
pub mod event;
pub mod own;
mod part;
pub mod reader;
pub mod ui;
pub mod webhook;

pub use draft::Draft;
pub use event::{Ending, Opened};
pub use part::Part;
pub use reader::{Read, Reader, Wire};

use crate::error::Code;
use crate::wire::Raw;
use serde::{Deserialize, Serialize};

/// A piece of a reply, as a responder sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// More text.
    Text(String),
    /// A source that the reply rests on: a JSON object, with `url` and `title` where it has them.
    Source(Raw),
    /// A tool that shall be called, or more of its input.
    Tool {
        /// Which call, among those of this reply.
        call: u64,
        /// The call's id and the tool's name: with the first piece of a call.
        named: Option<(String, String)>,
        /// More of the input, which as a whole is JSON.
        input: String,
    },
    /// Why the reply ends here.
    Finish(Finish),
    /// What the model's API counted.
    Usage(Raw),
    /// An object to keep on the reply.
    Metadata(Raw),
    /// The session's new state.
    State(Raw),
}

/// Why a reply ends, in the AI SDK's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Finish {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
    Other,
}

/// What went wrong with a responder: the problem's code and what to say of it, which never quotes the responder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The problem's code.
    pub code: Code,
    /// For people.
    pub detail: String,
}

impl Failure {
    /// The responder answered with an error or nonsense.
    #[must_use]
    pub fn responder(detail: impl Into<String>) -> Self {
        Self { code: Code::ResponderFailed, detail: detail.into() }
    }
}

impl From<(Code, String)> for Failure {
    fn from((code, detail): (Code, String)) -> Self {
        Self { code, detail }
    }
}

/// Reads what a responder sends.
pub trait ReplyReader {
    /// Takes more bytes and adds the pieces that they complete. What it added before it failed counts.
    ///
    /// # Errors
    /// [`Failure`]: there is no more to be read.
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Failure>;

    /// The responder has closed the connection.
    ///
    /// # Errors
    /// [`Failure`]: it broke off.
    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure>;

    /// Whether the reply is whole, so that nothing more need be read.
    fn is_whole(&self) -> bool;
}
