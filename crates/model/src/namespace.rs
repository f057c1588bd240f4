//! A namespace: sessions kept apart from all others, under a prefix of their own and with limits of their own. The canonical
//! API has one, and each dialect.

use crate::limits::Limits;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What it is called in logs and documents.
    pub name: &'static str,
    /// What every key of it begins with. No braces.
    pub prefix: String,
    /// Its limits. The TTL is uniform in it: the order of its lists depends on that.
    pub limits: Limits,
}
