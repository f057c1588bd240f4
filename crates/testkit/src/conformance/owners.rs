//! Owners: another's session does not exist for you.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::plan::Finished;

pub(super) fn two_owners_with_one_session_id_never_meet<E: Executor>(world: &mut World<E>) {
    let finish = world.exchange("s1", "t1", "mine");
    world.act_for("other");
    assert_eq!(world.info("s1"), None);
    assert_eq!(world.list(10, None).count, 0);
    assert_eq!(world.run(&finish), Finished::Absent);
    assert!(!world.delete("s1"));
    world.exchange("s1", "t1", "theirs");
    assert_eq!(world.contents("s1"), ["theirs", "THEIRS"]);
    assert!(world.delete("s1"));

    world.act_for("two-owners-with-one-session-id-never-meet");
    assert_eq!(world.contents("s1"), ["mine", "MINE"]);
    assert_eq!(world.listed(), ["s1"]);
}
