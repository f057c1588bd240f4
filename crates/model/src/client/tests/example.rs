//! The committed example of what crosses to TypeScript, which the npm package's types are checked against: whoever
//! changes one side has to change the other.

use super::page::Page;
use super::server::{Server, problem};
use crate::client::Outcome;
use crate::id::SessionId;
use serde_json::{Value, json};

const COMMITTED: &str = include_str!("../../../../../tests/packaging/fixtures/view.json");

#[test]
fn the_example_of_the_view_is_current() {
    let example = json!({ "empty": view(&Page::new()), "full": full(), "reply": reply() });
    let text = serde_json::to_string_pretty(&example).unwrap() + "\n";
    assert!(text == COMMITTED, "tests/packaging/fixtures/view.json should be\n{text}");
}

fn view(page: &Page) -> Value {
    serde_json::from_str(&page.view().text()).unwrap()
}

/// A view in which every field has a value.
fn full() -> Value {
    let (mut page, mut server) = (Page::new(), Server::new(3));
    for text in ["Hello", "Are you there?"] {
        page.send(text);
        page.settle(&mut server);
    }
    let session: &mut _ = server.sessions.values_mut().next().unwrap();
    session.messages[2].metadata = Some(serde_json::value::to_raw_value(&json!({ "theme": "dark" })).unwrap());
    page.reload();
    page.list();
    page.settle(&mut server);
    page.send("Why?");
    let (status, body) = problem(502, "responder_failed");
    let mut answer: Value = serde_json::from_str(&body).unwrap();
    answer["detail"] = json!("the model said 500");
    let token = page.flights.remove(0).token;
    page.answer(token, (status, answer.to_string()));
    page.send("And now?");
    let token = page.flights[0].token;
    let mut example = view(&page);
    assert_eq!(example["problem"], Value::Null);
    page.answer(token, (status, body));
    example["problem"] = view(&page)["problem"].clone();
    example
}

fn reply() -> Value {
    let (mut page, mut server) = (Page::new(), Server::new(100));
    let (_, ticket) = page.send("Hello");
    page.settle(&mut server);
    page.new_chat();
    let Some(Ok(outcome @ Outcome::Reply(reply))) = page.done.get(&ticket) else { panic!("no reply") };
    assert!(server.sessions.contains_key::<SessionId>(&reply.session_id));
    serde_json::from_str(&outcome.text()).unwrap()
}
