//! What operators see: log lines, traces, figures and data points. None of it holds message text, a token or a key.

pub mod activity;
pub mod line;
pub mod meter;
pub mod point;
pub mod trace;

pub use line::{Level, Line};
pub use meter::{Meter, Snapshot};
pub use point::DataPoint;
pub use trace::Trace;
