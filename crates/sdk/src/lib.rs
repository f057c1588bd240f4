//! chatkeep-sdk
