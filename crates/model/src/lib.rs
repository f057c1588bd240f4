//! Every decision of Chatkeep, and nothing else.
//!
//! This crate is deterministic: it knows no clock, no randomness, no socket, no JavaScript. What it needs of those comes
//! in as arguments. The Worker, the browser SDK and the gateway are shells around it that move bytes.

pub mod client;
pub mod id;
pub mod message;
pub mod time;
pub mod wire;

pub use id::{MessageId, SessionId, TurnId};
pub use message::{Message, Role};
pub use time::Millis;
