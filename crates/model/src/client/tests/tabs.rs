//! Two tabs of one browser that tell each other what they do.

use super::page::{Page, json};
use super::server::Server;
use super::streams::{begin, end};
use crate::client::Status::{Failed, Pending, Stored, Streaming};
use crate::client::{Event, Wish};
use serde_json::Value;

/// Two tabs, each with its own storage.
fn tabs() -> (Page, Page) {
    let (first, mut second) = (Page::new(), Page::new());
    second.first_id = 1 << 64;
    (first, second)
}

/// Each hears what the other told, until both are silent.
fn hear(first: &mut Page, second: &mut Page) {
    while !first.news.is_empty() || !second.news.is_empty() {
        for news in std::mem::take(&mut first.news) {
            second.feed(Event::Heard { news: json(&news) });
        }
        for news in std::mem::take(&mut second.news) {
            first.feed(Event::Heard { news: json(&news) });
        }
    }
}

#[test]
fn what_one_tab_says_the_other_shows_and_does_not_send() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    first.send("Hello");
    hear(&mut first, &mut second);
    let session = first.session().unwrap();
    assert_eq!(second.view().sessions[0].id.as_str(), session, "a chat just begun is in the other list");
    second.open(&session);
    assert_eq!(second.lines(), [("Hello".into(), Pending)]);
    assert!(second.view().sending && second.flights.is_empty() && second.stored().is_empty());
    first.settle(&mut server);
    hear(&mut first, &mut second);
    assert_eq!(second.lines(), [("Hello".into(), Stored), ("You said: Hello".into(), Stored)]);
    assert_eq!(second.view().session.unwrap().title.as_deref(), Some("Hello"));
    assert!(second.flights.is_empty() && !second.view().sending);
}

#[test]
fn a_tab_that_opens_later_is_told_what_waits() {
    let (mut first, mut second) = tabs();
    first.go(false);
    first.send("Hello");
    hear(&mut first, &mut second);
    let mut third = Page::new();
    hear(&mut third, &mut first);
    assert_eq!(third.view().sessions.len(), 1);
}

#[test]
fn a_reply_appears_in_every_tab_as_it_comes() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    first.stream("Hi");
    let session = first.session().unwrap();
    hear(&mut first, &mut second);
    second.open(&session);
    begin(&mut first, &["You ", "sa"]);
    hear(&mut first, &mut second);
    let shown = [("Hi".into(), Pending), ("You sa".into(), Streaming)];
    assert_eq!(second.lines(), shown);
    // A tab that opens in mid-reply is told how far it is, and the others aren't told twice.
    let mut third = Page::new();
    let token = first.flights[0].token;
    for news in std::mem::take(&mut third.news) {
        first.feed(Event::Heard { news: json(&news) });
    }
    first.streamed(token, 5, "delta", r#"{"text":"id"}"#);
    for news in std::mem::take(&mut first.news) {
        second.feed(Event::Heard { news: json(&news) });
        third.feed(Event::Heard { news: json(&news) });
    }
    third.open(&session);
    let shown = [("Hi".into(), Pending), ("You said".into(), Streaming)];
    assert_eq!((second.lines(), third.lines()), (shown.to_vec(), shown.to_vec()));
    // One that begins anew does so everywhere.
    begin(&mut first, &["You"]);
    hear(&mut first, &mut second);
    assert_eq!(second.lines()[1], ("You".into(), Streaming));
    end(&mut first, &mut server);
    hear(&mut first, &mut second);
    assert_eq!(second.lines(), [("Hi".into(), Stored), ("You said: Hi".into(), Stored)]);
    assert!(second.flights.is_empty());
}

#[test]
fn the_list_is_in_step() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    first.send("Hello");
    first.settle(&mut server);
    hear(&mut first, &mut second);
    let session = crate::SessionId::parse(first.session().unwrap()).unwrap();
    second.open(session.as_str());
    second.settle(&mut server);

    let changes = json(r#"{"title":"Greetings"}"#);
    first.wish(Wish::Patch { session: session.clone(), changes });
    let patch = first.flights.remove(0);
    assert_eq!((patch.method, patch.body.as_deref()), ("PATCH", Some(r#"{"title":"Greetings"}"#)));
    let (_, list) = server.take("GET", "/v1/sessions", None, super::server::Responder::Answers).unwrap();
    let mut card: Value = serde_json::from_str::<Value>(&list).unwrap()["sessions"][0].take();
    card["title"] = "Greetings".into();
    first.answer(patch.token, (200, card.to_string()));
    hear(&mut first, &mut second);
    assert_eq!(second.view().session.unwrap().title.as_deref(), Some("Greetings"));

    first.delete(session.as_str());
    first.settle(&mut server);
    hear(&mut first, &mut second);
    assert!(second.view().sessions.is_empty() && second.view().session_id.is_none());

    first.wish(Wish::Restore { session });
    let restore = first.flights.remove(0);
    assert!(restore.path.ends_with("/restore"));
    first.answer(restore.token, (200, card.to_string()));
    hear(&mut first, &mut second);
    assert_eq!((first.view().sessions.len(), second.view().sessions.len()), (1, 1));
}

#[test]
fn a_failed_message_can_be_retried_or_taken_back_from_another_tab() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    let (id, _) = first.send("Hello");
    first.lose_all();
    let session = first.session().unwrap();
    hear(&mut first, &mut second);
    second.open(&session);
    assert_eq!(second.lines(), [("Hello".into(), Failed)]);
    let ticket = second.retry(&id);
    hear(&mut first, &mut second);
    assert_eq!((first.flights.len(), second.flights.len()), (1, 0), "its own tab sends it");
    assert_eq!(second.lines(), [("Hello".into(), Pending)]);
    first.settle(&mut server);
    hear(&mut first, &mut second);
    assert!(second.done[&ticket].is_ok());

    let (id, _) = first.send("Again");
    first.lose_all();
    hear(&mut first, &mut second);
    second.discard(&id);
    hear(&mut first, &mut second);
    assert_eq!((first.lines().len(), second.lines().len()), (2, 2));
    assert!(first.stored().is_empty());
}

#[test]
fn what_a_tab_leaves_behind_another_sends() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    first.go(false);
    first.send("One");
    first.send("Two");
    let session = first.session().unwrap();
    hear(&mut first, &mut second);
    second.open(&session);
    second.feed(Event::Adopted { stored: json(first.storage.as_deref().unwrap()) });
    assert_eq!(second.stored().len(), 2, "it is kept here now");
    second.feed(Event::Adopted { stored: json(first.storage.as_deref().unwrap()) });
    assert_eq!(second.flights.len(), 1, "and only once");
    second.settle(&mut server);
    assert_eq!(second.lines().len(), 4);
    assert_eq!(server.sessions.values().map(|session| session.messages.len()).sum::<usize>(), 4);
}

#[test]
fn tabs_share_the_journals_marker_and_the_edits() {
    let (mut first, mut second) = tabs();
    let mut server = Server::new(100);
    let (id, _) = first.send("One");
    first.settle(&mut server);
    hear(&mut first, &mut second);
    second.open(&first.session().unwrap());
    second.settle(&mut server);
    first.edit(&id, "Eins");
    hear(&mut first, &mut second);
    assert_eq!(second.lines(), [("Eins".into(), Pending)]);
    first.settle(&mut server);
    hear(&mut first, &mut second);
    assert_eq!(second.lines(), first.lines());
    second.feed(Event::Heard { news: json(r#"{"news":"journal","marker":"j"}"#) });
    assert!(second.view().degraded);
    for nonsense in
        ["null", "{}", r#"{"news":"entry","session":"s"}"#, r#"{"news":"answer","session":"s","message":"m"}"#]
    {
        second.feed(Event::Heard { news: json(nonsense) });
    }
    assert_eq!(second.lines(), first.lines());
}
