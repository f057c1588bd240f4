//! Summary: what of a session is told in short, as long as it holds, and where it goes along; so for the tokens that it used.

use super::claim::{USER, VISITOR, carry};
use super::operations::{fork, import, truncate};
use super::world::{World, message_id, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{CutAfter, Imported, Info, ReadSummary, Summarise, Summary};
use chatkeep_model::records::Notes;

fn summarise<E: Executor>(world: &mut World<E>, until: u64, last: &str) -> bool {
    let summary = Summary { until, last: message_id(last), text: "in  short\nKůň".to_owned() };
    world.run(&Summarise { session: session_id("s"), summary, now: world.now() })
}

fn until<E: Executor>(world: &mut World<E>) -> Option<u64> {
    until_of(world, "s")
}

fn until_of<E: Executor>(world: &mut World<E>, session: &str) -> Option<u64> {
    let summary = world.run(&ReadSummary { session: session_id(session), now: world.now() });
    summary.map(|summary| {
        assert_eq!(summary.text, "in  short\nKůň");
        summary.until
    })
}

fn cut<E: Executor>(world: &mut World<E>, operation: &str, after: CutAfter) {
    world.run(&truncate(world, "s", operation, after.as_str()));
}

fn notes<E: Executor>(world: &mut World<E>, session: &str) -> Notes {
    let details = world.run(&Info { session: session_id(session), now: world.now() });
    details.map(|details| details.notes).unwrap_or_default()
}

fn three_turns<E: Executor>(world: &mut World<E>) {
    for turn in ["t1", "t2", "t3"] {
        world.exchange("s", turn, "text");
    }
}

pub(super) fn a_summary_is_kept_and_read<E: Executor>(world: &mut World<E>) {
    three_turns(world);
    let before = world.session("s");
    assert_eq!(until(world), None);
    assert!(!summarise(world, 4, "r-t1"), "its last message is another");
    assert!(!summarise(world, 7, "r-t3") && !summarise(world, 0, "r-t3"), "there is no message there");
    assert!(summarise(world, 4, "r-t2"));
    assert_eq!((until(world), world.session("s")), (Some(4), before), "and changes nothing else");
    world.wait(world.limits.ttl);
    assert_eq!(until(world), None);
    assert!(!summarise(world, 4, "r-t2"));
}

pub(super) fn a_cut_below_it_ends_a_summary<E: Executor>(world: &mut World<E>) {
    three_turns(world);
    assert!(summarise(world, 4, "r-t2"));
    cut(world, "c1", CutAfter::Message(message_id("r-t2")));
    assert_eq!(until(world), Some(4), "what it is of is still there");
    cut(world, "c2", CutAfter::Message(message_id("r-t1")));
    assert_eq!(until(world), None);
    world.exchange("s", "t4", "other text");
    assert_eq!(until(world), None);
    assert!(summarise(world, 4, "r-t4"));
    cut(world, "c3", CutAfter::Nothing);
    assert_eq!(until(world), None);
    world.exchange("s", "t5", "text");
    assert_eq!(until(world), None);
}

pub(super) fn a_summary_outlives_its_messages<E: Executor>(world: &mut World<E>) {
    three_turns(world);
    assert!(summarise(world, 4, "r-t2"));
    world.limits.messages_per_session = 2;
    world.exchange("s", "t4", "text");
    assert_eq!((world.session("s").first, until(world)), (6, Some(4)));
}

pub(super) fn tokens_add_up<E: Executor>(world: &mut World<E>) {
    world.exchange("s", "t1", "four");
    let finish = world.exchange("s", "t2", "seven77");
    world.run(&finish);
    assert_eq!(notes(world, "s").used, 11);
    world.wait(Millis(1));
}

pub(super) fn a_branch_takes_its_share_of_what_is_noted<E: Executor>(world: &mut World<E>) {
    three_turns(world);
    assert!(summarise(world, 4, "r-t2"));
    let used = notes(world, "s").used;
    assert!(used > 0 && used.is_multiple_of(3), "{used}");
    for (target, at, share, told) in [
        ("whole", None, used, Some(4)),
        ("at", Some("r-t2"), used * 2 / 3, Some(4)),
        ("before", Some("u-t2"), used / 2, None),
        ("turn", Some("r-t1"), used / 3, None),
    ] {
        let mut branch = fork(world, "s", target, target);
        branch.at = at.map(message_id);
        world.run(&branch);
        assert_eq!((notes(world, target).used, until_of(world, target)), (share, told), "{target}");
    }
    assert_eq!((notes(world, "s").used, until(world)), (used, Some(4)), "and leaves the source as it is");
    world.limits.messages_per_session = 2;
    world.exchange("s", "t4", "text");
    world.run(&fork(world, "s", "dropped", "dropped"));
    assert_eq!(until_of(world, "dropped"), Some(4), "what it is of was dropped, and it holds");
}

pub(super) fn an_import_brings_what_is_noted<E: Executor>(world: &mut World<E>) {
    let noted = |until: u64, last: &str| Notes { used: 7, summary: format!("{until} {last} in  short\nKůň") };
    let mut first = import(world, "s", 0, 3);
    first.notes = noted(4, "i3");
    world.run(&first);
    assert_eq!((notes(world, "s").used, until(world)), (7, None), "its last message is not there yet");
    let mut second = import(world, "s", 3, 2);
    second.notes = noted(1, "i0");
    assert!(matches!(world.run(&second), Imported::Stored(_)));
    assert_eq!((notes(world, "s").used, until(world)), (7, Some(4)), "what is there is not noted anew");
    let mut later = import(world, "later", 40, 2);
    (later.after, later.notes) = (Some(40), noted(40, "i39"));
    world.run(&later);
    assert_eq!((notes(world, "later").used, until_of(world, "later")), (7, Some(40)));
    world.run(&import(world, "plain", 0, 2));
    assert_eq!(notes(world, "plain"), Notes::default());
}

pub(super) fn a_claim_takes_along_what_is_noted<E: Executor>(world: &mut World<E>) {
    world.act_for(VISITOR);
    three_turns(world);
    assert!(summarise(world, 4, "r-t2"));
    let before = notes(world, "s");
    carry(world, "s", 100);
    world.act_for(USER);
    assert_eq!(notes(world, "s").used, before.used);
    assert_eq!(until(world), Some(4));
}
