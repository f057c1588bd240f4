//! Redis as Upstash's REST API speaks it: keys, calls, scripts and replies. Bytes only; sending is the shell's.

pub mod call;
pub mod keys;
pub mod reply;
pub mod script;
pub mod server;

pub use call::Call;
pub use keys::Keys;
pub use reply::{Reply, UnexpectedReply};
pub use script::Script;
