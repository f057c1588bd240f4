//! The form of a call: Upstash's REST API takes scripts as they are; stock Redis another form of them, with another digest.

use chatkeep_model::redis::Call;
use std::collections::BTreeMap;

/// Writes calls for one server.
pub(crate) enum Form {
    /// Upstash's REST API.
    Rest,
    /// A Redis over TCP; with the digests of the scripts in its form, by their own.
    Stock(BTreeMap<&'static str, String>),
}

impl Form {
    /// A call as a JSON array of strings.
    pub(crate) fn write(&mut self, call: &Call, with_source: bool) -> String {
        match self {
            Form::Rest if with_source => call.body_with_source(),
            Form::Rest => call.body(),
            Form::Stock(_) if with_source => call.stock_body_with_source(),
            Form::Stock(digests) => call.stock_body(|script| {
                let digest = || sha1_smol::Sha1::from(script.stock_source()).hexdigest();
                digests.entry(script.sha1).or_insert_with(digest).clone()
            }),
        }
    }
}
