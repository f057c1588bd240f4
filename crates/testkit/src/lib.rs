//! What tests stand on: the reference store, Redis as the plans' executor, a simulated clock, and the conformance suite
//! that holds every store to one contract, and what is tried on every parser.
//!
//! For tests only. It panics where a test should fail.

pub mod audit;
pub mod clock;
pub mod conformance;
pub mod executor;
pub mod fuzz;
pub mod random;
pub mod redis;
pub mod reference;
pub mod server;
pub mod through_worker;

pub use clock::SimulatedClock;
pub use executor::Executor;
pub use redis::RedisExecutor;
pub use reference::ReferenceStore;
pub use server::RedisServer;
pub use through_worker::ThroughWorker;
