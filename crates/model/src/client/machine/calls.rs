//! What the user wants of the list and of single sessions: one request each.

use super::{Machine, Purpose, encode, session_path};
use crate::client::effect::Outcome;
use crate::client::json::{self, Members};
use crate::client::outbox::Track;
use crate::client::{Json, Minted, Problem, Ticket, Wish, decode};
use crate::id::SessionId;

impl Machine {
    pub(super) fn call(&mut self, ticket: Ticket, wish: Wish, minted: Minted) {
        self.problem = None;
        let open = self.open.clone();
        let (method, path, body, purpose) = match wish {
            Wish::Sessions { more, search } => return self.sessions(ticket, more, search),
            Wish::Keep => return self.keep(ticket),
            Wish::Patch { session, changes } => {
                let body = json::text(&changes);
                ("PATCH", session_path(&session, ""), Some(body), Purpose::Describe { ticket, fresh: false })
            }
            Wish::Delete { session } => {
                ("DELETE", session_path(&session, ""), None, Purpose::Delete { session, ticket })
            }
            Wish::Restore { session } => {
                ("POST", session_path(&session, "/restore"), None, Purpose::Describe { ticket, fresh: true })
            }
            Wish::Fork { session, at, title } => {
                let Some(session) = session.or(open) else { return self.no_session(ticket) };
                let mut body = String::new();
                let mut object = Members::begin(&mut body);
                object.add("session_id", &minted.session);
                object.add_some("at", at.as_ref());
                object.add_some("title", title.as_ref());
                object.end();
                ("POST", session_path(&session, "/fork"), Some(body), Purpose::Describe { ticket, fresh: true })
            }
            Wish::Export { session } => {
                let path = match session {
                    Some(session) => session_path(&session, "/export"),
                    None => "/v1/export".to_owned(),
                };
                ("GET", path, None, Purpose::Value { ticket })
            }
            Wish::State { session } => {
                let Some(session) = session.or(open) else { return self.no_session(ticket) };
                ("GET", session_path(&session, "/state"), None, Purpose::Value { ticket })
            }
            Wish::SetState { session, state } => {
                let Some(session) = session.or(open) else { return self.no_session(ticket) };
                let path = session_path(&session, "/state");
                ("PUT", path, Some(json::text(&state)), Purpose::Describe { ticket, fresh: false })
            }
            // The rest is about the open chat; see `wishes`.
            _ => return self.done(ticket, Err(Problem::invalid_call())),
        };
        self.request(method, path, body, purpose);
    }

    fn no_session(&mut self, ticket: Ticket) {
        self.done(ticket, Err(Problem::invalid_session_id()));
    }

    fn sessions(&mut self, ticket: Ticket, more: bool, search: Option<String>) {
        if let Some(search) = search {
            self.list.search(search);
        }
        let search = self.list.search.clone();
        let cursor = self.list.cursor().filter(|_| more).cloned();
        if more && cursor.is_none() {
            return self.done(ticket, Ok(Outcome::Finished));
        }
        let mut path = "/v1/sessions".to_owned();
        let parameters = [("q=", Some(&search).filter(|search| !search.is_empty())), ("cursor=", cursor.as_ref())];
        for (name, value) in parameters {
            if let Some(value) = value {
                path.push(if path.contains('?') { '&' } else { '?' });
                path.push_str(name);
                encode(value, &mut path);
            }
        }
        self.request("GET", path, None, Purpose::List { ticket, search, more });
    }

    /// Stores the open incognito chat: all that was said so far becomes a session.
    fn keep(&mut self, ticket: Ticket) {
        let incognito = |track: &&Track| track.incognito;
        let Some(track) = self.open_track().filter(incognito) else {
            self.incognito = false;
            return self.done(ticket, Ok(Outcome::Finished));
        };
        if track.busy.is_some() {
            return self.done(ticket, Err(Problem::busy()));
        }
        let session = track.id.clone();
        let stored = self.transcript.lines().iter().filter(|line| track.entry(&line.id).is_none());
        let messages: Vec<Whole<'_>> = stored.map(Whole).collect();
        let mut body = String::new();
        let mut object = Members::begin(&mut body);
        object.add("messages", &messages);
        object.end();
        let path = session_path(&session, "/messages");
        self.request("POST", path, Some(body), Purpose::Keep { session, ticket });
    }

    /// The incognito chat is a session now.
    pub(super) fn kept(&mut self, session: &SessionId, body: Json, ticket: Ticket) -> Option<()> {
        let card = decode::card(decode::Fields::of(body.clone())?)?;
        let now = self.tick();
        self.list.used(&card, true, now);
        if let Some(track) = self.track(session) {
            track.incognito = false;
            track.known = true;
        }
        self.tell_card(body, true);
        self.done(ticket, Ok(Outcome::Session(card.id)));
        Some(())
    }
}

/// A message with its id.
struct Whole<'a>(&'a crate::client::transcript::Line);

impl json::Write for Whole<'_> {
    fn write(&self, to: &mut String) {
        let mut object = Members::begin(to);
        object.add("id", &self.0.id);
        object.add("role", &self.0.role);
        object.add("content", &self.0.content);
        object.add_some("parent", self.0.parent.as_ref());
        object.add_some("metadata", self.0.metadata.as_ref());
        object.end();
    }
}
