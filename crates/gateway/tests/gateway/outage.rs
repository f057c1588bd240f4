//! Redis away, back, slow, or not letting anyone in.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::ports::free_port;
use crate::support::{Gateway, House, Redis};

fn wait_until_healthy(gateway: &Gateway) {
    gateway.wait_for_error_line("connected to Redis at ");
    let deadline = Instant::now() + Duration::from_secs(5);
    while gateway.client().get("/_gateway/health").status != 200 {
        assert!(Instant::now() < deadline, "not healthy");
    }
}

#[test]
fn starts_before_redis_and_finds_it() {
    let port = free_port();
    let url = format!("redis://ada:s3cret@127.0.0.1:{port}/1");
    let gateway = Gateway::start(&[("REDIS_URL", &url)]);
    let line = gateway.wait_for_error_line("is not reachable yet; retrying");
    assert!(line.starts_with(&format!("Redis at redis://127.0.0.1:{port}/1 is not reachable yet")), "{line}");
    assert!(!line.contains("s3cret"));
    let start = Instant::now();
    let response = gateway.client().run(r#"["GET","k"]"#);
    assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
    assert_eq!((response.status, response.error().as_str()), (503, "ERR gateway: Redis is not reachable"));
    assert_eq!(gateway.client().get("/_gateway/health").status, 503);

    let _redis = Redis::start_with(port, &["--user", "ada", "on", ">s3cret", "~*", "&*", "+@all"]);
    wait_until_healthy(&gateway);
    assert_eq!(gateway.client().result(r#"["SET","k","v"]"#), json!("OK"));
}

#[test]
fn reconnects_after_a_restart() {
    let House { gateway, redis } = House::start();
    let client = gateway.client();
    client.result(r#"["SET","k","v"]"#);
    client.post("/multi-exec", r#"[["GET","k"]]"#);
    let port = redis.kill();
    gateway.wait_for_error_line("lost the connection to Redis");
    gateway.wait_for_error_line("is not reachable yet; retrying");
    for path in ["/", "/pipeline", "/multi-exec"] {
        let body = if path == "/" { r#"["GET","k"]"# } else { r#"[["GET","k"]]"# };
        assert_eq!(client.post(path, body).status, 503, "{path}");
    }
    let _redis = Redis::start_with(port, &[]);
    wait_until_healthy(&gateway);
    assert_eq!(client.result(r#"["GET","k"]"#), json!(null));
    assert_eq!(client.post("/multi-exec", r#"[["GET","k"]]"#).json(), json!([{ "result": null }]));
}

#[test]
fn logs_in_with_the_parts_of_an_address() {
    let redis = Redis::start_on_free_port(&["--requirepass", "s3cret"]);
    let port = redis.port.to_string();
    let place = [("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", port.as_str())];
    let gateway = Gateway::start(&[&place[..], &[("REDIS_PASSWORD", "s3cret"), ("REDIS_DB", "3")]].concat());
    let line = gateway.wait_for_error_line("connected to Redis at ");
    assert_eq!(line, format!("connected to Redis at redis://127.0.0.1:{port}/3"));
    gateway.client().result(r#"["SET","k","v"]"#);
    assert!(gateway.client().result(r#"["INFO","keyspace"]"#).as_str().is_some_and(|info| info.contains("db3:keys=1")));

    let wrong = Gateway::start(&[&place[..], &[("REDIS_PASSWORD", "wr0ng")]].concat());
    assert!(!wrong.wait_for_error_line("is not reachable yet").contains("wr0ng"));
    let refused = wrong.client().post("/", r#"["PING"]"#);
    let text = "ERR gateway: Redis refuses the user or the password";
    assert_eq!((refused.status, refused.error().as_str()), (503, text));
    assert_eq!(wrong.client().run(r#"["GET","k"]"#).status, 503);
}

#[test]
fn stops_when_told_and_logs_no_values() {
    let house = House::start_with(&[("GATEWAY_LOG", "access")]);
    let client = house.client();
    client.result(r#"["SET","private-key","private-value"]"#);
    client.get("/get/private-key?_token=local");
    client.run(r#"["private-value"]"#);
    client.post("/pipeline", r#"[["GET","private-key"],["DEL","private-key"]]"#);
    let House { gateway, redis: _redis } = house;
    let (status, lines) = gateway.stop();
    assert!(status.success());
    assert!(lines.iter().all(|line| !line.contains("private")), "{lines:?}");
    let shown: Vec<_> = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|line| format!("{} {} {} {}", line["method"], line["path"], line["commands"], line["status"]))
        .collect();
    assert_eq!(
        shown,
        [
            r#""POST" "/" ["set"] 200"#,
            r#""GET" "path" ["get"] 200"#,
            r#""POST" "/" ["?"] 400"#,
            r#""POST" "/pipeline" ["get","del"] 200"#,
        ]
    );
}
