//! chatkeep-testkit
