//! A turn whose reply comes in pieces: what a responder sends, the draft that grows from it, and how readers are shown it.

mod body;
mod calls;
pub mod completions;
pub mod draft;
pub mod event;
mod failure;
pub mod own;
mod part;
pub mod reader;
pub mod ui;
pub mod webhook;

pub use draft::Draft;
pub use event::{Ending, Opened};
pub use failure::{Failure, MAX_ERROR_BYTES};
pub use part::Part;
pub use reader::{Read, Reader, Wire};

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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Finish {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
    Other,
}

/// Reads what a responder sends.
pub trait ReplyReader {
    /// Takes more bytes and adds the pieces that they complete. What it added before it failed counts. Returns whether something was
    /// said that can be read, even when no piece came of it: a comment is silence.
    ///
    /// # Errors
    /// [`Failure`]: there is no more to be read.
    fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<bool, Failure>;

    /// Nothing more is read: the responder has closed the connection, or the reply is whole, or no more of a finished one came.
    ///
    /// # Errors
    /// [`Failure`]: it broke off, or said nothing.
    fn end(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Failure>;

    /// Whether the reply is whole, so that nothing more need be read.
    fn is_whole(&self) -> bool;

    /// Whether the responder has said why the reply ends, so that no more than a count need follow.
    fn is_finished(&self) -> bool {
        false
    }
}
