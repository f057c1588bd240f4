//! What the dialect refuses, and in which words.

use serde_json::json;

use crate::support::House;

#[test]
fn malformed_bodies() {
    let house = House::start();
    let client = house.client();
    for (path, body, text) in [
        ("/", "", "EOF"),
        ("/", "{}", "expected JSON array"),
        ("/", r#"["GET",null]"#, "ERR null args are not supported"),
        ("/", r#"[["GET","k"]]"#, "ERR unsupported arg type: \"[\": json.Delim"),
        ("/", r#"["GET",{}]"#, "ERR unsupported arg type: \"{\": json.Delim"),
        ("/pipeline", "", "EOF"),
        ("/pipeline", r#"[["GET",null]]"#, "ERR null args are not supported"),
        ("/multi-exec", r#"{"a":1}"#, "expected JSON array"),
    ] {
        let response = client.post(path, body);
        assert_eq!((response.status, response.error().as_str()), (400, text), "{path} {body}");
    }
    assert_eq!(client.post("/", b"[\"GET\",\"\xff\"]").status, 400);
}

#[test]
fn commands_that_need_a_connection_or_do_not_exist() {
    let house = House::start();
    let client = house.client();
    for name in ["AUTH", "MULTI", "SELECT", "CLIENT", "MONITOR", "SUBSCRIBE", "BLPOP"] {
        let response = client.run(&format!(r#"["{name}","0"]"#));
        let text = format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path");
        assert_eq!((response.status, response.error()), (400, text));
    }
    // An unknown name with arguments that are cut in the middle of a character must not upset the connection.
    let response = client.run(&format!(r#"["NOTACMD","{}"]"#, "é".repeat(200)));
    assert!(response.error().starts_with("ERR Command is not available: 'NOTACMD'. See https://upstash.com/docs/"));
    assert_eq!(client.run(r#"["SHUTDOWN"]"#).status, 400);
    assert_eq!(client.result(r#"["PING"]"#), json!("PONG"));
}

#[test]
fn sizes_are_per_command_in_both_directions() {
    let house = House::start_with(&[("GATEWAY_MAX_REQUEST_SIZE", "1000")]);
    let client = house.client();
    let value = |length: usize| "v".repeat(length);
    let response = client.run(&format!(r#"["SET","k","{}"]"#, value(1000)));
    assert_eq!(response.status, 413);
    assert!(response.error().starts_with("ERR max request size exceeded. Limit: 1000 bytes, Actual: 1004 bytes. See "));
    assert_eq!(client.result(r#"["EXISTS","k"]"#), json!(0));

    let set = |key: &str| format!(r#"["SET","{key}","{}"]"#, value(900));
    let response = client.post("/pipeline", format!("[{},{}]", set("a"), set("b")));
    assert_eq!(response.json(), json!([{ "result": "OK" }, { "result": "OK" }]));
    assert_eq!(client.post("/pipeline", r#"[["GET","a"],["GET","b"]]"#).json()[1]["result"], json!(value(900)));

    let response = client.run(r#"["MGET","a","b"]"#);
    assert_eq!(response.status, 200);
    assert!(response.error().starts_with("ERR max request size exceeded. Limit: 1000 bytes, Actual: 1800 bytes."));
}

#[test]
fn the_limit_is_that_of_the_free_plan() {
    let house = House::start();
    let client = house.client();
    let set = |length: usize| client.run(&format!(r#"["SET","k","{}"]"#, "v".repeat(length)));
    assert_eq!(set(10_485_760 - 4).status, 200);
    assert_eq!(client.result(r#"["STRLEN","k"]"#), json!(10_485_756));
    let response = set(10_485_760);
    assert_eq!(response.status, 413);
    assert!(response.error().contains("Limit: 10485760 bytes, Actual: 10485764 bytes"));
}
