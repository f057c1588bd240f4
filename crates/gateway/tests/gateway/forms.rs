//! The forms of a single command, its encodings, and tokens.

use serde_json::json;

use crate::support::{Client, House};

#[test]
fn a_command_in_the_body() {
    let house = House::start();
    let client = house.client();
    let response = client.run(r#"["SET","foo","bar","EX",100]"#);
    assert_eq!((response.status, response.text().as_str()), (200, r#"{"result":"OK"}"#));
    assert_eq!(response.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(client.result(r#"["get","foo"]"#), json!("bar"));
    assert_eq!(client.result(r#"["GET","nothing"]"#), json!(null));
    assert_eq!(client.result(r#"["HSET","h","a",1,"b",2]"#), json!(2));
    assert_eq!(client.result(r#"["HGETALL","h"]"#), json!(["a", "1", "b", "2"]));
    assert_eq!(client.result(r#"["ZADD","z","1.5","m"]"#), json!(1));
    assert_eq!(client.result(r#"["ZSCORE","z","m"]"#), json!("1.5"));
    assert_eq!(client.result(r#"["XADD","s","1-1","f","v"]"#), json!("1-1"));
    assert_eq!(client.result(r#"["XRANGE","s","-","+"]"#), json!([["1-1", ["f", "v"]]]));
}

#[test]
fn numbers_stay_exact() {
    let house = House::start();
    let client = house.client();
    for number in ["9007199254740993", "9223372036854775807", "-0.10", "1e3"] {
        client.result(&format!(r#"["SET","n",{number}]"#));
        assert_eq!(client.result(r#"["GET","n"]"#), json!(number));
    }
    client.result(r#"["SET","i",0]"#);
    let response = client.run(r#"["INCRBY","i",9223372036854775807]"#);
    assert_eq!(response.text(), r#"{"result":9223372036854775807}"#);
}

#[test]
fn base64_is_binary_safe() {
    let house = House::start();
    let client = house.client();
    let base64 = client.header("Upstash-Encoding", "base64");
    assert_eq!(base64.result(r#"["SET","k","bar"]"#), json!("OK"));
    assert_eq!(base64.result(r#"["GET","k"]"#), json!("YmFy"));
    assert_eq!(base64.result(r#"["PING"]"#), json!("UE9ORw=="));
    assert_eq!(client.post("/set/binary", b"\xff\x00\x80").status, 200);
    assert_eq!(base64.result(r#"["GET","binary"]"#), json!("/wCA"));
    assert_eq!(client.result(r#"["GET","binary"]"#), json!("\u{FFFD}\0\u{FFFD}"));
    client.result(r#"["SET","ok","OK"]"#);
    assert_eq!(base64.result(r#"["GET","ok"]"#), json!("T0s="));
    assert_eq!(base64.run(r#"["NOPE"]"#).error().find("ERR Command is not available"), Some(0));
}

#[test]
fn resp2_is_raw() {
    let house = House::start();
    let client = house.client().header("Upstash-Response-Format", "resp2");
    client.post("/set/k", b"\xff");
    let response = client.run(r#"["MGET","k","nothing"]"#);
    assert_eq!(response.headers["content-type"], "application/octet-stream");
    assert_eq!(response.body, b"*2\r\n$1\r\n\xff\r\n$-1\r\n");
    assert_eq!(client.run(r#"["INCR","k"]"#).status, 400);
    assert_eq!(client.post("/pipeline", r#"[["PING"],["DBSIZE"]]"#).body, b"+PONG\r\n:1\r\n");
    assert_eq!(client.post("/multi-exec", r#"[["PING"]]"#).json(), json!([{ "result": "PONG" }]));
    assert_eq!(client.header("Upstash-Encoding", "base64").run(r#"["PING"]"#).status, 400);
    assert_eq!(client.header("Upstash-Response-Format", "xml").run(r#"["PING"]"#).status, 400);
}

#[test]
fn a_command_in_the_path() {
    let house = House::start();
    let client = house.client();
    assert_eq!(client.get("/set/a%2Fb/v%20w?EX=100").json(), json!({ "result": "OK" }));
    assert_eq!(client.get("/get/a%2Fb").json(), json!({ "result": "v w" }));
    assert_eq!(client.get("/ttl/a%2Fb").json(), json!({ "result": 100 }));
    assert_eq!(client.post("/set/k?EX=50", "body").json(), json!({ "result": "OK" }));
    assert_eq!(client.get("/get/k").json(), json!({ "result": "body" }));
    assert_eq!(client.send("PUT", "/append/k", b"!").json(), json!({ "result": 5 }));
}

#[test]
fn tokens_open_what_they_should() {
    let house = House::start_with(&[("GATEWAY_TOKEN", "full"), ("GATEWAY_READONLY_TOKEN", "ro")]);
    let full = house.client().header("Authorization", "Bearer full");
    assert_eq!(full.run(r#"["SET","k","v"]"#).status, 200);
    let none = full.without("Authorization");
    for client in [&none, &none.header("Authorization", "Bearer local"), &none.header("Authorization", "Basic full")] {
        let response = client.run(r#"["GET","k"]"#);
        assert_eq!(response.status, 401);
        assert!(response.error().starts_with("WRONGPASS invalid or missing auth token."));
    }
    assert_eq!(none.get("/get/k?_token=full").json(), json!({ "result": "v" }));
    assert_eq!(full.get("/get/k?_token=wrong").status, 401);
    let reader = none.header("Authorization", "Bearer ro");
    assert_eq!(reader.result(r#"["GET","k"]"#), json!("v"));
    let denied = |client: &Client, body: &str| (client.run(body).status, client.run(body).error());
    let text =
        |name: &str| format!("NOPERM this user has no permissions to run the '{name}' command or its subcommand");
    assert_eq!(denied(&reader, r#"["SET","k","w"]"#), (400, text("set")));
    assert_eq!(denied(&reader, r#"["EVAL","return 1",0]"#), (400, text("eval")));
    assert_eq!(denied(&reader, r#"["SCAN",0]"#), (400, text("scan")));
    let items = reader.post("/pipeline", r#"[["GET","k"],["DEL","k"]]"#).json();
    assert_eq!(items, json!([{ "result": "v" }, { "error": text("del") }]));
}

#[test]
fn methods() {
    let house = House::start();
    let client = house.client();
    let response = client.send("DELETE", "/", b"");
    assert_eq!((response.status, response.body.len()), (405, 0));
    assert_eq!(client.send("HEAD", "/", b"").status, 200);
    assert_eq!(client.without("Authorization").send("HEAD", "/", b"").status, 401);
    let response = client.header("Origin", "http://page.example").without("Authorization").send("OPTIONS", "/", b"");
    assert_eq!(response.status, 200);
    assert_eq!(response.headers["access-control-allow-origin"], "http://page.example");
    assert_eq!(response.headers["access-control-allow-credentials"], "true");
}

#[test]
fn the_default_token_is_not_for_pages_of_other_sites_or_other_names_of_this_machine() {
    let house = House::start();
    let page = house.client().header("Sec-Fetch-Site", "cross-site");
    assert_eq!(page.run(r#"["SET","k","v"]"#).status, 403);
    assert_eq!(house.client().header("Origin", "https://evil.test").run(r#"["SET","k","v"]"#).status, 403);
    let rebound = house.client().header("Host", "rebind.evil.test");
    assert_eq!(rebound.run(r#"["SET","k","v"]"#).status, 403);
    assert_eq!(page.header("Sec-Fetch-Site", "same-site").run(r#"["GET","k"]"#).json(), json!({ "result": null }));
}

#[test]
fn sync_tokens_move_with_writes() {
    let house = House::start();
    let client = house.client();
    let token = |path: &str, body: &str| client.post(path, body).sync_token().to_owned();
    let mut last = token("/", r#"["GET","k"]"#);
    assert_eq!(token("/", r#"["GET","k"]"#), last);
    for (path, body) in [
        ("/", r#"["SET","k","v"]"#),
        ("/pipeline", r#"[["SET","k","w"]]"#),
        ("/multi-exec", r#"[["SET","k","x"]]"#),
        ("/", r#"["EVAL","return redis.call('set',KEYS[1],'y')",1,"k"]"#),
    ] {
        let next = token(path, body);
        assert_ne!(next, last, "{body}");
        last = next;
    }
}
