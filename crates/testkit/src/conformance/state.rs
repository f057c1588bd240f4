//! The state that an agent keeps with a session, and conditional writes of it.

use super::operations::write_state;
use super::world::{World, session_id};
use crate::executor::Executor;
use chatkeep_model::Millis;
use chatkeep_model::plan::{Condition, ReadState, Stated, Tag, Written};

fn write<E: Executor>(world: &mut World<E>, operation: &str, state: &str, condition: Condition) -> Written {
    let mut write = write_state(world, "s1", operation, state);
    write.condition = condition;
    world.run(&write)
}

fn tag(written: &Written) -> Tag {
    let Written::Stored { tag, .. } = written else { panic!("{written:?}") };
    *tag
}

fn read<E: Executor>(world: &mut World<E>, sessions: &[&str]) -> Vec<Stated> {
    let now = world.now();
    world.run(&ReadState { sessions: sessions.iter().map(|id| session_id(id)).collect(), now })
}

pub(super) fn a_state_is_written_and_read<E: Executor>(world: &mut World<E>) {
    world.create("s2", "c2", "");
    let first = write(world, "w1", r#"{"n":[1, 2.50,"ž"]}"#, Condition::Any);
    assert!(matches!(&first, Written::Stored { created: true, session, .. } if session.total == 0));
    let second = write(world, "w2", "[]", Condition::Any);
    assert!(matches!(&second, Written::Stored { created: false, .. }));
    assert_ne!(tag(&first), tag(&second));
    let stated = read(world, &["s1", "s2", "s3"]);
    assert_eq!(stated, [Stated::State(tag(&second), "[]".to_owned()), Stated::None, Stated::Absent]);
}

pub(super) fn a_condition_that_does_not_hold_writes_nothing<E: Executor>(world: &mut World<E>) {
    let stale = Tag { created: world.now(), revision: 7 };
    assert_eq!(write(world, "w1", "1", Condition::Present), Written::Stale);
    assert_eq!(write(world, "w2", "1", Condition::Match(stale)), Written::Stale);
    assert_eq!(world.info("s1"), None, "and makes no session");
    let first = write(world, "w3", "1", Condition::None);
    assert_eq!(write(world, "w4", "2", Condition::None), Written::Stale);
    let second = write(world, "w5", "2", Condition::Match(tag(&first)));
    assert_eq!(write(world, "w6", "3", Condition::Match(tag(&first))), Written::Stale);
    assert!(matches!(write(world, "w7", "3", Condition::Present), Written::Stored { .. }));
    assert_ne!(read(world, &["s1"]), [Stated::State(tag(&second), "2".to_owned())]);
    assert!(matches!(read(world, &["s1"]).first(), Some(Stated::State(_, json)) if json == "3"));
}

pub(super) fn a_repeated_write_undoes_no_later_one<E: Executor>(world: &mut World<E>) {
    write(world, "w1", "1", Condition::Any);
    write(world, "w2", "2", Condition::Any);
    let before = world.session("s1");
    assert!(matches!(write(world, "w1", "1", Condition::Any), Written::Stored { .. }));
    assert_eq!(world.session("s1"), before);
    assert!(matches!(read(world, &["s1"]).first(), Some(Stated::State(_, json)) if json == "2"));
}

pub(super) fn a_tag_of_an_earlier_session_does_not_match<E: Executor>(world: &mut World<E>) {
    let first = write(world, "w1", "1", Condition::Any);
    world.delete("s1");
    assert_eq!(write(world, "w2", "2", Condition::Any), Written::Deleted);
    world.wait(Millis(world.limits.undo.0 + 1));
    write(world, "w1", "new", Condition::Any);
    assert_eq!(write(world, "w3", "3", Condition::Match(tag(&first))), Written::Stale);
}
