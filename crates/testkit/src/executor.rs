//! Who carries out operations: one interface to every store, so that a scenario is written once.

use crate::reference::ReferenceStore;
use chatkeep_model::plan::apply_named;
use chatkeep_model::{Millis, Operation, Owner};
use std::convert::Infallible;
use std::fmt;

/// A store that carries out operations.
pub trait Executor {
    /// Why it could not.
    type Error: fmt::Debug;

    /// Carries out an operation of an owner.
    ///
    /// # Errors
    /// The storage failed, or it answered what the operation can't come to.
    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Self::Error>;

    /// Simulated time passes: the store forgets by itself what it would have forgotten by then.
    fn pass(&mut self, duration: Millis) {
        let _ = duration;
    }
}

impl<E: Executor> Executor for &mut E {
    type Error = E::Error;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Self::Error> {
        (**self).run(owner, operation)
    }

    fn pass(&mut self, duration: Millis) {
        (**self).pass(duration);
    }
}

impl Executor for ReferenceStore {
    type Error = Infallible;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Infallible> {
        operation.apply(self.records(owner))
    }
}

/// The reference store behind names and JSON, as a vault is reached: operations and outcomes must survive the way.
#[derive(Debug, Default)]
pub struct ByName {
    store: ReferenceStore,
}

/// An operation or its outcome did not survive the way through its name and JSON.
#[derive(Debug)]
pub struct NotCarried(pub String);

impl Executor for ByName {
    type Error = NotCarried;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, NotCarried> {
        let lost = |error: serde_json::Error| NotCarried(format!("{}: {error}", O::NAME));
        let json = serde_json::to_string(operation).map_err(lost)?;
        let outcome = apply_named(O::NAME, &json, self.store.records(owner))
            .map_err(|_| NotCarried(format!("{} is refused: {json}", O::NAME)))?;
        serde_json::from_str(&outcome).map_err(lost)
    }
}
