//! chatkeep-worker
