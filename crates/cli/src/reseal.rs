//! `chatkeep reseal`: has the deployment seal with its first key what is not sealed with it.

use crate::client::{Client, Failure, given};
use crate::progress::bar;
use chatkeep_model::wire::Resealed;

pub(crate) fn reseal(clients: &[Client], owner: Option<&str>) -> Result<(), Failure> {
    let shown = bar(None, "texts looked at");
    let mut all = Resealed::default();
    for client in clients {
        client.ask_all("POST", "/v1/admin/reseal", &given(&[("owner", owner)]), |part: Resealed| {
            all.seen += part.seen;
            all.resealed += part.resealed;
            all.unreadable += part.unreadable;
            shown.set_position(all.seen);
            Ok(part.next_cursor)
        })?;
    }
    shown.finish_and_clear();
    eprintln!("looked at {} texts, resealed {}", all.seen, all.resealed);
    match all.unreadable {
        0 => Ok(()),
        left => Err(Failure::Other(format!("{left} can't be read and are left as they are: keep every key"))),
    }
}
