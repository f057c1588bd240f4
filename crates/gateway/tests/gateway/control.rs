//! The knobs for tests: faults and counters.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, Gateway, House};

fn order(client: &Client, fault: serde_json::Value) {
    assert_eq!(client.post("/_gateway/faults", fault.to_string()).status, 200);
}

#[test]
fn are_there_only_when_asked_for() {
    let house = House::start();
    let client = house.client();
    assert_eq!(client.get("/_gateway/health").json()["status"], json!("ok"));
    for path in ["/_gateway/faults", "/_gateway/counters", "/_gateway/other"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_lost_response_leaves_its_write() {
    let house = House::start_with(&[("GATEWAY_FAULTS", "on")]);
    let client = house.client();
    order(&client, json!({ "fault": "drop_response" }));
    assert!(client.try_send("POST", "/", br#"["INCR","n"]"#).is_none());
    assert_eq!(client.result(r#"["GET","n"]"#), json!("1"));
    order(&client, json!({ "fault": "drop_request" }));
    assert!(client.try_send("POST", "/", br#"["INCR","n"]"#).is_none());
    assert_eq!(client.result(r#"["GET","n"]"#), json!("1"));
}

#[test]
fn errors_come_in_the_shape_of_the_request() {
    let house = House::start_with(&[("GATEWAY_FAULTS", "on")]);
    let client = house.client();
    for (fault, text) in [
        ("quota", "ERR max requests limit exceeded. Limit: 500000, Usage: 500000. See "),
        ("suspended", "ERR This database has been suspended"),
        ("readonly", "READONLY Writes are temporarily rejected due to server upgrade"),
        ("oom", "OOM command not allowed"),
    ] {
        order(&client, json!({ "fault": fault, "count": 3 }));
        let response = client.run(r#"["INCR","n"]"#);
        assert_eq!(response.status, 400);
        assert!(response.error().starts_with(text), "{fault}");
        let response = client.post("/pipeline", r#"[["INCR","n"],["INCR","n"]]"#);
        assert_eq!((response.status, response.json().as_array().map(Vec::len)), (200, Some(2)));
        assert_eq!(client.post("/multi-exec", r#"[["INCR","n"]]"#).status, 400);
        assert_eq!(client.result(r#"["GET","n"]"#), json!(null));
    }
    order(&client, json!([{ "fault": "unauthorized" }, { "fault": "too_large" }, { "fault": "server_error" }]));
    let answers = [(); 3].map(|()| client.run(r#"["PING"]"#));
    assert_eq!(answers.each_ref().map(|answer| answer.status), [401, 413, 502]);
    assert_eq!(answers[2].text(), "error code: 1016");
    order(&client, json!({ "fault": "quota", "status": 200 }));
    let response = client.run(r#"["PING"]"#);
    assert_eq!((response.status, response.json().get("error").is_some()), (200, true));
}

#[test]
fn delays_come_before_or_after() {
    let house = House::start_with(&[("GATEWAY_FAULTS", "on")]);
    let client = house.client();
    for fault in ["delay", "delay_response"] {
        order(&client, json!({ "fault": fault, "ms": 150, "skip": 1, "command": "incr" }));
        let start = Instant::now();
        client.result(r#"["GET","n"]"#);
        client.result(r#"["INCR","n"]"#);
        assert!(start.elapsed() < Duration::from_millis(140), "{:?}", start.elapsed());
        let start = Instant::now();
        client.result(r#"["INCR","n"]"#);
        assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
    }
    order(&client, json!({ "fault": "delay", "ms": 60_000 }));
    assert_eq!(client.send("DELETE", "/_gateway/faults", b"").status, 204);
    assert_eq!(client.get("/_gateway/faults").json(), json!([]));
    assert_eq!(client.post("/_gateway/faults", r#"{"fault":"unknown"}"#).status, 400);
}

#[test]
fn counts_requests_and_commands() {
    let house = House::start_with(&[("GATEWAY_FAULTS", "on")]);
    let client = house.client();
    client.result(r#"["SET","k","v"]"#);
    client.post("/pipeline", r#"[["GET","k"],["get","k"]]"#);
    let counts = client.get("/_gateway/counters").json();
    assert_eq!(counts, json!({ "requests": 2, "commands": 3, "by_name": { "get": 2, "set": 1 } }));
    assert_eq!(client.post("/_gateway/counters/reset", "").status, 204);
    assert_eq!(client.get("/_gateway/counters").json()["requests"], json!(0));
}

#[test]
fn a_gateway_for_others_needs_a_token_and_has_no_faults() {
    for variables in [&[][..], &[("GATEWAY_TOKEN", "t"), ("GATEWAY_FAULTS", "on")]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_chatkeep-gateway"))
            .env_clear()
            .envs([("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_PORT", "0")])
            .envs(variables.iter().copied())
            .output()
            .expect("gateway");
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("chatkeep-gateway: GATEWAY_"));
    }
    let gateway = Gateway::start(&[("GATEWAY_HOST", "0.0.0.0"), ("GATEWAY_TOKEN", "t"), ("REDIS_PORT", "1")]);
    assert_ne!(gateway.address.port(), 0);
}
