//! The operations of operators in words, as [`crate::operations`] has the others.

use crate::operation::{Access, Given, Operation, operation, whole};
use crate::operations::{events, exported, imports};
use chatkeep_model::Code;
use chatkeep_model::limits::LIST_PAGE;
use chatkeep_model::observe::activity::MINUTES;
use chatkeep_model::route::Action;
use chatkeep_model::wire::{AdminDeleted, AdminSessionList, AdminStats, MovedHouse, OwnerList, Rebuilt, Resealed};
use serde_json::{Value, json};

/// What the operation of one of their actions is for.
pub(crate) fn administered(action: Action) -> Operation {
    let for_admins = |summary| operation("operations", summary).access(Access::Admin).fails(&[Code::InvalidParameter]);
    match action {
        Action::AdminStats => of_some(for_admins("What everybody's sessions come to"))
            .about("Looks at some of the sessions and says where it goes on: add what comes then, until there is no `next_cursor`.")
            .query("limit", whole(1, 300), "How many pages of sessions to look at.")
            .query("minutes", whole(0, MINUTES), "Of how many minutes to tell the activity.")
            .gives::<AdminStats>(200, "The figures."),

        Action::AdminSessions => of_some(for_admins("Everybody's sessions, without their texts"))
            .query("limit", whole(1, LIST_PAGE.1), "About how many to give: pages of the store are not parted.")
            .query("q", text(), "Finds sessions by id, owner or user; with `ADMIN_TEXTS` by title too.")
            .gives::<AdminSessionList>(200, "Some sessions. There can be more when none is among them."),

        Action::AdminDelete => of_some(for_admins("Delete everybody's sessions, an owner's, or one"))
            .given(Given::Session)
            .needs("confirm", "chatkeep:", "The prefix of the namespace.")
            .query("session_id", id(), "Only this one, of the owner who is named.")
            .gives::<AdminDeleted>(200, "How many are gone. Ask again with `next_cursor` until there is none.")
            .fails(&[Code::InvalidSessionId])
            .keyed(),

        Action::AdminExport => of_some(for_admins("Export everybody's sessions"))
            .about(
                "An export that ends without its `end` line goes on with `cursor`: the last line of that name. What comes twice then is \
                imported once.",
            )
            .given(Given::Session)
            .query("session_id", id(), "Only this one, of the owner who is named; with `ADMIN_TEXTS` only.")
            .answers(exported())
            .fails(&[Code::InvalidSessionId, Code::SessionNotFound]),

        Action::AdminImport => imports(for_admins("Import everybody's sessions"))
            .about("Repeated it changes nothing. What names no owner is the caller's, or of the owner in the query.")
            .query("owner", text(), "Whose sessions those are that say nothing."),

        Action::AdminEvents => for_admins("The deployment's log, as it is written")
            .answers(events("The last lines and those that come, for five minutes: each an object, as in the log."))
            .fails(&[Code::RateLimited]),

        Action::Rebuild => for_admins("Rebuild the list of sessions after Redis evicted it")
            .given(Given::Session)
            .query("owner", text(), "Whose; else the caller's.")
            .query("everyone", json!({"type": "string"}), "`true`: of every owner who has sessions, and the directory of owners too.")
            .query("cursor", json!({"type": "string", "pattern": "^[0-9]+$"}), "`next_cursor` of the answer before, of a rebuild of everyone's.")
            .gives::<Rebuilt>(200, "How many sessions are in the list now; of everyone's, how many were looked at.")
            .keyed(),

        Action::MoveHouse => for_admins("Move sessions of the vaults to the Redis that came later")
            .query("limit", whole(1, LIST_PAGE.1), "How many owners to move.")
            .gives::<MovedHouse>(200, "What was moved, and whether there is more."),

        Action::Reseal => of_some(for_admins("Seal with the first key what is not sealed with it"))
            .query("limit", whole(1, 800), "How often to ask the store, about; 200 by default.")
            .gives::<Resealed>(200, "What came of a part of it, and where to go on.")
            .fails(&[Code::StoreUnavailable]),

        _ => for_admins("Who has sessions, to within five minutes")
            .query("limit", whole(1, LIST_PAGE.1), "How many to give.")
            .query("cursor", text(), "`next_cursor` of the page before.")
            .gives::<OwnerList>(200, "A page of owners."),
    }
}

/// One that can be narrowed to an owner, and goes on.
fn of_some(operation: Operation) -> Operation {
    operation.query("owner", text(), "Only this owner's.").query(
        "cursor",
        text(),
        "`next_cursor` of the answer before.",
    )
}

fn text() -> Value {
    json!({"type": "string"})
}

fn id() -> Value {
    json!({"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}|-[A-Za-z0-9_.:-]{1,127})$"})
}
