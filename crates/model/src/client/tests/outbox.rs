//! Messages that wait: for the network, for a limit to pass, for another try; and those taken back.

use super::page::Page;
use super::server::{Server, problem};
use crate::client::Outcome;
use crate::client::Status::{Failed, Pending, Stored};
use crate::client::{Event, Wish};

fn said(text: &str) -> [(String, crate::client::Status); 2] {
    [(text.into(), Stored), (format!("You said: {text}"), Stored)]
}

#[test]
fn without_a_network_messages_wait_and_go_out_in_order_when_it_comes() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.go(false);
    let (_, first) = page.send("One");
    page.send("Two");
    assert!(page.flights.is_empty() && page.pauses.is_empty(), "nothing is tried in vain");
    assert!(!page.view().online && !page.view().sending, "nobody is thinking");
    page.reload();
    assert_eq!(page.lines(), [("One".into(), Pending), ("Two".into(), Pending)], "also across a reload");
    assert!(!page.done.contains_key(&first), "no failure");
    page.go(true);
    page.settle(&mut server);
    assert_eq!(page.lines(), [said("One"), said("Two")].concat());
}

#[test]
fn what_is_cut_off_when_the_network_goes_is_sent_again_when_it_is_back() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.send("One");
    page.go(false);
    page.lose();
    assert!(page.pauses.is_empty() && page.flights.is_empty());
    page.go(true);
    assert_eq!(page.flights.len(), 1);
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok());
}

#[test]
fn what_failed_for_want_of_a_network_goes_out_by_itself_when_there_is_one() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("One");
    page.lose_all();
    assert_eq!(page.lines(), [("One".into(), Failed)]);
    page.go(false);
    page.go(true);
    page.settle(&mut server);
    assert_eq!(page.lines(), said("One"));
}

#[test]
fn tries_are_further_and_further_apart_and_not_in_step() {
    let mut all = Vec::new();
    for seed in 1..20 {
        let mut page = Page::new();
        page.machine = crate::client::Machine::new();
        page.feed(Event::Restored { stored: crate::client::Json::Null, online: true, seed });
        page.send("One");
        let mut waits = Vec::new();
        page.lose();
        while let Some((token, ms)) = page.pauses.pop() {
            waits.push(ms);
            page.feed(Event::Woke { token });
            page.lose();
        }
        for (wait, most) in waits.iter().zip([1000, 2000, 4000]) {
            assert!((most / 2..=most).contains(wait), "{waits:?}");
        }
        assert_eq!(waits.len(), 3);
        all.push(waits);
    }
    all.dedup();
    assert!(all.len() > 10);
}

#[test]
fn a_limit_is_waited_for_as_long_as_the_server_says_within_reason() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.send("One");
    let (status, body) = problem(429, "rate_limited");
    let token = page.flights.remove(0).token;
    page.answered(token, status, Some(7), &body);
    assert_eq!(page.pauses[0].1, 7000);
    assert_eq!(page.lines(), [("One".into(), Pending)]);
    page.settle(&mut server);
    assert!(page.done[&ticket].is_ok());

    let (_, ticket) = page.send("Two");
    let token = page.flights.remove(0).token;
    page.answered(token, status, Some(3600), &body);
    assert_eq!(page.code(ticket), Some("rate_limited"), "nobody watches a chat for an hour");
}

#[test]
fn a_store_that_is_down_is_tried_again_and_a_responder_that_failed_is_not() {
    let mut page = Page::new();
    page.send("One");
    let token = page.flights.remove(0).token;
    page.answer(token, problem(503, "store_unavailable"));
    assert_eq!(page.pauses.len(), 1);
    page.wake();
    let token = page.flights.remove(0).token;
    page.answer(token, problem(502, "responder_failed"));
    assert!(page.pauses.is_empty());
    assert_eq!(page.lines(), [("One".into(), Failed)]);
}

#[test]
fn a_message_that_waits_or_has_failed_can_be_taken_back() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.go(false);
    let (one, waiting) = page.send("One");
    page.send("Two");
    let ticket = page.discard(&one);
    assert!(page.done[&ticket].is_ok());
    assert_eq!(page.code(waiting), Some("cancelled"));
    assert_eq!(page.lines(), [("Two".into(), Pending)]);
    assert!(!page.stored().contains(&one));
    page.go(true);
    let two = page.stored().pop_first().unwrap();
    let busy = page.discard(&two);
    assert_eq!(page.code(busy), Some("busy"), "the server may have it");
    page.settle(&mut server);
    assert_eq!(page.lines(), said("Two"));

    let (three, _) = page.send("Three");
    page.lose();
    page.discard(&three);
    assert!(page.flights.iter().any(|flight| flight.path.ends_with("/history")), "it looks whether it arrived");
    page.settle(&mut server);
    assert_eq!(page.lines(), said("Two"));
    assert!(page.pauses.is_empty() && page.stored().is_empty());
}

#[test]
fn stop_takes_back_what_waits_and_asks_the_server_about_what_is_under_way() {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    page.send("Hello");
    page.settle(&mut server);
    let (id, waiting) = page.send("One");
    page.wish(Wish::Stop);
    let stop = page.flights.pop().unwrap();
    assert!(stop.path.ends_with("/stop") && stop.body.unwrap().contains(&id));
    page.answered(stop.token, 404, None, &problem(404, "route_not_found").1);
    assert_eq!(page.aborted.len(), 1, "a server that can't stop it is not listened to");
    assert_eq!(page.code(waiting), Some("cancelled"));
    assert_eq!(page.lines()[2..], [("One".into(), Failed)]);

    page.go(false);
    let (_, waiting) = page.send("Two");
    page.wish(Wish::Stop);
    assert_eq!(page.code(waiting), Some("cancelled"));
    assert_eq!(page.lines().len(), 3);
    let nothing = page.wish(Wish::Stop);
    assert!(matches!(page.done[&nothing], Ok(Outcome::Finished)));
}
