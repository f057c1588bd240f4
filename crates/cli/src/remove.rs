//! `chatkeep rm`: deletes one session, an owner's, or everybody's.

use crate::client::{Client, Failure, given};
use crate::progress::bar;
use crate::stats::figures;
use chatkeep_model::wire::AdminDeleted;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

pub(crate) fn remove(client: &Client, owner: Option<&str>, session: Option<&str>, yes: bool) -> Result<(), Failure> {
    let there = figures(client, owner)?;
    let what = match (owner, session) {
        (Some(owner), Some(session)) => format!("the session {session} of {owner}"),
        (Some(owner), None) => format!("{} sessions of {owner}", there.sessions),
        (None, _) => format!("all {} sessions of all {} owners", there.sessions, there.owners),
    };
    if !yes && !is_confirmed(&what, &there.namespace)? {
        return Err(Failure::Other("nothing was deleted".to_owned()));
    }
    let total = if session.is_some() { 1 } else { there.sessions };
    let shown = bar(Some(total), "deleted");
    let query = given(&[("confirm", Some(&there.namespace)), ("owner", owner), ("session_id", session)]);
    let mut deleted = 0;
    client.ask_all("DELETE", "/v1/admin/sessions", &query, |part: AdminDeleted| {
        deleted += part.deleted;
        shown.set_position(deleted);
        Ok(part.next_cursor)
    })?;
    shown.finish_and_clear();
    eprintln!("deleted {deleted} sessions");
    if session.is_some() && deleted == 0 {
        return Err(Failure::Other(format!("{what} is not there")));
    }
    Ok(())
}

/// Asks a person, who has to write the namespace's prefix.
fn is_confirmed(what: &str, namespace: &str) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::Other(format!("this deletes {what}: say --yes")));
    }
    eprint!("This deletes {what}. Write {namespace} to confirm: ");
    stderr().flush()?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == namespace)
}
