//! The machine against a simulated server, by named scenarios and by random ones; and the view's committed example.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod calls;
mod example;
mod outbox;
mod page;
mod random;
mod scenarios;
mod server;
mod streams;
mod tabs;
