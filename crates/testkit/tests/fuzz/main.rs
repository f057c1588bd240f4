//! Every parser of what comes from outside, with texts that were changed at random: none may panic, and what is read back must
//! be what was written.
//!
//! The texts come from `corpus/`, one file a target. `CHATKEEP_FUZZ_SECONDS` says how long each target runs (else a tenth of a second), and
//! `CHATKEEP_SEED` which changes it sees. `npm run fuzz` runs each for ten minutes.

use chatkeep_model::auth::{Access, Credentials, Presented, Signed, jwks, jwt, present, visitor};
use chatkeep_model::config::Config;
use chatkeep_model::depth::is_deeper;
use chatkeep_model::intake::{self, Fresh, Incoming, Preconditions};
use chatkeep_model::plan::Cursor;
use chatkeep_model::redis::reply;
use chatkeep_model::responder::read_completion;
use chatkeep_model::route::{Query, route};
use chatkeep_model::turn::TurnRecord;
use chatkeep_model::{Dialect, Limits, Millis, SessionId, base64url, message, owner, percent, transfer};
use chatkeep_testkit::random::Random;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

type Target = fn(&str);

const TARGETS: &[(&str, Target)] = &[
    ("bodies", bodies),
    ("config", config),
    ("credentials", credentials),
    ("ids", ids),
    ("import", import),
    ("replies", replies),
    ("routes", routes),
    ("tokens", tokens),
];

/// The most bytes of a text: enough for every form, and short enough to try many.
const MOST: usize = 2048;

#[test]
fn no_parser_breaks() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let time = variable("CHATKEEP_FUZZ_SECONDS").map_or(Duration::from_millis(100), Duration::from_secs);
    let seed = variable("CHATKEEP_SEED").unwrap_or(1);
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for text in &corpus {
            target(text);
        }
        let mut random = Random::new(seed);
        let mut tried = corpus.len();
        let began = Instant::now();
        while began.elapsed() < time {
            let mut text = corpus[random.within(0..corpus.len() as u64) as usize].clone();
            for _ in 0..random.within(1..8) {
                text = changed(&text, &corpus, &mut random);
            }
            let told = text.clone();
            if std::panic::catch_unwind(move || target(&text)).is_err() {
                panic!("{name} breaks; CHATKEEP_SEED={seed}: {told:?}");
            }
            tried += 1;
        }
        println!("{name}: {tried} texts");
    }
}

/// The texts of a target: its file's, parted by lines of `---`.
fn corpus(name: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.split("\n---\n").map(|text| text.trim_end_matches('\n').to_owned()).collect()
}

/// One change: something taken out, doubled, put in, swapped for what often breaks, or joined to another text.
fn changed(text: &str, corpus: &[String], random: &mut Random) -> String {
    const ODD: &[&str] = &[
        "\0",
        "\n",
        "\r\n",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        ".",
        "..",
        "/",
        "%",
        "%00",
        "%ff",
        "=",
        "-",
        "+",
        "0",
        "-1",
        "1e309",
        "18446744073709551616",
        "9007199254740993",
        "null",
        "true",
        "{}",
        "[]",
        "é",
        "🐎",
        "\u{202e}",
        "а",
        "\u{feff}",
        "\u{fffd}",
        "A",
        " ",
        "new",
        "app",
        "alg",
        "none",
        "__proto__",
    ];
    let place = |random: &mut Random| {
        let at = random.within(0..text.len() as u64 + 1) as usize;
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    let (one, other) = (place(random), place(random));
    let (from, to) = (one.min(other), one.max(other));
    let (before, between, after) = (&text[..from], &text[from..to], &text[to..]);
    let mut new = match random.within(0..6) {
        0 => format!("{before}{after}"),
        1 => format!("{before}{between}{between}{after}"),
        2 => format!("{before}{}{between}{after}", random.pick(ODD)),
        3 => format!("{before}{}{after}", random.pick(ODD)),
        4 => format!("{before}{}{after}", random.pick(ODD).repeat(random.within(1..100) as usize)),
        _ => {
            let with = &corpus[random.within(0..corpus.len() as u64) as usize];
            let at = (0..=with.len() / 2).rev().find(|at| with.is_char_boundary(*at)).unwrap_or(0);
            format!("{before}{}", &with[at..])
        }
    };
    let end = (0..=MOST.min(new.len())).rev().find(|at| new.is_char_boundary(*at)).unwrap_or(0);
    new.truncate(end);
    new
}

fn incoming<'a>(body: &'a str, key: Option<&'a str>, limits: &'a Limits) -> Incoming<'a> {
    let fresh = Fresh { now: Millis(1_795_253_400_000), session: 1, message: 2, attempt: 3, seal: 4 };
    Incoming { body, key, limits, fresh }
}

fn bodies(text: &str) {
    let limits = Limits::default();
    if is_deeper(text, 64) {
        return;
    }
    let incoming = incoming(text, Some("key"), &limits);
    let Ok(session) = SessionId::parse("s") else { return };
    if let Ok((begin, _)) = intake::chat(incoming) {
        // The scripts know a message by how its text begins.
        assert!(begin.message.starts_with(&message::stored_prefix(&begin.message_id)));
        assert!(!begin.title.contains(char::is_control));
    }
    let _ = intake::incognito(incoming);
    if intake::appends(text)
        && let Ok((append, ids)) = intake::append(session.clone(), incoming)
    {
        assert_eq!(append.messages.len(), ids.len());
    }
    let _ = intake::create(incoming);
    let _ = intake::patch(session.clone(), incoming);
    let _ = intake::truncate(session.clone(), incoming);
    let _ = intake::fork(session.clone(), incoming);
    let _ = intake::visitor(text);
    let tags = Preconditions { if_match: Some(text), if_none_match: None };
    let _ = intake::write_state(session, tags, incoming);
    let _ = read_completion(200, text);
}

fn config(text: &str) {
    let variables: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let _ = Config::read(variable);
}

fn credentials(text: &str) {
    let secret = "0123456789abcdef0123456789abcdef";
    let variable = |name: &str| match name {
        "API_KEYS" => Some("first-key,reports:read:second-key".to_owned()),
        "VISITOR_SECRET" | "JWT_SECRET" => Some(secret.to_owned()),
        "JWT_ISSUER" | "JWT_AUDIENCE" => Some("i".to_owned()),
        _ => None,
    };
    let access = Config::read(variable).map(|config| config.access).unwrap_or_else(|_| Access::default());
    let mut lines = text.split('\n');
    let mut next = || lines.next().filter(|line| !line.is_empty());
    let (authorization, cookie, user, origin, api_key) = (next(), next(), next(), next(), next());
    let own_origin = "https://chat.example.com";
    let shown = Credentials { api_key, authorization, cookie, user, issuer: None, origin, own_origin, safe: false };
    match present(&access, &shown) {
        Ok(Presented::Signed(signed)) => refuses_what_is_not_genuine(signed),
        Ok(Presented::Known(_)) => assert!(matches!(api_key, Some("first-key" | "second-key"))),
        Ok(Presented::Nothing) | Err(_) => {}
    }
}

fn refuses_what_is_not_genuine(signed: Signed<'_>) {
    assert!(signed.settle(false, Millis(0)).is_err());
}

fn ids(text: &str) {
    if let Some(named) = owner::user(None, text) {
        let told = match named {
            owner::Named::Owner(owner) => owner.to_string(),
            owner::Named::Long(long) => long.text().to_owned(),
        };
        assert!(
            told.starts_with("u-") && told.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.%-".contains(&byte))
        );
        assert_eq!(percent::decode(&told[2..]), text, "two users would be one");
    }
    if let Ok(id) = SessionId::parse(text) {
        assert!(!id.as_str().contains(['{', '}', '\0', '\n']));
    }
    let _ = Cursor::parse(text);
    if let Some(record) = TurnRecord::parse(text) {
        assert_eq!(TurnRecord::parse(&record.to_string()).as_ref(), Some(&record));
    }
}

fn import(text: &str) {
    let limits = Limits::default();
    let _ = transfer::imports(text, &limits, incoming(text, None, &limits).fresh);
}

fn replies(text: &str) {
    for status in [200, 400, 401, 500] {
        if let reply::Answer::Reply(reply) = reply::read(status, text)
            && let Ok(mut items) = reply.items()
        {
            while !items.is_empty() {
                if items.take().is_err() {
                    break;
                }
            }
        }
    }
}

fn routes(text: &str) {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    for method in ["GET", "POST", "DELETE"] {
        let _ = route(method, path, Some(Dialect::Jarvis));
    }
    let query = Query(query);
    for name in ["limit", "cursor", "q", ""] {
        let _ = query.get(name);
        let _ = query.number(name, 1..=100);
    }
}

fn tokens(text: &str) {
    let _ = jwt::read(text);
    let _ = jwks::KeySet::read(text);
    if let Some(read) = visitor::read(text) {
        assert_eq!(read.visitor.token(read.signature), text);
    }
    if let Some(bytes) = base64url::decode(text) {
        assert_eq!(base64url::encode(&bytes), text);
    }
    assert_eq!(base64url::decode(&base64url::encode(text.as_bytes())).as_deref(), Some(text.as_bytes()));
}
