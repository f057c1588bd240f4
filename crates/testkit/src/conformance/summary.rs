//! Summary: what of a session is told in short, and as long as it holds.

use super::world::{World, message_id, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{CutAfter, ReadSummary, Summarise, Summary, Truncate};

fn summarise<E: Executor>(world: &mut World<E>, until: u64, last: &str) -> bool {
    let summary = Summary { until, last: message_id(last), text: "in  short\nKůň".to_owned() };
    world.run(&Summarise { session: session_id("s"), summary, now: world.now() })
}

fn until<E: Executor>(world: &mut World<E>) -> Option<u64> {
    let summary = world.run(&ReadSummary { session: session_id("s"), now: world.now() });
    summary.map(|summary| {
        assert_eq!(summary.text, "in  short\nKůň");
        summary.until
    })
}

fn cut<E: Executor>(world: &mut World<E>, operation: &str, after: CutAfter) {
    let (now, ttl) = (world.now(), world.limits.ttl);
    let operation = super::world::turn_id(operation);
    world.run(&Truncate { session: session_id("s"), operation, after, now, ttl });
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
    let details = world.run(&chatkeep_model::plan::Info { session: session_id("s"), now: world.now() });
    assert_eq!(details.map(|details| details.notes.used), Some(11));
    world.wait(Millis(1));
}
