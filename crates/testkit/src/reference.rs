//! The reference store: the records in plain maps. What it answers is what every other store must answer.

use chatkeep_model::Owner;
use chatkeep_model::records::MemoryRecords;
use std::collections::BTreeMap;

/// Every owner's sessions.
#[derive(Debug, Clone, Default)]
pub struct ReferenceStore {
    owners: BTreeMap<Owner, MemoryRecords>,
}

impl ReferenceStore {
    /// One owner's sessions.
    pub fn records(&mut self, owner: &Owner) -> &mut MemoryRecords {
        self.owners.entry(owner.clone()).or_default()
    }
}
