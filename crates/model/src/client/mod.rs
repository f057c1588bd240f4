//! The browser's session machine: events in, effects out, one view.
//!
//! A shell feeds [`Machine::handle`] what happened, carries out the effects in their order, and shows [`Machine::view`].
//! The machine never waits: each event returns its whole list of effects, and the answer to an effect is another event.
//! Answers of requests are named by a [`Token`], the promises of callers by a [`Ticket`].

mod decode;
mod effect;
mod event;
mod json;
mod list;
mod machine;
mod outbox;
mod problem;
mod sse;
mod transcript;
mod view;
mod wish;

#[cfg(test)]
mod tests;

pub use effect::{Effect, Outcome, Reply};
pub use event::{ECHOED, ECHOES, Event, Minted};
pub use json::Json;
pub use machine::Machine;
pub use problem::Problem;
pub use sse::{Events, ServerEvent};
pub use view::{MessageView, SessionView, Status, View};
pub use wish::Wish;

/// Names a request or a pause, so that its answer finds back. Later ones have higher tokens.
pub type Token = u32;

/// Names a caller who waits for an outcome. The shell makes them up; the machine only gives them back, each once.
pub type Ticket = u32;

/// Notes the schemas of what a shell hands on: [`View`] and [`Reply`].
#[cfg(feature = "schema")]
pub fn schemas(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<View<'_>>();
    generator.subschema_for::<Reply>();
}
