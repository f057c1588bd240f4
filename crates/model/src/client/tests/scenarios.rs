//! What must hold, one story each.

use super::page::Page;
use super::server::{Responder, Server, problem};
use crate::client::Status::{Failed, Pending, Stored};
use crate::client::{Event, Outcome};
use crate::id::SessionId;

fn lines(page: &Page) -> Vec<String> {
    page.lines().into_iter().map(|(text, status)| format!("{text} {status:?}")).collect()
}

#[test]
fn a_session_begins_with_its_first_message() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    assert!(page.view().ready && page.view().session_id.is_none() && page.storage.is_none());
    let (_, ticket) = page.send("Hello");
    assert_eq!(page.lines(), [("Hello".into(), Pending)]);
    assert!(page.view().sending);
    let session = page.session().unwrap();
    let body = page.flights[0].body.clone().unwrap();
    assert!(body.contains(&session) && !body.contains("existing"), "{body}");
    page.settle(&mut server);
    assert_eq!(page.lines(), [("Hello".into(), Stored), ("You said: Hello".into(), Stored)]);
    assert!(matches!(&page.done[&ticket], Ok(Outcome::Reply(reply)) if reply.created && !reply.replayed));
    assert!(!page.view().sending);
    assert_eq!((page.view().session_count, page.view().sessions[0].id.as_str()), (1, session.as_str()));

    page.send("Again");
    assert!(page.flights[0].body.clone().unwrap().contains(r#""existing":true"#));
    page.settle(&mut server);
    assert_eq!(page.view().session.unwrap().message_count, 4);
    assert_eq!(page.session().unwrap(), session);
}

#[test]
fn a_reload_keeps_the_session_and_new_chat_resets_it() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    page.settle(&mut server);
    let session = page.session();
    page.reload();
    assert!(page.view().loading && page.session() == session);
    page.settle(&mut server);
    assert_eq!(page.lines().len(), 2);

    page.new_chat();
    assert!(page.view().session_id.is_none() && page.view().messages.is_empty() && page.storage.is_none());
    page.reload();
    assert!(page.view().session_id.is_none() && page.flights.is_empty());
    page.send("Other");
    page.settle(&mut server);
    assert_ne!(page.session(), session);
}

#[test]
fn a_reload_in_mid_send_sends_the_same_message_once_more() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    let first = page.flights.remove(0);
    page.reload();
    assert_eq!(page.lines(), [("Hello".into(), Pending)]);
    assert_eq!(page.flights[0].body, first.body);
    // The first request arrives all the same, and the responder is still at it.
    assert!(server.take("POST", "/v1/chat", first.body.as_deref(), Responder::TakesItsTime).is_none());
    page.exchange(&mut server);
    assert_eq!(page.pauses.len(), 1);
    assert_eq!(page.lines(), [("Hello".into(), Pending)]);
    server.finish(first.body.as_deref().unwrap());
    page.settle(&mut server);
    assert_eq!(page.lines(), [("Hello".into(), Stored), ("You said: Hello".into(), Stored)]);
    assert_eq!(server.sessions.values().map(|session| session.messages.len()).sum::<usize>(), 2);
}

#[test]
fn a_turn_that_runs_for_ever_fails_in_the_end() {
    let (mut page, _) = (Page::new(), ());
    let (_, ticket) = page.send("Hello");
    let mut waited = 0;
    while let Some(flight) = page.flights.pop() {
        page.answer(flight.token, problem(409, "turn_in_progress"));
        if let Some((token, ms)) = page.pauses.pop() {
            waited += ms;
            page.feed(Event::Woke { token });
        }
    }
    assert_eq!(page.code(ticket), Some("turn_in_progress"));
    assert!((120_000..180_000).contains(&waited), "longer than a lease, but not for ever: {waited}");
}

#[test]
fn a_server_that_says_when_is_believed_within_reason() {
    let mut page = Page::new();
    page.send("Hello");
    for (retry_after, ms) in [(Some(3), 3000), (Some(3600), 8000), (None, 2000)] {
        let token = page.flights.pop().unwrap().token;
        let (status, body) = problem(409, "turn_in_progress");
        page.answered(token, status, retry_after, &body);
        let (token, waits) = page.pauses.pop().unwrap();
        assert_eq!(waits, ms);
        page.feed(Event::Woke { token });
    }
}

#[test]
fn a_failed_message_stays_and_is_retried_under_its_id() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (id, ticket) = page.send("Hello");
    page.lose_all();
    assert_eq!(page.code(ticket), Some("network"));
    assert_eq!(page.lines(), [("Hello".into(), Failed)]);
    assert_eq!(page.view().problem.unwrap().code, "network");
    page.reload();
    assert_eq!(page.lines(), [("Hello".into(), Failed)], "also after a reload");
    assert!(page.flights.is_empty(), "which retries nothing by itself");
    let ticket = page.retry(&id);
    assert!(page.flights[0].body.clone().unwrap().contains(&id));
    let twice = page.retry(&id);
    assert_eq!(page.flights.len(), 1, "a double click is one retry");
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok() && page.done[&twice].is_ok());
    assert_eq!(page.lines().len(), 2);
    assert!(page.view().problem.is_none());
    let unknown = page.retry("nothing");
    assert_eq!(page.code(unknown), Some("message_not_found"));
}

#[test]
fn messages_of_a_session_go_out_one_by_one_in_order() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    for text in ["a", "b", "c"] {
        page.send(text);
    }
    assert_eq!(page.flights.len(), 1);
    page.exchange(&mut server);
    assert_eq!(lines(&page), ["a Stored", "You said: a Stored", "b Pending", "c Pending"]);
    page.lose_all();
    assert_eq!(page.flights.len(), 1, "the next one still goes");
    page.settle(&mut server);
    let shown = ["a Stored", "You said: a Stored", "b Failed", "c Stored", "You said: c Stored"];
    assert_eq!(lines(&page), shown);
    let failed = page.view().messages[2].id.as_str().to_owned();
    page.retry(&failed);
    page.settle(&mut server);
    let here = lines(&page);
    page.history(false);
    page.settle(&mut server);
    assert_eq!(lines(&page), here, "shown in the order in which the server has them");
}

#[test]
fn an_answer_for_a_session_no_longer_open_lands_in_the_list_only() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.send("Hello");
    let first = page.session().unwrap();
    page.new_chat();
    assert_eq!(page.view().sessions[0].id.as_str(), first, "a chat just begun is in reach");
    page.send("Other");
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok());
    assert_eq!(lines(&page), ["Other Stored", "You said: Other Stored"]);
    assert_eq!(page.view().session_count, 2);
    page.open(&first);
    page.settle(&mut server);
    assert_eq!(lines(&page), ["Hello Stored", "You said: Hello Stored"]);
}

#[test]
fn a_first_message_that_fails_after_new_chat_stays_in_reach() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello  there");
    page.new_chat();
    page.lose_all();
    assert!(page.view().problem.is_none(), "not this chat's problem");
    page.reload();
    let (session, title) = (page.view().sessions[0].id.clone(), page.view().sessions[0].title.clone());
    assert_eq!(title.as_deref(), Some("Hello there"));
    page.open(session.as_str());
    assert_eq!(lines(&page), ["Hello  there Failed"]);
    let failed = page.view().messages[0].id.as_str().to_owned();
    page.retry(&failed);
    page.settle(&mut server);
    assert_eq!(page.lines().len(), 2);
}

#[test]
fn an_expired_session_says_so_and_a_retry_opens_a_new_one() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    page.settle(&mut server);
    let old = page.session().unwrap();
    server.sessions.clear();
    let (one, ticket) = page.send("One");
    page.send("Two");
    page.exchange(&mut server);
    assert_eq!(page.code(ticket), Some("session_not_found"));
    assert!(page.flights.is_empty(), "the next one needs no second refusal");
    assert_eq!(page.view().problem.unwrap().code, "session_not_found");
    assert_eq!(page.view().session_count, 0);
    assert_eq!(lines(&page)[2..], ["One Failed", "Two Failed"]);
    page.retry(&one);
    page.settle(&mut server);
    assert_ne!(page.session().unwrap(), old);
    assert_eq!(lines(&page), ["Two Failed", "One Stored", "You said: One Stored"]);
    assert!(page.view().problem.is_none());
}

#[test]
fn a_session_found_expired_on_reload_says_so_and_the_next_message_opens_a_new_one() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    page.settle(&mut server);
    let old = page.session().unwrap();
    server.sessions.clear();
    page.reload();
    page.settle(&mut server);
    assert_eq!(page.view().problem.unwrap().code, "session_not_found");
    page.send("Again");
    page.settle(&mut server);
    assert_ne!(page.session().unwrap(), old);
    assert_eq!(page.lines().len(), 2);
}

#[test]
fn deleting_empties_the_chat_and_stays_deleted() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    page.settle(&mut server);
    let session = page.session().unwrap();
    page.list();
    let list = page.flights.pop().unwrap();
    let answer = server.take(list.method, &list.path, None, Responder::Answers).unwrap();
    let (_, waiting) = page.send("Too late");
    let late = page.flights.pop().unwrap();
    let ticket = page.delete(&session);
    page.exchange(&mut server);
    assert!(page.done[&ticket].is_ok());
    assert_eq!(page.code(waiting), Some("session_deleted"));
    assert!(page.view().session_id.is_none() && page.view().sessions.is_empty() && page.storage.is_none());
    page.answer(list.token, answer);
    assert!(page.view().sessions.is_empty(), "a list asked for before does not bring it back");
    page.answer(late.token, problem(410, "session_deleted"));
    let again = page.delete(&session);
    page.settle(&mut server);
    assert!(page.done[&again].is_ok(), "deleting what is gone is no failure");
}

#[test]
fn history_comes_page_by_page() {
    let (mut page, mut server) = (Page::new(), Server::new(4));
    for text in ["a", "b", "c", "d", "e"] {
        page.send(text);
        page.settle(&mut server);
    }
    let all = lines(&page);
    page.reload();
    page.settle(&mut server);
    assert_eq!(lines(&page), all[6..]);
    assert!(page.view().has_older);
    page.history(true);
    page.history(true);
    page.settle(&mut server);
    assert_eq!(lines(&page), all[2..], "the same page asked for twice comes once");
    page.send("f");
    page.settle(&mut server);
    page.history(false);
    page.settle(&mut server);
    assert_eq!(lines(&page)[..8], all[2..], "the newest page joins the older ones");
    page.history(true);
    page.settle(&mut server);
    assert_eq!(lines(&page).len(), 12);
    assert!(!page.view().has_older);
    let none = page.history(true);
    assert!(page.done[&none].is_ok() && page.flights.is_empty());
}

#[test]
fn a_page_of_history_that_is_older_than_an_answer_does_not_swallow_it() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("a");
    page.settle(&mut server);
    page.history(false);
    let asked = page.flights.pop().unwrap();
    let old = server.take(asked.method, &asked.path, None, Responder::Answers).unwrap();
    page.send("b");
    page.settle(&mut server);
    page.answer(asked.token, old);
    assert_eq!(page.lines().len(), 4);
}

#[test]
fn a_reply_that_got_lost_is_found_in_the_history() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("a");
    page.settle(&mut server);
    page.send("b");
    let lost = page.flights[0].clone();
    server.take(lost.method, &lost.path, lost.body.as_deref(), Responder::Answers);
    page.lose_all();
    assert_eq!(page.lines()[2], ("b".into(), Failed));
    page.history(false);
    page.settle(&mut server);
    assert_eq!(lines(&page)[2..], ["b Stored", "You said: b Stored"]);
}

#[test]
fn nonsense_is_refused_or_survived() {
    let mut page = Page::new();
    let (_, empty) = page.send(" \n");
    assert_eq!(page.code(empty), Some("message_empty"));
    assert!(page.flights.is_empty() && page.view().messages.is_empty());
    for (status, retryable) in [(200, true), (502, true), (403, false)] {
        let (_, ticket) = page.send("Hello");
        while let Some(flight) = page.flights.pop() {
            page.answer(flight.token, (status, "<html>".into()));
            page.wake();
        }
        assert_eq!(page.code(ticket), Some("unexpected_answer"));
        assert_eq!(page.view().problem.unwrap().retryable, retryable);
        page.new_chat();
    }
    for garbage in ["", "{", "[]", r#"{"v":2,"tracks":[]}"#, r#"{"v":1,"open":"a/b","tracks":[]}"#] {
        page.storage = Some(garbage.into());
        page.reload();
        assert!(page.view().ready && page.view().session_id.is_none());
    }
    page.storage = Some(r#"{"v":1,"open":"mine","tracks":[]}"#.into());
    page.reload();
    page.send("Hello");
    assert_eq!(page.session().as_deref(), Some("mine"));
    assert_eq!(page.lines().len(), 1);
    page.feed(Event::Woke { token: 9999 });
    page.feed(Event::Unreachable { token: 9999 });
}

#[test]
fn two_sessions_send_at_the_same_time() {
    let mut page = Page::new();
    page.send("a");
    page.new_chat();
    page.send("b");
    assert_eq!(page.flights.len(), 2);
    assert!(SessionId::parse(page.session().unwrap()).is_ok());
}

#[test]
fn a_history_that_could_not_be_read_is_read_once_the_server_is_back() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("One");
    page.settle(&mut server);
    page.reload();
    page.lose();
    assert!(page.lines().is_empty() && page.flights.is_empty());
    let (_, ticket) = page.send("Two");
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok());
    let expected = ["One", "You said: One", "Two", "You said: Two"].map(|text| (text.to_owned(), Stored));
    assert_eq!(page.lines(), expected);
}

#[test]
fn a_discarded_message_is_removed_from_the_server_too() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("One");
    page.settle(&mut server);
    let (failed, _) = page.send("Two");
    let flight = page.flights.remove(0);
    let answer = server.take("POST", "/v1/chat", flight.body.as_deref(), Responder::Fails).unwrap();
    page.answer(flight.token, answer);
    page.settle(&mut server);
    assert_eq!(page.lines()[2], ("Two".into(), Failed));
    page.discard(&failed);
    page.settle(&mut server);
    let expected = ["One", "You said: One"].map(|text| (text.to_owned(), Stored));
    assert_eq!(page.lines(), expected);
    page.history(false);
    page.settle(&mut server);
    assert_eq!(page.lines(), expected, "the server has it no more");
}

#[test]
fn discarding_a_message_removes_nothing_that_was_said_after_it() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (failed, _) = page.send("One");
    let flight = page.flights.remove(0);
    let answer = server.take("POST", "/v1/chat", flight.body.as_deref(), Responder::Fails).unwrap();
    page.answer(flight.token, answer);
    page.settle(&mut server);
    page.send("Two");
    page.settle(&mut server);
    page.discard(&failed);
    page.settle(&mut server);
    let shown: Vec<String> = page.lines().into_iter().map(|(text, _)| text).collect();
    assert_eq!(shown, ["One", "Two", "You said: Two"], "the server still has it, and says so");
}
