//! Where the service answers otherwise than Redis, and what one client can't do to another.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Cluster, Gateway, House};

/// A script whose reply is nested so deep.
fn nested(depth: usize) -> String {
    format!(r#"["EVAL","local all = 1 for _ = 1, {depth} do all = {{all}} end return all","0"]"#)
}

#[test]
fn a_reply_that_is_nested_too_deeply_fails_alone() {
    let house = House::start();
    let client = house.client();
    let waiting = std::thread::spawn({
        let client = client.clone();
        // A script that runs meanwhile, on the same connection.
        move || client.run(r#"["EVAL","local n = 0 for i = 1, 2e7 do n = n + i end return n % 7","0"]"#).status
    });
    for depth in [65, 99, 100, 200, 5000] {
        let response = client.run(&nested(depth));
        assert_eq!((response.status, response.error().as_str()), (400, "ERR gateway: the reply is nested too deeply"));
    }
    let pipeline = client.post("/pipeline", format!(r#"[["SET","k","v"],{},["GET","k"]]"#, nested(200)));
    let items = pipeline.json();
    assert_eq!((&items[0]["result"], &items[2]["result"]), (&json!("OK"), &json!("v")));
    assert_eq!(items[1]["error"], json!("ERR gateway: the reply is nested too deeply"));
    assert_eq!(client.run(&nested(60)).status, 200);
    assert_eq!(waiting.join().ok(), Some(200), "others on the connection were cut");
}

#[test]
fn half_a_request_keeps_nothing_from_others() {
    let house = House::start();
    let halves: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(house.gateway.address).expect("connect");
            stream.write_all(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-len").expect("half a head");
            stream
        })
        .collect();
    assert_eq!(house.client().result(r#"["PING"]"#), json!("PONG"));
    drop(halves);
}

#[test]
fn what_manages_the_server_is_not_offered() {
    let house = House::start();
    let client = house.client();
    for command in [
        r#"["CONFIG","GET","*"]"#,
        r#"["ACL","LIST"]"#,
        r#"["ACL","WHOAMI"]"#,
        r#"["MEMORY","STATS"]"#,
        r#"["SLOWLOG","GET"]"#,
        r#"["LATENCY","DOCTOR"]"#,
        r#"["DEBUG","SLEEP","0"]"#,
        r#"["MODULE","LIST"]"#,
        r#"["REPLICAOF","NO","ONE"]"#,
        r#"["CLUSTER","INFO"]"#,
        r#"["SCRIPT","DEBUG","YES"]"#,
    ] {
        let response = client.run(command);
        assert_eq!(response.status, 400, "{command}");
        assert!(response.error().contains("Command is not available"), "{command}: {}", response.error());
    }
    client.result(r#"["SET","k","v"]"#);
    for command in [
        r#"["INFO"]"#,
        r#"["MEMORY","USAGE","k"]"#,
        r#"["SCRIPT","FLUSH"]"#,
        r#"["FUNCTION","LIST"]"#,
        r#"["DBSIZE"]"#,
        r#"["TIME"]"#,
        r#"["PUBSUB","CHANNELS"]"#,
        r#"["COMMAND","COUNT"]"#,
        r#"["FLUSHDB"]"#,
    ] {
        assert_eq!(client.run(command).status, 200, "{command}");
    }
}

#[test]
fn a_copy_of_a_key_to_itself_is_none() {
    let house = House::start();
    let client = house.client();
    client.result(r#"["SET","k","v"]"#);
    assert_eq!(client.result(r#"["COPY","k","k"]"#), json!(0));
    assert_eq!(client.result(r#"["COPY","k","other"]"#), json!(1));
    let items = client.post("/multi-exec", r#"[["COPY","k","k"],["GET","k"]]"#).json();
    assert_eq!(items, json!([{ "result": 0 }, { "result": "v" }]));
    assert!(client.run(r#"["COPY","k","k","WRONG"]"#).error().contains("syntax error"));
}

fn pairs(page: &Value) -> Vec<(String, String)> {
    let words: Vec<String> = serde_json::from_value(page[1].clone()).expect("a page of texts");
    let mut pairs: Vec<_> = words.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    pairs.sort();
    pairs
}

#[test]
fn a_scan_gives_types_where_asked() {
    let house = House::start();
    let client = house.client();
    client.post("/pipeline", r#"[["SET","s","v"],["LPUSH","l","v"],["HSET","h","f","v"]]"#);
    let expected: Vec<_> =
        [("h", "hash"), ("l", "list"), ("s", "string")].map(|(key, kind)| (key.into(), kind.into())).into();
    assert_eq!(pairs(&client.result(r#"["SCAN","0","COUNT","100","WITHTYPE"]"#)), expected);
    let items = client.post("/pipeline", r#"[["SCAN","0","withtype","MATCH","h*"],["PING"]]"#).json();
    assert_eq!(pairs(&items[0]["result"]), expected[..1]);
    assert_eq!(client.result(r#"["SCAN","0","MATCH","none","WITHTYPE"]"#), json!(["0", []]));
}

#[test]
fn a_stream_is_trimmed_exactly() {
    let house = House::start();
    let client = house.client();
    let add: Vec<String> = (0..50).map(|_| r#"["XADD","s","*","f","v"]"#.to_owned()).collect();
    client.post("/pipeline", format!("[{}]", add.join(",")));
    assert_eq!(client.result(r#"["XTRIM","s","MAXLEN","~","30"]"#), json!(20));
    assert_eq!(client.result(r#"["XLEN","s"]"#), json!(30));
}

#[test]
fn a_group_is_read_without_waiting_and_without_leaving_a_reader() {
    let house = House::start();
    let client = house.client();
    client.post(
        "/pipeline",
        r#"[["XADD","s","1-1","f","v"],["XADD","s","1-2","f","v"],["XGROUP","CREATE","s","g","0"]]"#,
    );
    let read = r#"["XREADGROUP","GROUP","g","c","COUNT","1","NOACK","STREAMS","s",">"]"#;
    assert_eq!(client.result(read), json!([["s", [["1-1", ["f", "v"]]]]]));
    assert_eq!(client.result(r#"["XINFO","CONSUMERS","s","g"]"#), json!([]));
    // As @upstash/queue asks.
    let wait = r#"["XREADGROUP","GROUP","g","c","COUNT","1","BLOCK","600000","STREAMS","s",">"]"#;
    assert_eq!(client.result(wait), json!([["s", [["1-2", ["f", "v"]]]]]));
    assert_eq!(client.result(wait), json!(null));
    // A reader with something pending stays.
    assert_eq!(client.result(&read.replace("COUNT", "count")), json!(null));
    assert_eq!(client.result(r#"["XINFO","CONSUMERS","s","g"]"#)[0][3], json!(1));
    assert!(client.run(r#"["XREAD","BLOCK","0","STREAMS","s","$"]"#).error().contains("not allowed in REST"));
}

#[test]
fn a_function_without_flags_may_read_and_not_write() {
    let house = House::start();
    let client = house.client();
    let library = "#!lua name=lib\\nlocal prefix = 'k'\\n\
         redis.register_function('read', function(keys, args) return {redis.call('GET', keys[1]), args[1], prefix} end)\\n\
         redis.register_function{function_name='write', callback=function(keys) return redis.call('SET', keys[1], 'w') end}\\n\
         redis.register_function{function_name='flagged', callback=function() return 7 end, flags={'no-writes'}}";
    assert_eq!(client.result(&format!(r#"["FUNCTION","LOAD","{library}"]"#)), json!("lib"));
    client.result(r#"["SET","k","v"]"#);
    assert_eq!(client.result(r#"["FCALL_RO","read","1","k","x"]"#), json!(["v", "x", "k"]));
    assert_eq!(client.result(r#"["FCALL_RO","flagged","0"]"#), json!(7));
    let refused = client.run(r#"["FCALL_RO","write","1","k"]"#).error();
    assert!(refused.contains("commands are not allowed from read-only"), "{refused}");
    assert_eq!(client.result(r#"["GET","k"]"#), json!("v"));
    assert_eq!(client.result(r#"["FCALL","write","1","k"]"#), json!("OK"));
    assert_eq!(client.run(r#"["FCALL_RO","absent","0"]"#).status, 400);
}

#[test]
fn a_monitor_shows_commands_as_they_come() {
    let House { gateway, redis } = House::start_with(&[("GATEWAY_READONLY_TOKEN", "ro")]);
    let client = gateway.client();
    let mut lines = client.stream("/monitor");
    assert_eq!(lines.next().as_deref(), Some("data: \"OK\""));
    client.result(r#"["SET","k","v w"]"#);
    let line = lines.find(|line| line.contains("\"SET\"")).expect("a line");
    assert!(line.starts_with("data: 1") && line.ends_with(r#""SET" "k" "v w""#), "{line}");
    let reader = client.header("Authorization", "Bearer ro");
    assert!(reader.get("/monitor").error().starts_with("NOPERM"));
    redis.kill();
    assert_eq!(lines.next(), None);
}

#[test]
fn a_cluster_has_no_monitor() {
    let cluster = Cluster::start();
    let gateway = Gateway::start(&[("REDIS_URL", &cluster.url())]);
    gateway.wait_for_error_line("connected to Redis at ");
    assert!(gateway.client().get("/monitor").error().contains("Command is not available"));
}

#[test]
fn a_request_whose_client_goes_on_later_is_served() {
    let house = House::start();
    let mut stream = TcpStream::connect(house.gateway.address).expect("connect");
    for request in ["GET /ping HTTP/1.1\r\nauthorization: Bearer local\r\nhost: localhost\r\n", "\r\n"] {
        stream.write_all(request.as_bytes()).expect("request");
        stream.flush().expect("flush");
    }
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("response");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
}
