//! A namespace: sessions kept apart from all others, under a prefix of their own and with limits of their own. The canonical
//! API has one, and each dialect.

use crate::limits::Limits;
use crate::owner::Owner;
use std::rc::Rc;

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

impl Namespace {
    /// The namespace with the limits of one owner.
    #[must_use]
    pub fn of_owner(self: &Rc<Self>, owner: &Owner) -> Rc<Self> {
        let owner_bytes = self.limits.bytes_of(owner);
        if owner_bytes == self.limits.owner_bytes {
            return Rc::clone(self);
        }
        Rc::new(Self { limits: Limits { owner_bytes, ..self.limits.clone() }, ..Self::clone(self) })
    }
}
