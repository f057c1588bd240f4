//! The reference store and Redis as one store that fails where they disagree.

use chatkeep_model::plan::{Info, ReadHistory, ReadList, ReadState, ReadSummary, Survey, Weigh};
use chatkeep_model::turn::TurnRecord;
use chatkeep_model::{Millis, Operation, Owner, TurnId};
use chatkeep_testkit::{Executor, RedisExecutor, ReferenceStore, audit};
use std::collections::BTreeMap;
use std::fmt;

/// Both stores, and how often each outcome was seen.
#[derive(Debug)]
pub(crate) struct Both<'a> {
    pub(crate) reference: ReferenceStore,
    redis: &'a mut RedisExecutor,
    seen: &'a mut BTreeMap<String, u64>,
}

/// Where they disagree.
#[derive(Debug)]
pub(crate) struct Disagreement {
    what: String,
    reference: String,
    redis: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nreference: {}\nredis:     {}", shown(&self.what), shown(&self.reference), shown(&self.redis))
    }
}

/// Large messages are cut for the eye only.
fn shown(text: &str) -> String {
    if text.len() <= 4000 {
        return text.to_owned();
    }
    format!("{}... ({} bytes)", text.chars().take(4000).collect::<String>(), text.len())
}

impl<'a> Both<'a> {
    /// Both stores, empty.
    pub(crate) fn new(redis: &'a mut RedisExecutor, seen: &'a mut BTreeMap<String, u64>) -> Self {
        redis.flush();
        Self { reference: ReferenceStore::default(), redis, seen }
    }

    /// Whether Redis keeps what it should: a sound layout, and of every live session the same messages and turns.
    pub(crate) fn compare_what_is_kept(&mut self, owner: &Owner, now: Millis) -> Result<(), Disagreement> {
        let problems = audit::problems(self.redis, now);
        if !problems.is_empty() {
            let (reference, redis) = (String::new(), format!("{problems:#?}"));
            return Err(Disagreement { what: "the audit of Redis".to_owned(), reference, redis });
        }
        let keys = self.redis.keys(owner);
        for (id, kept) in self.reference.records(owner).sessions() {
            if kept.session.is_live(now) {
                let messages = kept.messages.iter().map(|(position, text)| (format!("m:{position}"), text.clone()));
                let turns = kept.turns.iter().map(|(turn, record)| (format!("t:{turn}"), short(turn, record)));
                let state = kept.state.iter().map(|state| ("state".to_owned(), state.json.clone()));
                let metadata = kept.metadata.iter().map(|metadata| ("meta".to_owned(), metadata.clone()));
                let expected: BTreeMap<String, String> = messages.chain(turns).chain(state).chain(metadata).collect();
                let mut fields = self.redis.fields(&keys.session(id));
                let compared = |name: &str| name.starts_with("m:") || name.starts_with("t:") || name == "state";
                fields.retain(|name, value| compared(name) || (name == "meta" && !value.is_empty()));
                if fields != expected {
                    let (reference, redis) = (format!("{expected:?}"), format!("{fields:?}"));
                    return Err(Disagreement { what: format!("what is kept of {id}"), reference, redis });
                }
            }
        }
        Ok(())
    }

    /// Whether something that was kept at `then` has run out by `now`. A store may have forgotten it by then, or not yet.
    pub(crate) fn something_ran_out(&mut self, owner: &Owner, then: Millis, now: Millis) -> bool {
        let records = self.reference.records(owner);
        let mut ends = records.sessions().values().map(|kept| kept.session.expires).chain(records.buried());
        ends.any(|end| then < end && end <= now)
    }
}

impl Executor for Both<'_> {
    type Error = Disagreement;

    fn run<O: Operation>(&mut self, owner: &Owner, operation: &O) -> Result<O::Outcome, Disagreement> {
        let Ok(outcome) = self.reference.run(owner, operation);
        let answer = self.redis.run(owner, operation);
        if !answer.as_ref().is_ok_and(|answer| *answer == outcome) {
            let what = format!("{} {}", O::NAME, serde_json::to_string(operation).unwrap_or_default());
            let redis = answer.map_or_else(|error| format!("{error:?}"), |answer| format!("{answer:?}"));
            return Err(Disagreement { what, reference: format!("{outcome:?}"), redis });
        }
        if !READS.contains(&O::NAME) {
            *self.seen.entry(format!("{} {}", O::NAME, variant::<O>(&outcome))).or_default() += 1;
        }
        Ok(outcome)
    }

    fn pass(&mut self, duration: Millis) {
        self.redis.pass(duration);
    }
}

/// A record as Redis keeps it: without the ids that follow from the turn's own.
fn short(turn: &TurnId, record: &TurnRecord) -> String {
    let (reply, long) = (turn.reply_id(), record.to_string());
    let words = long.split(' ').enumerate().map(|(at, word)| match at {
        3 if word == reply.as_str() => "=",
        5 if word == turn.as_str() => "=",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What changes nothing and comes to the same few things.
const READS: [&str; 7] =
    [Info::NAME, ReadHistory::NAME, ReadList::NAME, ReadState::NAME, ReadSummary::NAME, Survey::NAME, Weigh::NAME];

/// The name of an outcome's variant.
fn variant<O: Operation>(outcome: &O::Outcome) -> String {
    let json = serde_json::to_string(outcome).unwrap_or_default();
    json.chars().skip_while(|it| "[{\"".contains(*it)).take_while(|it| it.is_alphabetic()).collect()
}
