//! The Upstash Redis REST dialect in front of any Redis server: for local development, tests and self-hosting.
//!
//! A request is read (`request.rs`), judged (`rules.rs`), run (`execute.rs`) over one shared connection
//! (`redis_link.rs`, `connection.rs`, `cluster.rs`) and answered (`reply.rs`, `response.rs`); `dialect.rs` leads it through. [`Gateway`] listens; [`Config`] is what the environment says.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]

mod access_log;
mod auth;
mod body;
mod cluster;
mod command;
mod command_table;
mod compatibility;
mod config;
mod connection;
mod control;
mod counters;
mod dialect;
mod events;
mod execute;
mod faults;
mod monitor;
mod nesting;
mod patience;
mod redis_link;
mod reply;
mod request;
mod response;
mod rules;
mod script;
mod server;
mod sync_token;
mod target;
mod texts;
mod tls;
mod wrapped_stream;

pub use config::{Config, Tokens};
pub use server::Gateway;
pub use target::RedisTarget;
