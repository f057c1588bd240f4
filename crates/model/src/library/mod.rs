//! The store behind `chatkeep/server`: a method call in; calls to Redis and an answer out.
//!
//! A shell gives [`Machine`] the calls of JavaScript and the answers of Redis, and carries out the effects in their order.

mod address;
mod answer;
mod branch;
mod event;
mod job;
mod journal;
mod knowledge;
mod link;
mod list;
mod log;
mod machine;
mod operation;
mod settings;

#[cfg(test)]
mod tests;

pub use address::Address;
pub use event::{Answer, Effect, Ticket, Token};
pub use job::Request;
pub use log::{Level, Line};
pub use machine::Machine;
pub use settings::{Connection, Settings, variables};

/// Notes the schemas of what the methods of a store answer.
#[cfg(feature = "schema")]
pub fn schemas(generator: &mut schemars::SchemaGenerator) {
    answer::schemas(generator);
}
