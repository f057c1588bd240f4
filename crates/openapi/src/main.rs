//! `chatkeep-openapi FILE` writes the document; `chatkeep-openapi --check FILE` says whether FILE is what it would write.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (check, file) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--check", file] => (true, file),
        [file] => (false, file),
        _ => return failed("usage: chatkeep-openapi [--check] FILE"),
    };
    let text =
        match chatkeep_openapi::document().and_then(|document| Ok(serde_json::to_string_pretty(&document)? + "\n")) {
            Ok(text) => text,
            Err(error) => return failed(&error.to_string()),
        };
    if !check {
        return match std::fs::write(file, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("{file}: {error}")),
        };
    }
    match std::fs::read_to_string(file) {
        Ok(found) if found == text => ExitCode::SUCCESS,
        Ok(_) => failed(&format!("{file} is not what the model says: run scripts/openapi")),
        Err(error) => failed(&format!("{file}: {error}")),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("openapi: {why}");
    ExitCode::FAILURE
}
