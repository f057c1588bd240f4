//! `chatkeep ls` and `chatkeep show`: sessions, and one of them.

use crate::client::{Client, Failure, given};
use crate::stats::{bytes, time};
use chatkeep_model::Message;
use chatkeep_model::session::printable;
use chatkeep_model::wire::{AdminSession, AdminSessionList, ExportLine};

pub(crate) fn list(client: &Client, owner: Option<&str>, query: Option<&str>, json: bool) -> Result<(), Failure> {
    let mut listed = 0;
    each(client, owner, query, |found| {
        if json {
            println!("{}", serde_json::to_string(found).unwrap_or_default());
            return;
        }
        if listed == 0 {
            println!("{:<28} {:<38} {:>8} {:>9} {:>8}  LAST USED", "OWNER", "SESSION", "MESSAGES", "BYTES", "ENDS IN");
        }
        listed += 1;
        let session = &found.session;
        let title = session.title.as_deref().map(|title| format!("  {}", printable(title))).unwrap_or_default();
        println!(
            "{:<28} {:<38} {:>8} {:>9} {:>8}  {}{title}",
            found.owner.as_str(),
            session.session_id.as_str(),
            session.message_count,
            bytes(session.bytes.unwrap_or(0)),
            time(session.expires_in_seconds),
            session.updated_at,
        );
    })
}

fn each(
    client: &Client,
    owner: Option<&str>,
    query: Option<&str>,
    mut shown: impl FnMut(&AdminSession),
) -> Result<(), Failure> {
    let query = given(&[("owner", owner), ("q", query)]);
    client.ask_all("GET", "/v1/admin/sessions", &query, |page: AdminSessionList| {
        page.sessions.iter().for_each(&mut shown);
        Ok(page.next_cursor)
    })
}

pub(crate) fn show(client: &Client, owner: &str, session: &str, json: bool) -> Result<(), Failure> {
    let mut found = None;
    each(client, Some(owner), Some(session), |one| {
        if one.session.session_id.as_str() == session {
            found = Some(one.clone());
        }
    })?;
    let missing = || Failure::Other(format!("{owner} has no session {session}"));
    let found = found.ok_or_else(missing)?;
    let body = serde_json::to_value(&found).map_err(|error| Failure::Other(error.to_string()))?;
    if json {
        println!("{body}");
    } else if let Some(members) = body.as_object() {
        for (name, value) in members {
            println!("{name:<20}{}", value.as_str().map_or_else(|| value.to_string(), printable));
        }
    }
    let lines = client.lines("/v1/admin/export", &[("owner", owner), ("session_id", session)]);
    let lines = match lines {
        Err(Failure::Refused(403, _)) => {
            eprintln!("messages are not shown: ADMIN_TEXTS is off in this deployment");
            return Ok(());
        }
        lines => lines?,
    };
    for line in lines {
        let line = line?;
        if json {
            println!("{line}");
        } else if let Ok(ExportLine::Message(exported)) = serde_json::from_str(&line)
            && let Ok(message) = serde_json::from_str::<Message>(exported.message.get())
        {
            println!("\n{} {:?}\n{}", printable(&message.created), message.role, printable(&message.content));
        }
    }
    Ok(())
}
