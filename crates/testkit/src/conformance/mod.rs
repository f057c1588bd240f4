//! The conformance suite: named scenarios that every store must pass, each from an empty store and for an owner of its own.

mod append;
mod begin;
mod bytes;
mod caps;
mod claim;
mod create;
mod delete;
mod expiry;
mod finish;
mod fork;
mod history;
mod import;
mod keys;
mod list;
mod message_ids;
pub mod operations;
mod owners;
mod patch;
mod prepend;
mod reseal;
mod restore;
mod state;
mod storage;
mod summary;
mod survey;
mod texts;
mod truncate;
pub mod world;

use crate::SimulatedClock;
use crate::executor::Executor;
use chatkeep_model::Millis;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

/// A scenario: it panics where the store breaks the contract.
#[derive(Debug)]
pub struct Scenario<E> {
    /// What it shows.
    pub name: &'static str,
    /// Plays it.
    pub play: fn(&mut World<E>),
}

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        /// All scenarios.
        #[must_use]
        pub fn scenarios<E: Executor>() -> Vec<Scenario<E>> {
            vec![$($(Scenario { name: stringify!($name), play: $module::$name::<E> },)+)+]
        }
    };
}

scenarios! {
    begin: a_first_turn_creates_its_session, a_later_turn_sees_the_window, a_finished_turn_is_replayed,
        a_turn_that_runs_is_left_alone, another_payload_is_a_mismatch, a_turn_is_taken_over_after_its_lease,
        the_same_attempt_goes_on, an_absent_session_is_not_created_when_it_must_exist,
        a_turn_does_not_run_under_the_id_of_a_create, the_window_stops_at_a_megabyte,
        a_window_of_exactly_a_megabyte_is_given, a_turn_of_another_session_is_another_turn,
        an_edit_takes_the_messages_place, a_derived_title_follows_the_first_message, a_message_is_answered_anew,
        a_turn_that_fails_leaves_what_it_would_replace, a_turn_replaces_nothing_that_came_since;
    finish: a_reply_is_stored, the_same_attempt_may_finish_again, a_superseded_attempt_stores_nothing,
        a_finish_of_an_unknown_turn_is_superseded, a_finish_must_name_its_message, a_finish_creates_no_session,
        a_finish_after_a_delete_is_absent, a_finish_after_the_expiry_is_absent, a_late_finish_does_not_meet_a_new_session,
        a_released_turn_can_be_taken_over_at_once, a_release_by_another_changes_nothing, a_hundred_retries_are_one_turn;
    create: a_created_session_is_empty_and_listed, a_repeated_create_changes_nothing, a_create_on_another_session_exists,
        a_create_on_a_session_with_turns_exists, a_repeated_create_shows_what_happened_since,
        a_created_title_is_kept, a_session_without_title_takes_it_from_its_first_turn;
    delete: a_deleted_session_is_gone, a_repeated_delete_is_a_delete, an_unknown_session_is_not_deleted,
        a_deleted_session_refuses_late_sends, the_id_is_free_after_the_undo_window, a_delete_after_a_rebirth_counts_anew;
    restore: a_restored_session_is_as_it_was, a_repeated_restore_is_a_restore, a_deletion_that_arrives_again_leaves_what_was_restored, there_is_nothing_to_restore_after_the_undo_window;
    reseal: what_is_still_there_is_replaced, what_was_changed_meanwhile_stays;
    append: an_append_stores_all_its_messages, a_repeated_append_changes_nothing, an_append_may_have_to_find_its_session,
        an_append_drops_the_oldest_beyond_the_cap;
    patch: a_patch_changes_what_it_names, a_repeated_patch_undoes_no_later_one, a_touch_slides_the_ttl_alone;
    truncate: a_cut_keeps_what_is_before_it, a_repeated_cut_spares_what_came_since,
        a_cut_of_what_is_not_there_changes_nothing, a_turn_that_was_cut_away_is_gone, a_cut_finds_its_message_far_back;
    fork: a_fork_has_the_messages_the_state_and_the_metadata, a_repeated_fork_makes_one_session,
        a_fork_needs_its_source_its_message_and_room, a_long_session_is_forked_whole;
    state: a_state_is_written_and_read, a_condition_that_does_not_hold_writes_nothing, a_repeated_write_undoes_no_later_one,
        a_tag_of_an_earlier_session_does_not_match;
    import: an_imported_session_is_as_it_was_exported, a_repeated_import_changes_nothing,
        an_import_that_does_not_fit_changes_nothing, a_dry_run_says_what_an_import_would_come_to_and_changes_nothing,
        a_rebuild_changes_no_list_that_is_right;
    prepend: what_was_archived_comes_before_what_came_since, what_was_archived_comes_once, what_was_archived_has_to_fit;
    expiry: turns_slide_the_ttl, reads_slide_nothing, an_expired_session_is_absent, an_expired_session_begins_anew,
        a_session_in_use_never_leaves_the_list, a_late_finish_keeps_its_session_listed, a_finish_at_once_slides_nothing;
    caps: the_oldest_messages_drop, a_lowered_cap_is_reached_in_steps, a_trimmed_reply_is_gone, a_trimmed_question_is_gone,
        an_owner_can_have_only_so_many, expired_and_deleted_sessions_make_room, the_last_128_turns_are_remembered,
        a_create_is_forgotten_like_a_turn;
    bytes: every_operation_counts_the_bytes, imported_bytes_are_counted, the_oldest_messages_drop_beyond_the_bytes,
        a_lowered_cap_of_bytes_is_reached_in_steps;
    storage: every_write_that_adds_bytes_meets_the_budget, small_steps_and_replies_are_not_refused,
        deleted_sessions_count_until_they_are_gone, sessions_that_shrink_or_end_make_room;
    history: the_newest_messages_come_oldest_first, pages_meet_without_gap_or_repeat, an_empty_session_has_an_empty_page,
        an_absent_session_has_no_page, positions_out_of_range_are_bent, a_page_stops_at_a_megabyte,
        a_page_of_exactly_a_megabyte_is_given,
        a_page_has_one_message_however_large;
    message_ids: a_message_id_in_the_window_is_refused, a_message_id_that_a_remembered_turn_had_is_refused,
        an_id_is_free_where_its_message_is_not_kept;
    keys: a_key_confirms_the_same_request_alone, a_key_of_a_deleted_session_confirms_no_restore,
        a_rotated_key_confirms_its_kind, a_branch_by_import_is_made_once_under_its_key;
    list: the_newest_activity_comes_first, pages_follow_the_cursor, ties_of_expiry_are_paged, cards_show_their_sessions,
        expired_sessions_are_invisible, an_empty_list_is_empty, a_hundred_sessions_are_one_page;
    summary: a_summary_is_kept_and_read, a_cut_below_it_ends_a_summary, a_summary_outlives_its_messages, tokens_add_up,
        a_branch_takes_its_share_of_what_is_noted, an_import_brings_what_is_noted, a_claim_takes_along_what_is_noted;
    survey: the_longest_unused_comes_first, ties_are_surveyed_in_pages, what_is_used_meanwhile_is_not_missed,
        a_survey_from_a_time_gone_by_begins_with_what_is_left, sessions_are_weighed;
    claim: a_claimed_session_is_as_it_was, a_claim_that_breaks_off_anywhere_goes_on, a_session_with_a_running_turn_stays,
        a_departing_session_is_read_and_not_changed, a_visitor_is_claimed_once, an_id_that_is_taken_is_not_taken_over,
        what_arrives_late_changes_nothing;
    owners: two_owners_with_one_session_id_never_meet;
    texts: texts_come_back_byte_for_byte, titles_keep_spaces_and_any_script, large_texts_come_back;
}

/// Plays all scenarios, each on a fresh store, and gives the names of those that failed; why is on the standard error.
pub fn failures<E: Executor>(fresh: impl FnMut() -> E) -> Vec<&'static str> {
    let mut failed = Vec::new();
    play(SimulatedClock::default().now(), fresh, |scenario, conforms| {
        if !conforms {
            failed.push(scenario);
        }
    });
    failed
}

/// Plays every scenario from a time on, each on a fresh store and for owners of its own, and tells whether the store conforms.
pub fn play<E: Executor>(start: Millis, mut fresh: impl FnMut() -> E, mut told: impl FnMut(&'static str, bool)) {
    for scenario in scenarios::<E>() {
        let name = scenario.name.replace('_', "-");
        let mut world = World::starting(start, fresh(), &name[..name.len().min(60)]);
        told(scenario.name, catch_unwind(AssertUnwindSafe(|| (scenario.play)(&mut world))).is_ok());
    }
}
