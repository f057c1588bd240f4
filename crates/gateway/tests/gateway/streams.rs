//! Subscriptions as server-sent events.

use serde_json::json;

use crate::support::House;

#[test]
fn messages_of_a_channel() {
    let house = House::start();
    let client = house.client();
    let mut lines = client.stream("/subscribe/chat");
    assert_eq!(lines.next().as_deref(), Some("data: subscribe,chat,1"));
    assert_eq!(client.get("/publish/chat/hello").json(), json!({ "result": 1 }));
    client.result(r#"["PUBLISH","chat","a,b"]"#);
    assert_eq!(lines.next().as_deref(), Some("data: message,chat,hello"));
    assert_eq!(lines.next().as_deref(), Some("data: message,chat,a,b"));
}

#[test]
fn messages_of_a_pattern() {
    let house = House::start();
    let client = house.client();
    let mut lines = client.stream("/psubscribe/ch*");
    assert_eq!(lines.next().as_deref(), Some("data: psubscribe,ch*,1"));
    client.result(r#"["PUBLISH","chat","hello"]"#);
    assert_eq!(lines.next().as_deref(), Some("data: pmessage,ch*,chat,hello"));
}

#[test]
fn a_stop_ends_streams() {
    let House { gateway, redis: _redis } = House::start();
    let mut lines = gateway.client().stream("/subscribe/chat");
    assert!(lines.next().is_some());
    let (status, _) = gateway.stop();
    assert!(status.success());
    assert_eq!(lines.next(), None);
}
