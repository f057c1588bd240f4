//! Pipelines and transactions.

use std::thread;

use serde_json::json;

use crate::support::House;

#[test]
fn a_pipeline_answers_each_command() {
    let house = House::start();
    let client = house.client();
    let body = r#"[["SET","a",1],["NOPE"],["LPUSH","a",1],["MULTI"],["INCR","a"],["GET"]]"#;
    let response = client.post("/pipeline", body);
    assert_eq!(response.status, 200);
    let items = response.json();
    assert_eq!(items[0], json!({ "result": "OK" }));
    assert!(items[1]["error"].as_str().is_some_and(|text| text.starts_with("ERR Command is not available: 'NOPE'")));
    assert!(items[2]["error"].as_str().is_some_and(|text| text.starts_with("WRONGTYPE ")));
    assert!(items[3]["error"].as_str().is_some_and(|text| text.contains("is not allowed in REST")));
    assert_eq!(items[4], json!({ "result": 2 }));
    assert_eq!(items[5], json!({ "error": "ERR wrong number of arguments for 'get' command" }));
    assert_eq!(items.as_array().map(Vec::len), Some(6));
}

#[test]
fn a_transaction_runs_as_one() {
    let house = House::start();
    let client = house.client();
    let response = client.post("/multi-exec", r#"[["SET","a",1],["LPUSH","a",1],["INCR","a"]]"#);
    assert_eq!(response.status, 200);
    let items = response.json();
    assert_eq!(items[0], json!({ "result": "OK" }));
    assert!(items[1]["error"].as_str().is_some_and(|text| text.starts_with("WRONGTYPE ")));
    assert_eq!(items[2], json!({ "result": 2 }));
}

#[test]
fn a_malformed_transaction_runs_not_at_all() {
    let house = House::start();
    let client = house.client();
    for (body, text) in [
        (r#"[["SET","a",1],["GET"]]"#, "ERR wrong number of arguments for 'get' command"),
        (r#"[["SET","a",1],["NOPE"]]"#, "ERR Command is not available: 'NOPE'"),
        (r#"[["SET","a",1],["EXEC"]]"#, "ERR Command \"EXEC\" is not allowed in REST"),
        (r#"[["SET","a",1],["GET",null]]"#, "ERR null args are not supported"),
    ] {
        let response = client.post("/multi-exec", body);
        assert_eq!(response.status, 400, "{body}");
        assert!(response.error().starts_with(text), "{body}: {}", response.error());
    }
    assert_eq!(client.result(r#"["EXISTS","a"]"#), json!(0));
    // The connection that the failures used is fit for the next transaction.
    assert_eq!(client.post("/multi-exec", r#"[["INCR","a"]]"#).json(), json!([{ "result": 1 }]));
}

#[test]
fn transactions_at_the_same_time_do_not_mix() {
    let house = House::start();
    let client = house.client();
    let body = r#"[["INCR","n"],["INCR","n"],["INCR","n"],["INCR","n"]]"#;
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || (0..20).map(|_| client.post("/multi-exec", body).json()).collect::<Vec<_>>())
        })
        .collect();
    for answers in threads {
        for items in answers.join().expect("thread") {
            let first = items[0]["result"].as_i64().expect("a number");
            let results: Vec<_> = (0..4).map(|position| items[position]["result"].as_i64()).collect();
            assert_eq!(results, (first..first + 4).map(Some).collect::<Vec<_>>());
        }
    }
    assert_eq!(client.result(r#"["GET","n"]"#), json!("640"));
}
