//! `rediss://` with a certificate authority of one's own.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::ports::free_port;
use crate::support::processes::fresh_directory;
use crate::support::{Gateway, Redis};

#[test]
fn trusts_the_given_authority_and_no_other() {
    let directory = fresh_directory("tls");
    make_certificates(&directory);
    let path = |name: &str| directory.join(name).to_str().expect("path").to_owned();
    let port = free_port();
    let (certificate, key, ca) = (path("server.crt"), path("server.key"), path("ca.crt"));
    let arguments = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ];
    let _redis = Redis::start_with(0, &arguments);
    let url = format!("rediss://127.0.0.1:{port}/0");

    let gateway = Gateway::start(&[("REDIS_URL", &url), ("REDIS_TLS_CA", &ca)]);
    assert_eq!(gateway.wait_for_error_line("connected to Redis"), format!("connected to Redis at {url}"));
    assert_eq!(gateway.client().result(r#"["SET","k","v"]"#), json!("OK"));
    assert_eq!(gateway.client().post("/multi-exec", r#"[["GET","k"]]"#).json(), json!([{ "result": "v" }]));

    let stranger = Gateway::start(&[("REDIS_URL", &url)]);
    let line = stranger.wait_for_error_line("is not reachable yet");
    assert!(line.contains("certificate"), "{line}");
    let refused = stranger.client().post("/", r#"["PING"]"#);
    let text = "ERR gateway: the certificate of Redis is not trusted";
    assert_eq!((refused.status, refused.error().as_str()), (503, text));
}

/// An authority and a certificate for 127.0.0.1, made by `openssl`.
fn make_certificates(directory: &Path) {
    std::fs::write(directory.join("san"), "subjectAltName=IP:127.0.0.1\n").expect("san");
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=redis -keyout server.key -out server.csr",
        "x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile san -out server.crt",
    ] {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
        let output = output.expect("openssl must be installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
