//! The gateway as its users meet it: a real Redis, the real program, plain HTTP.

mod batches;
mod cluster;
mod compatibility;
mod control;
mod forms;
mod outage;
mod refusals;
mod scripts;
mod streams;
mod support;
mod tls;
