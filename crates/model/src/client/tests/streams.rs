//! Replies in pieces: as they come, cut off, followed, stopped; and chats that nobody keeps.

use super::page::{Page, json};
use super::server::{Responder, Server, problem};
use crate::client::Status::{Failed, Pending, Stopped, Stored, Streaming};
use crate::client::{Event, Outcome, Wish};
use crate::version;

/// The oldest request streams the beginning of a reply.
pub(super) fn begin(page: &mut Page, pieces: &[&str]) -> u32 {
    let token = page.flights[0].token;
    page.streamed(token, 1, "turn", r#"{"session_id":"s","message_id":"m","reply_id":"r-1"}"#);
    for (at, piece) in pieces.iter().enumerate() {
        page.streamed(token, at as u64 + 2, "delta", &format!(r#"{{"text":"{piece}"}}"#));
    }
    token
}

/// Its last event, which the server makes out of the request's body.
pub(super) fn end(page: &mut Page, server: &mut Server) {
    let flight = page.flights.remove(0);
    let (_, body) = server.take("POST", "/v1/chat", flight.body.as_deref(), Responder::Answers).unwrap();
    page.streamed(flight.token, 9, "done", &body);
    page.feed(Event::Unreachable { token: flight.token });
}

#[test]
fn a_reply_is_shown_as_it_comes() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.stream("Hi");
    assert!(page.flights[0].body.as_deref().unwrap().contains(r#""stream":true"#));
    begin(&mut page, &["You ", "said"]);
    assert_eq!(page.lines(), [("Hi".into(), Pending), ("You said".into(), Streaming)]);
    assert_eq!(page.pieces[&ticket], "You said");
    assert!(page.view().sending);
    assert_eq!(page.view().sessions.len(), 1, "a chat just begun is in the list");
    end(&mut page, &mut server);
    assert_eq!(page.lines(), [("Hi".into(), Stored), ("You said: Hi".into(), Stored)]);
    assert!(page.done[&ticket].is_ok() && !page.view().sending);
}

#[test]
fn a_stream_that_is_cut_off_is_followed_from_where_it_was() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (id, ticket) = page.stream("Hi");
    let sent = page.flights[0].body.clone();
    assert!(server.take("POST", "/v1/chat", sent.as_deref(), Responder::TakesItsTime).is_none());
    begin(&mut page, &["You ", "said"]);
    page.lose();
    let follow = page.flights[0].clone();
    assert!(follow.method == "GET" && follow.path.ends_with("/stream"));
    assert_eq!(follow.headers.last(), Some(&("last-event-id", "3".to_owned())));
    assert_eq!(page.lines()[1], ("You said".into(), Streaming));
    // A server that begins at the beginning is not heard twice.
    page.streamed(follow.token, 2, "delta", r#"{"text":"You "}"#);
    page.streamed(follow.token, 4, "delta", r#"{"text":": H"}"#);
    assert_eq!(page.pieces[&ticket], "You said: H");
    // Cut off once more, and by then the turn is over: it is sent again, and the server says what it said.
    page.lose();
    page.wake();
    assert_eq!((page.flights[0].method, page.flights[0].path.as_str()), ("POST", "/v1/chat"));
    assert!(page.flights[0].body.as_deref().unwrap().contains(&id), "under its id");
    server.finish(sent.as_deref().unwrap());
    page.exchange(&mut server);
    assert!(page.done[&ticket].is_ok());
    assert_eq!(page.lines()[1], ("You said: Hi".into(), Stored));
}

#[test]
fn a_reload_follows_the_turn_that_still_runs() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.stream("Hi");
    let sent = page.flights[0].body.clone();
    begin(&mut page, &["You "]);
    assert!(server.take("POST", "/v1/chat", sent.as_deref(), Responder::TakesItsTime).is_none());
    page.reload();
    page.exchange(&mut server);
    page.wake();
    assert!(page.flights[0].path.ends_with("/stream"), "{:?}", page.flights);
    begin(&mut page, &["You ", "said"]);
    assert_eq!(page.lines(), [("Hi".into(), Pending), ("You said".into(), Streaming)]);
    // Nothing runs any more: 204.
    let token = page.flights.remove(0).token;
    page.answered(token, 204, None, "");
    server.finish(sent.as_deref().unwrap());
    page.settle(&mut server);
    assert_eq!(page.lines(), [("Hi".into(), Stored), ("You said: Hi".into(), Stored)]);
}

#[test]
fn a_server_without_streams_answers_all_the_same() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.stream("Hi");
    let token = page.flights.remove(0).token;
    page.answer(token, problem(400, "unsupported"));
    assert!(!page.flights[0].body.as_deref().unwrap().contains("stream"));
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok());
}

#[test]
fn a_stream_can_end_in_an_error() {
    let mut page = Page::new();
    let (_, ticket) = page.stream("Hi");
    let token = begin(&mut page, &["You "]);
    page.streamed(token, 3, "error", &problem(502, "responder_failed").1);
    page.feed(Event::Unreachable { token });
    assert_eq!(page.code(ticket), Some("responder_failed"));
    assert_eq!(page.lines(), [("Hi".into(), Failed)]);
}

#[test]
fn an_incognito_chat_is_kept_nowhere_until_the_user_wants_it() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Before");
    page.settle(&mut server);
    page.news.clear();
    page.wish(Wish::NewChat { incognito: true });
    assert!(page.view().incognito && page.view().session_id.is_none());
    for text in ["Secret", "And more"] {
        page.send(text);
        let flight = page.flights.remove(0);
        let body = flight.body.unwrap();
        assert!(body.contains(r#""incognito":true"#) && !body.contains("existing"), "{body}");
        let again = text == "And more";
        let context = r#""context":[{"role":"user","content":"Secret"},{"role":"assistant","content":"Sure"}]"#;
        assert_eq!(body.contains(context), again, "{body}");
        assert!(!body.contains("session_id"), "{body}");
        let answer = format!(r#"{{"response":"Sure","message_id":"m","reply_id":"r-{text}","incognito":true}}"#);
        page.answer(flight.token, (200, answer.replace("r-And more", "r-2")));
    }
    assert_eq!(page.lines().len(), 4);
    assert!(page.storage.is_none() && page.news.is_empty(), "{:?} {:?}", page.storage, page.news);
    assert_eq!(page.view().sessions.len(), 1, "not in the list either");

    let ticket = page.wish(Wish::Keep);
    let kept = page.flights.remove(0);
    assert!(kept.path.ends_with("/messages") && kept.body.unwrap().contains("And more"));
    let mut card: serde_json::Value =
        serde_json::from_str(&server.take("GET", "/v1/sessions", None, Responder::Answers).unwrap().1).unwrap();
    let mut card = card["sessions"][0].take();
    card["session_id"] = page.session().unwrap().into();
    page.answer(kept.token, (200, serde_json::json!({ "message_ids": [], "session": card }).to_string()));
    assert!(matches!(page.done[&ticket], Ok(Outcome::Session(_))));
    assert!(!page.view().incognito && page.storage.is_some());
    assert_eq!(page.view().sessions.len(), 2);
    assert_eq!(page.lines().len(), 4);
}

#[test]
fn an_incognito_chat_ends_when_it_is_left_and_stops_where_it_is() {
    let mut page = Page::new();
    page.wish(Wish::NewChat { incognito: true });
    let (_, ticket) = page.stream("Secret");
    begin(&mut page, &["Su"]);
    page.wish(Wish::Stop);
    assert_eq!(page.aborted.len(), 1);
    assert_eq!(page.lines(), [("Secret".into(), Stored), ("Su".into(), Stopped)]);
    assert!(matches!(&page.done[&ticket], Ok(Outcome::Reply(reply)) if reply.stopped));
    let (_, left) = page.send("More");
    page.new_chat();
    assert_eq!(page.code(left), Some("cancelled"));
    assert_eq!(page.aborted.len(), 2);
    assert!(page.lines().is_empty() && page.storage.is_none() && !page.view().incognito);
}

#[test]
fn an_edit_replaces_what_came_after_and_regenerate_asks_again() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (one, _) = page.send("One");
    page.settle(&mut server);
    let (two, _) = page.send("Two");
    page.settle(&mut server);
    page.edit(&two, "Zwei");
    assert!(page.flights[0].body.as_deref().unwrap().contains(&format!(r#""cut_after":"r-{one}""#)));
    assert_eq!(page.lines()[2..], [("Zwei".into(), Pending)]);
    page.reload();
    let flight = page.flights.iter().find(|flight| flight.method == "POST").unwrap();
    assert!(flight.body.as_deref().unwrap().contains("cut_after"), "also after a reload");
    page.settle(&mut server);
    let expected = ["One", "You said: One", "Zwei", "You said: Zwei"].map(|text| (text.to_owned(), Stored));
    assert_eq!(page.lines(), expected);
    page.wish(Wish::Regenerate { message: None, stream: false });
    page.settle(&mut server);
    assert_eq!(page.lines(), expected);
    page.edit(&one, "Eins");
    assert!(page.flights[0].body.as_deref().unwrap().contains(r#""cut_after":"-""#));
    page.settle(&mut server);
    assert_eq!(page.lines(), ["Eins", "You said: Eins"].map(|text| (text.to_owned(), Stored)));
    page.history(false);
    page.settle(&mut server);
    assert_eq!(page.lines().len(), 2);
    let unknown = page.edit("nothing", "x");
    assert_eq!(page.code(unknown), Some("message_not_found"));
}

#[test]
fn a_page_read_before_an_edit_brings_nothing_back() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (one, _) = page.send("One");
    page.settle(&mut server);
    page.history(false);
    let asked = page.flights.pop().unwrap();
    let old = server.take("GET", &asked.path, None, Responder::Answers).unwrap();
    page.edit(&one, "Eins");
    page.exchange(&mut server);
    page.answer(asked.token, old);
    page.settle(&mut server);
    assert_eq!(page.lines(), ["Eins", "You said: Eins"].map(|text| (text.to_owned(), Stored)));
}

#[test]
fn the_journals_marker_goes_back_with_every_request_until_it_is_cleared() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("One");
    let flight = page.flights.remove(0);
    let (status, body) = server.take("POST", "/v1/chat", flight.body.as_deref(), Responder::Answers).unwrap();
    let answer = |page: &mut Page, token, marker: &str| {
        page.feed(Event::Answered {
            token,
            status,
            retry_after: None,
            echoes: [Some(marker.into()), Some("sync".into())],
            body: json(&body),
        });
    };
    answer(&mut page, flight.token, "j1");
    assert!(page.view().degraded);
    page.list();
    let version = (version::HEADER, version::CURRENT.to_string());
    let expected = [version.clone(), ("chatkeep-journal", "j1".to_owned()), ("upstash-sync-token", "sync".to_owned())];
    assert_eq!(page.flights[0].headers, expected);
    page.reload();
    assert!(page.view().degraded, "also after a reload");
    let token = page.flights.remove(0).token;
    answer(&mut page, token, "-");
    assert!(!page.view().degraded);
    page.list();
    assert_eq!(page.flights.pop().unwrap().headers, [version, ("upstash-sync-token", "sync".to_owned())]);
    // A stream's headers are sent too early for that: its last event says it.
    page.stream("Two");
    let token = begin(&mut page, &["You "]);
    page.streamed(token, 9, "done", &body.replacen('{', r#"{"journal":"j2","#, 1));
    assert!(page.view().degraded);
}

#[test]
fn a_stream_that_begins_anew_delivers_each_piece_once() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.stream("Hi");
    begin(&mut page, &["You ", "said"]);
    // The connection is lost, and so is every attempt to follow; then the turn is sent again and answered from the start.
    page.lose();
    page.lose();
    page.wake();
    assert_eq!(page.flights[0].method, "POST");
    begin(&mut page, &["You ", "sa", "id: ", "Hi"]);
    assert_eq!(page.pieces[&ticket], "You said: Hi");
    end(&mut page, &mut server);
    assert_eq!(page.pieces[&ticket], "You said: Hi");
    assert_eq!(page.lines()[1], ("You said: Hi".into(), Stored));
}

#[test]
fn a_regeneration_that_fails_shows_what_it_would_have_replaced() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("One");
    page.settle(&mut server);
    page.send("Two");
    page.settle(&mut server);
    let old = page.lines();
    page.wish(Wish::Regenerate { message: None, stream: false });
    let flight = page.flights.remove(0);
    let answer = server.take("POST", "/v1/chat", flight.body.as_deref(), Responder::Fails).unwrap();
    page.answer(flight.token, answer);
    page.settle(&mut server);
    assert_eq!(page.lines()[..4], old);
    assert_eq!(page.lines()[4..], [("Two".into(), Failed)]);
    let failed = page.view().messages[4].id.to_string();
    page.retry(&failed);
    page.settle(&mut server);
    assert_eq!(page.lines(), old);
}
