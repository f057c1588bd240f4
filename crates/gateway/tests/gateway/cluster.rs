//! A Redis Cluster of three real servers behind the gateway.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Client, Cluster, Gateway};

fn start() -> (Cluster, Gateway) {
    let cluster = Cluster::start();
    let gateway = Gateway::start(&[("REDIS_URL", &cluster.url())]);
    gateway.wait_for_error_line("connected to Redis at redis+cluster://127.0.0.1:");
    (cluster, gateway)
}

/// All keys that a scan with these options finds, each as often as it finds it.
fn scanned(client: &Client, options: &str) -> Vec<String> {
    let (mut cursor, mut keys) = ("0".to_owned(), Vec::new());
    loop {
        let page = client.result(&format!(r#"["SCAN","{cursor}"{options}]"#));
        keys.extend(page[1].as_array().expect("keys").iter().map(|key| key.as_str().expect("a key").to_owned()));
        cursor = page[0].as_str().expect("a cursor").to_owned();
        if cursor == "0" {
            return keys;
        }
    }
}

#[test]
fn every_command_finds_its_server() {
    let (_cluster, gateway) = start();
    let client = gateway.client();
    for number in 0..50 {
        assert_eq!(client.result(&format!(r#"["SET","k{number}",{number}]"#)), json!("OK"));
    }
    assert_eq!(client.result(r#"["GET","k49"]"#), json!("49"));
    assert_eq!(client.result(r#"["DBSIZE"]"#), json!(50));
    assert_eq!(client.result(r#"["MGET","k1","absent","k2"]"#), json!(["1", null, "2"]));
    assert_eq!(client.result(r#"["DEL","k1","k2","k3"]"#), json!(3));
    assert_eq!(client.result(r#"["PING"]"#), json!("PONG"));
    assert!(client.result(r#"["INFO","server"]"#).as_str().is_some_and(|text| text.contains("redis_version")));
    assert!(client.run(r#"["LPUSH","k4","x"]"#).error().starts_with("WRONGTYPE "));
    assert!(client.run(r#"["CLUSTER","SLOTS"]"#).error().contains("not available"));

    let pipeline = r#"[["SET","a",1],["INCR","b"],["LPUSH","a",1],["MGET","a","b"]]"#;
    let answers = client.post("/pipeline", pipeline).json();
    assert_eq!((&answers[0]["result"], &answers[1]["result"]), (&json!("OK"), &json!(1)));
    assert!(answers[2]["error"].as_str().is_some_and(|text| text.starts_with("WRONGTYPE ")));
    assert_eq!(answers[3]["result"], json!(["1", "1"]));
}

#[test]
fn a_transaction_runs_where_its_keys_are() {
    let (_cluster, gateway) = start();
    let client = gateway.client();
    let body = r#"[["SET","{u}:a",1],["INCR","{u}:a"],["LPUSH","{u}:a",1]]"#;
    let answers = client.post("/multi-exec", body).json();
    assert_eq!((&answers[0]["result"], &answers[1]["result"]), (&json!("OK"), &json!(2)));
    assert!(answers[2]["error"].as_str().is_some_and(|text| text.starts_with("WRONGTYPE ")));
    let apart = client.post("/multi-exec", r#"[["SET","a",1],["SET","b",1],["SET","c",1]]"#);
    assert_eq!(apart.status, 400);
    assert!(apart.error().starts_with("CROSSSLOT "), "{}", apart.error());
    assert_eq!(client.result(r#"["EXISTS","a","b","c"]"#), json!(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            let body = r#"[["INCR","{n}:x"],["INCR","{n}:y"]]"#;
            thread::spawn(move || (0..20).map(|_| client.post("/multi-exec", body).json()).collect::<Vec<_>>())
        })
        .collect();
    for answers in threads.into_iter().flat_map(|thread| thread.join().expect("thread")) {
        assert_eq!(answers[0]["result"], answers[1]["result"], "nobody comes between");
    }
}

#[test]
fn scripts_run_on_every_server() {
    let (_cluster, gateway) = start();
    let client = gateway.client();
    let source = "#!lua flags=allow-key-locking\\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])";
    let sha = client.result(&format!(r#"["SCRIPT","LOAD","{source}"]"#));
    let sha = sha.as_str().expect("a hash");
    for owner in 0..20 {
        assert_eq!(client.result(&format!(r#"["EVALSHA","{sha}","1","{{u{owner}}}:n","7"]"#)), json!(7));
    }
    assert_eq!(client.result(&format!(r#"["SCRIPT","EXISTS","{sha}"]"#)), json!([1]));
    client.result(r#"["SCRIPT","FLUSH"]"#);
    let unknown = client.run(&format!(r#"["EVALSHA","{sha}","1","{{u1}}:n","7"]"#));
    assert!(unknown.error().starts_with("NOSCRIPT "), "{}", unknown.error());
    assert_eq!(client.result(&format!(r#"["EVAL","{source}","1","{{u1}}:n","7"]"#)), json!(14));
}

#[test]
fn a_scan_walks_all_servers_and_a_hash_tag_only_one() {
    let (_cluster, gateway) = start();
    let client = gateway.client();
    let sets: Vec<Value> = (0..300)
        .map(|number| json!(["SET", format!("k{number}"), "x"]))
        .chain((0..300).map(|number| json!(["SET", format!("chat:{{u-ada}}:s:{number}"), "x"])))
        .collect();
    client.post("/pipeline", json!(sets).to_string());
    let all = scanned(&client, "");
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (600, 600));
    assert_eq!(scanned(&client, r#","COUNT","7""#).len(), 600);
    assert_eq!(scanned(&client, r#","MATCH","k*","COUNT","50""#).len(), 300);
    assert_eq!(scanned(&client, r#","MATCH","chat:{u-ada}:s:*","COUNT","50""#).len(), 300);
    assert!(client.run(r#"["SCAN","x"]"#).error().contains("invalid cursor"));
}

#[test]
fn slots_that_move_lose_no_command() {
    let (cluster, gateway) = start();
    let done = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let counting: Vec<_> = (0..4)
            .map(|thread| {
                let (client, done) = (gateway.client(), &done);
                scope.spawn(move || {
                    let mut sent = 0;
                    while !done.load(Ordering::Relaxed) || sent < 200 {
                        let key = format!("k{}", (sent * 4 + thread) % 97);
                        let answer = client.run(&format!(r#"["INCR","{key}"]"#));
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        cluster.reshard(0, 1, 1500);
        cluster.reshard(1, 2, 3000);
        done.store(true, Ordering::Relaxed);
        counting.into_iter().map(|thread| thread.join().expect("thread")).sum::<usize>()
    });
    let client = gateway.client();
    let count = |key: usize| {
        client.result(&format!(r#"["GET","k{key}"]"#)).as_str().map_or(0, |text| text.parse().unwrap_or(0))
    };
    assert_eq!((0..97).map(count).sum::<usize>(), sent);
}

#[test]
fn channels_reach_every_server() {
    let (_cluster, gateway) = start();
    let client = gateway.client();
    let mut lines = client.stream("/subscribe/chat");
    assert_eq!(lines.next().as_deref(), Some("data: subscribe,chat,1"));
    for text in ["one", "two", "three"] {
        client.result(&format!(r#"["PUBLISH","chat","{text}"]"#));
        assert_eq!(lines.next(), Some(format!("data: message,chat,{text}")));
    }
}

#[test]
fn a_cluster_that_is_away_is_said_at_once_and_found_again() {
    let gateway = Gateway::start(&[("REDIS_URL", "redis+cluster://ada:s3cret@127.0.0.1:1,127.0.0.1:2")]);
    let line = gateway.wait_for_error_line("is not reachable yet; retrying");
    assert!(line.starts_with("Redis at redis+cluster://127.0.0.1:1,127.0.0.1:2/0 is not"), "{line}");
    assert!(!line.contains("s3cret"));
    let response = gateway.client().run(r#"["GET","k"]"#);
    assert_eq!((response.status, response.error().as_str()), (503, "ERR gateway: Redis is not reachable"));
}
