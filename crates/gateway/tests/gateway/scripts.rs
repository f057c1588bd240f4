//! Scripts with the Upstash flag on a Redis that doesn't know it.

use serde_json::json;

use crate::support::House;

const FLAGGED: &str = "#!lua flags=allow-key-locking\\nreturn {KEYS[1],ARGV[1]}";
const READING: &str = "#!lua flags=no-writes,allow-key-locking\\nreturn redis.call('get',KEYS[1])";

fn sha_of(escaped_body: &str) -> String {
    sha1_smol::Sha1::from(escaped_body.replace("\\n", "\n")).digest().to_string()
}

#[test]
fn the_flag_is_invisible() {
    let house = House::start();
    let client = house.client();
    let by_sha = |body: &str| client.run(&format!(r#"["EVALSHA","{}",1,"k","v"]"#, sha_of(body)));
    let response = by_sha(FLAGGED);
    assert_eq!(response.status, 400);
    assert_eq!(response.error(), "NOSCRIPT No matching script. Please use EVAL.");
    assert_eq!(client.result(&format!(r#"["EVAL","{FLAGGED}",1,"k","v"]"#)), json!(["k", "v"]));
    assert_eq!(by_sha(FLAGGED).json()["result"], json!(["k", "v"]));

    assert_eq!(client.result(&format!(r#"["SCRIPT","LOAD","{READING}"]"#)), json!(sha_of(READING)));
    let exists = format!(r#"["SCRIPT","EXISTS","{}","{}","{}"]"#, sha_of(READING), sha_of(FLAGGED), "0".repeat(40));
    assert_eq!(client.result(&exists), json!([1, 1, 0]));
    assert_eq!(by_sha(READING).json()["result"], json!(null));
    let items = client.post("/multi-exec", format!(r#"[["SCRIPT","LOAD","{READING}"],["SET","k","w"]]"#)).json();
    assert_eq!(items[0]["result"], json!(sha_of(READING)));
    assert_eq!(by_sha(READING).json()["result"], json!("w"));
    let encoded = client.header("Upstash-Encoding", "base64").result(&format!(r#"["SCRIPT","LOAD","{FLAGGED}"]"#));
    assert_eq!(encoded.as_str().map(str::len), Some(56));
}

#[test]
fn other_flags_still_hold() {
    let house = House::start();
    let client = house.client();
    let writing = "#!lua flags=no-writes,allow-key-locking\\nreturn redis.call('set',KEYS[1],'v')";
    let response = client.run(&format!(r#"["EVAL","{writing}",1,"k"]"#));
    assert_eq!(response.status, 400);
    assert!(response.error().contains("Write commands are not allowed from read-only scripts"));
}

#[test]
fn a_lost_script_is_sent_again() {
    let house = House::start();
    let client = house.client();
    client.result(&format!(r#"["EVAL","{FLAGGED}",1,"k","v"]"#));
    client.result(r#"["SCRIPT","FLUSH"]"#);
    let response = client.run(&format!(r#"["EVALSHA","{}",1,"k","v"]"#, sha_of(FLAGGED)));
    assert!(response.error().starts_with("NOSCRIPT "));
}
