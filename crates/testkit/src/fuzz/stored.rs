//! What a store holds and answers: replies, records, journal entries, sealed texts.

use super::{choice, text};
use chatkeep_model::config::Encryption;
use chatkeep_model::journal::{Handed, Seed, session_of};
use chatkeep_model::message::stored_id;
use chatkeep_model::plan::{Operation, Summary, Visitor, visit_named};
use chatkeep_model::redis::{Reply, reply};
use chatkeep_model::seal::{Cipher, Kind, Seal, key_of};
use chatkeep_model::session::{Card, Flags};
use chatkeep_model::turn::TurnRecord;
use chatkeep_model::{Millis, Owner, SessionId, TurnId};
use chatkeep_seal::Keys;

/// An operation of each name, as JSON.
const OPERATIONS: &str = include_str!("operations.txt");

/// An operation's name on the first line, and what the REST API answers to it.
pub(super) fn replies(input: &[u8]) {
    struct Decode(Reply);

    impl Visitor for Decode {
        type Output = ();

        fn visit<O: Operation + 'static>(self, operation: O) {
            let Ok(mut outcome) = operation.decode(self.0) else { return };
            let told = serde_json::to_string(&outcome).expect("it can be written");
            assert!(serde_json::from_str::<O::Outcome>(&told).is_ok_and(|read| read == outcome));
            let _ = operation.told(&mut outcome, &mut |_, _, _| Ok(()));
            let _ = operation.changes(&outcome);
        }
    }

    let text = &*text(input);
    let (name, body) = text.split_once('\n').unwrap_or(("", text));
    for status in [200, 400, 401, 500] {
        let reply::Answer::Reply(reply) = reply::read(status, body) else { continue };
        if let Ok(mut items) = reply.clone().items() {
            while !items.is_empty() && items.take().is_ok() {}
        }
        let operation = OPERATIONS.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == name);
        if let Some((name, json)) = operation {
            visit_named(name, json, Decode(reply)).expect("the list has an operation of each name");
        }
    }
}

/// An operation as the journal and the vault get it: its name on the first line, and its JSON; or all that is handed over.
pub(super) fn operations(input: &[u8]) {
    struct Again;

    impl Visitor for Again {
        type Output = ();

        fn visit<O: Operation + 'static>(self, mut operation: O) {
            let _ = operation.texts(&mut |_, _, text| {
                text.push('x');
                Ok(())
            });
            let json = serde_json::to_string(&operation).expect("it can be written");
            let read: O = serde_json::from_str(&json).expect("it can be read");
            assert_eq!(serde_json::to_string(&read).ok(), Some(json));
        }
    }

    let text = &*text(input);
    let (name, json) = text.split_once('\n').unwrap_or(("", text));
    visit_named(name, json, Again);
    let _ = session_of(json);
    if let Ok(handed) = serde_json::from_str::<Handed>(json) {
        let _ = handed.session();
    }
    if let (Ok(mut seed), Ok(id)) = (serde_json::from_str::<Seed>(json), SessionId::parse("s")) {
        let _ = seed.texts(&id, &mut |_, _, _| Ok(()));
    }
}

/// The forms in which small things are stored: records of turns, flags, cards, summaries.
pub(super) fn records(input: &[u8]) {
    let text = &*text(input);
    let (Ok(session), Ok(turn)) = (SessionId::parse("s"), TurnId::parse("m1")) else { return };
    if let Some(record) = TurnRecord::parse(text) {
        assert_eq!(TurnRecord::parse(&record.to_string()).as_ref(), Some(&record));
    }
    if let Some(record) = TurnRecord::parse_short(&turn, text) {
        assert_eq!(TurnRecord::parse_short(&turn, &record.in_short(&turn)).as_ref(), Some(&record));
    }
    let flags = Flags::parse(text);
    assert_eq!(Flags::parse(&flags.stored()), flags);
    if let Some(card) = Card::parse(session, Millis(1), text) {
        let _ = card.body(Millis(0));
    }
    if let Some(summary) = Summary::parse(text) {
        assert_eq!(Summary::parse(&summary.stored()).as_ref(), Some(&summary));
    }
    if let Some(id) = stored_id(text) {
        assert!(text.contains(id));
    }
}

/// A stored text, opened as each kind; then the same text sealed, opened, and refused when a byte of it is another. The first byte
/// says which.
pub(super) fn envelopes(input: &[u8]) {
    const KINDS: [Kind; 7] =
        [Kind::Message, Kind::Title, Kind::Metadata, Kind::State, Kind::Summary, Kind::Row, Kind::Fingerprint];
    let (at, rest) = choice(input);
    let text = &*text(rest);
    let Ok(session) = SessionId::parse("s") else { return };
    let owner = Owner::app();
    let of = |strict| {
        let keys = vec![("k1".to_owned(), [1; 32]), ("k0".to_owned(), [0; 32])];
        Keys::new(&Encryption { keys, seals: true, strict }, |nonce| nonce.fill(7))
    };
    let (keys, strict) = (of(false), of(true));
    let with = |cipher| Seal { cipher, prefix: "chatkeep:", owner: &owner };
    for kind in KINDS {
        for seal in [with(None), with(Some(&keys as &dyn Cipher)), with(Some(&strict))] {
            let _ = seal.open(kind, &session, &mut text.to_owned());
        }
        let _ = key_of(kind, text);
        if kind == Kind::Fingerprint || text.is_empty() {
            continue;
        }
        let seal = with(Some(&strict as &dyn Cipher));
        let mut stored = text.to_owned();
        if seal.close(kind, &session, &mut stored).is_err() {
            assert_eq!(kind, Kind::Message, "only what is no message can't be sealed");
            continue;
        }
        assert_eq!(key_of(kind, &stored), Some("k1"));
        let mut opened = stored.clone();
        assert_eq!(seal.open(kind, &session, &mut opened), Ok(()));
        assert_eq!(opened, text);
        let mut changed = stored.clone().into_bytes();
        let place = usize::from(at) * changed.len() / 256;
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let Ok(mut changed) = String::from_utf8(changed) else { continue };
        assert!(seal.open(kind, &session, &mut changed).is_err(), "changed at {place} and believed: {stored}");
    }
}
