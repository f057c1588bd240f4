//! What is wished of the list and of single sessions, and how wishes are read.

use super::page::{Page, json};
use super::server::problem;
use crate::client::{Json, Outcome, Wish};
use crate::id::SessionId;
use serde_json::json as value;

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn card(id: &str, hour: u32) -> serde_json::Value {
    let at = format!("2026-01-01T{hour:02}:00:00.000Z");
    value!({ "session_id": id, "title": id, "message_count": 2, "total_messages": 2, "created_at": at, "updated_at": at,
        "expires_at": "2026-02-01T00:00:00.000Z", "expires_in_seconds": 9, "pinned": true })
}

fn list(page: &mut Page, ids: &[(&str, u32)], count: u64, next: Option<&str>) {
    let cards: Vec<_> = ids.iter().map(|(id, hour)| card(id, *hour)).collect();
    let mut body = value!({ "sessions": cards, "count": count });
    if let Some(next) = next {
        body["next_cursor"] = next.into();
    }
    let token = page.flights.remove(0).token;
    page.answer(token, (200, body.to_string()));
}

fn shown(page: &Page) -> Vec<String> {
    page.view().sessions.iter().map(|session| session.id.as_str().to_owned()).collect()
}

#[test]
fn the_list_comes_page_by_page_and_a_fresh_first_page_keeps_the_others() {
    let mut page = Page::new();
    page.list();
    list(&mut page, &[("e", 9), ("d", 8)], 5, Some("c1"));
    assert!(page.view().has_more_sessions && page.view().session_count == 5 && page.view().sessions[0].pinned);
    page.wish(Wish::Sessions { more: true, search: None });
    assert!(page.flights[0].path.ends_with("?cursor=c1"));
    list(&mut page, &[("c", 7), ("b", 6)], 5, Some("c2"));
    assert_eq!(shown(&page), ["e", "d", "c", "b"]);
    page.list();
    list(&mut page, &[("f", 10), ("e", 9)], 6, Some("c1"));
    assert_eq!(shown(&page), ["f", "e", "d", "c", "b"]);
    page.wish(Wish::Sessions { more: true, search: None });
    assert!(page.flights[0].path.ends_with("?cursor=c2"), "it goes on where it was");
    list(&mut page, &[("a", 1)], 6, None);
    assert_eq!(shown(&page).len(), 6);
    let none = page.wish(Wish::Sessions { more: true, search: None });
    assert!(page.done[&none].is_ok() && page.flights.is_empty());
    page.list();
    list(&mut page, &[("f", 10)], 1, None);
    assert_eq!(shown(&page), ["f"], "what a whole list doesn't have is gone");
}

#[test]
fn a_search_shows_what_it_finds_and_an_empty_one_shows_all_again() {
    let mut page = Page::new();
    page.list();
    list(&mut page, &[("b", 2), ("a", 1)], 2, None);
    page.wish(Wish::Sessions { more: false, search: Some("é b".into()) });
    assert!(page.flights[0].path.ends_with("/v1/sessions?q=%c3%a9%20b"), "{}", page.flights[0].path);
    let slow = page.flights.remove(0);
    page.wish(Wish::Sessions { more: false, search: Some("a".into()) });
    list(&mut page, &[("a", 1)], 2, None);
    page.answer(slow.token, (200, value!({ "sessions": [card("b", 2)], "count": 2 }).to_string()));
    assert_eq!((shown(&page), page.view().search), (vec!["a".to_owned()], "a"), "a slow answer to another search");
    page.wish(Wish::Patch { session: id("a"), changes: json(r#"{"archived":true}"#) });
    let mut changed = card("a", 1);
    changed["archived"] = true.into();
    let token = page.flights.remove(0).token;
    page.answer(token, (200, changed.to_string()));
    assert!(page.view().sessions[0].archived);
    page.wish(Wish::Sessions { more: false, search: Some(String::new()) });
    assert_eq!(shown(&page), ["b", "a"], "at once");
    assert!(page.view().sessions[1].archived);
}

#[test]
fn a_fork_is_listed_and_named_and_values_come_as_they_are() {
    let mut page = Page::new();
    let fork = page.wish(Wish::Fork { session: Some(id("a")), at: None, title: Some("Copy".into()) });
    let flight = page.flights.remove(0);
    assert!(flight.path == "/v1/sessions/a/fork" && flight.body.unwrap().contains(r#""title":"Copy""#));
    page.answer(flight.token, (201, card("b", 2).to_string()));
    assert_eq!(page.done[&fork].as_ref().unwrap().text(), r#""b""#);
    assert_eq!(shown(&page), ["b"]);

    let state = page.wish(Wish::State { session: Some(id("a")) });
    let token = page.flights.remove(0).token;
    page.answer(token, (200, r#"{"temperature":-1.5,"list":[1,null]}"#.into()));
    assert_eq!(page.done[&state].as_ref().unwrap().text(), r#"{"list":[1,null],"temperature":-1.5}"#);
    let none = page.wish(Wish::State { session: None });
    assert_eq!(page.code(none), Some("invalid_session_id"), "no session is open");
    page.wish(Wish::SetState { session: Some(id("a")), state: json(r#"[1]"#) });
    let flight = page.flights.remove(0);
    assert_eq!(
        (flight.method, flight.path.as_str(), flight.body.as_deref()),
        ("PUT", "/v1/sessions/a/state", Some("[1]"))
    );

    let export = page.wish(Wish::Export { session: None });
    let flight = page.flights.remove(0);
    assert_eq!(flight.path, "/v1/export");
    page.answer(flight.token, (200, "{\"session\":1}\n{\"end\":2}\n".into()));
    let expected = Outcome::Value(Json::Text("{\"session\":1}\n{\"end\":2}\n".into()));
    assert_eq!(page.done[&export], Ok(expected));
    let refused = page.wish(Wish::Patch { session: id("a"), changes: json("{}") });
    let token = page.flights.remove(0).token;
    page.answer(token, problem(413, "title_too_long"));
    assert_eq!(page.code(refused), Some("title_too_long"));
    assert_eq!(page.view().problem.unwrap().code, "title_too_long");
}

#[test]
fn wishes_are_read_and_nonsense_is_refused() {
    let read = |name: &str, text: &str| Wish::read(name, json(text)).map_err(|problem| problem.code);
    assert_eq!(read("newChat", "{}"), Ok(Wish::NewChat { incognito: false }));
    assert_eq!(
        read("send", r#"{"text":"Hi","metadata":{"a":1},"stream":true}"#),
        Ok(Wish::Send { text: "Hi".into(), metadata: Some(json(r#"{"a":1}"#)), stream: true, id: None })
    );
    assert_eq!(read("open", r#"{"session":"s"}"#), Ok(Wish::Open { session: id("s") }));
    assert_eq!(read("sessions", r#"{"search":""}"#), Ok(Wish::Sessions { more: false, search: Some(String::new()) }));
    assert_eq!(read("stop", "null"), Ok(Wish::Stop));
    for (name, text, code) in [
        ("open", r#"{"session":"a/b"}"#, "invalid_session_id"),
        ("delete", r#"{"session":"new"}"#, "invalid_session_id"),
        ("retry", r#"{"message":""}"#, "message_not_found"),
        ("open", "{}", "invalid_call"),
        ("send", r#"{"text":1}"#, "invalid_call"),
        ("sing", "{}", "invalid_call"),
    ] {
        assert_eq!(read(name, text), Err(code.to_owned()), "{name} {text}");
    }
}
