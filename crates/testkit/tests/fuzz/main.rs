//! The targets of `chatkeep_testkit::fuzz` on stable Rust: each input of `fuzz/corpus` as it is, then texts made from these by changes at
//! random, which is not guided by what they reach: `npm run fuzz` has libFuzzer for that.
//!
//! `CHATKEEP_FUZZ_SECONDS` says how long each target runs (else a twentieth of a second), and `CHATKEEP_SEED` which changes it sees.

use chatkeep_testkit::fuzz::TARGETS;
use chatkeep_testkit::random::Random;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most bytes of a text: enough for every form, and short enough to try many.
const MOST: usize = 2048;

#[test]
fn no_parser_breaks() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let time = variable("CHATKEEP_FUZZ_SECONDS").map_or(Duration::from_millis(50), Duration::from_secs);
    let seed = variable("CHATKEEP_SEED").unwrap_or(1);
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for (file, input) in &corpus {
            let broken = std::panic::catch_unwind(|| target(input)).is_err();
            assert!(!broken, "{name} breaks on {}", file.display());
        }
        let corpus: Vec<String> =
            corpus.into_iter().map(|(_, input)| String::from_utf8_lossy(&input).into_owned()).collect();
        let mut random = Random::new(seed);
        let mut tried = corpus.len();
        let began = Instant::now();
        while began.elapsed() < time {
            let mut text = corpus[random.within(0..corpus.len() as u64) as usize].clone();
            for _ in 0..random.within(1..8) {
                text = changed(&text, &corpus, &mut random);
            }
            let told = text.clone();
            if std::panic::catch_unwind(move || target(text.as_bytes())).is_err() {
                panic!("{name} breaks; CHATKEEP_SEED={seed}: {told:?}");
            }
            tried += 1;
        }
        println!("{name}: {tried} texts");
    }
}

#[test]
fn every_target_has_its_program_and_its_inputs() {
    let root = root();
    let listed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for (folder, what) in [("fuzz_targets", ".rs"), ("corpus", "")] {
        let names = fs::read_dir(root.join(folder)).expect(folder).map(|entry| entry.expect(folder).file_name());
        let names = names.map(|name| name.to_string_lossy().trim_end_matches(what).to_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), listed, "fuzz/{folder}");
    }
    for name in &listed {
        let program = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).expect("its program");
        assert!(program.contains(&format!("run(\"{name}\", input)")), "{name}'s program runs another target");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
        assert!(corpus(name).len() >= 3, "{name} has too few inputs");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The inputs of a target and their files.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = root().join("corpus").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(&file).expect("an input"))).collect()
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
