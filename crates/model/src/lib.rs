//! Every decision of Chatkeep, and nothing else.
//!
//! This crate is deterministic: it knows no clock, no randomness, no socket, no JavaScript. What it needs of those comes
//! in as arguments. The Worker, the browser SDK and the gateway are shells around it that move bytes.

pub mod accept;
pub mod archive;
pub mod auth;
pub mod base64url;
pub mod breaker;
pub mod census;
pub mod change;
pub mod claim;
pub mod client;
pub mod client_address;
pub mod config;
pub mod context;
pub mod cors;
pub mod depth;
pub mod dialect;
pub mod error;
pub mod feed;
pub mod fingerprint;
pub mod id;
pub mod intake;
pub mod journal;
pub mod json;
pub mod large_reads;
pub mod library;
pub mod limits;
pub mod message;
pub mod moving;
pub mod namespace;
pub mod observe;
pub mod owner;
pub mod percent;
pub mod plan;
pub mod rate;
pub mod records;
pub mod redis;
pub mod reseal;
pub mod responder;
pub mod route;
pub mod running_imports;
pub mod seal;
pub mod search;
pub mod session;
pub mod sse;
pub mod stream;
pub mod summary;
pub mod time;
pub mod title;
pub mod transfer;
pub mod turn;
pub mod version;
pub mod wire;

pub use change::Change;
pub use config::Config;
pub use dialect::Dialect;
pub use error::{Code, Problem, StoreError};
pub use id::{MessageId, SessionId, TurnId};
pub use limits::Limits;
pub use message::{Message, Role};
pub use namespace::Namespace;
pub use owner::Owner;
pub use plan::Operation;
pub use session::Session;
pub use time::Millis;
