//! `chatkeep-openapi DOCUMENT WIRE VIEW ANSWERS` writes the OpenAPI document and the TypeScript modules with the types of the
//! API's bodies, of the client's view and of the store's answers; `--check` before them only says whether they are that.

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (check, files) = match arguments.split_first() {
        Some((first, files)) if first == "--check" => (true, files),
        _ => (false, arguments.as_slice()),
    };
    let Ok(files) = <&[String; 4]>::try_from(files) else {
        return failed("usage: chatkeep-openapi [--check] DOCUMENT WIRE VIEW ANSWERS");
    };
    let texts = match texts() {
        Ok(texts) => texts,
        Err(error) => return failed(&error.to_string()),
    };
    let faults: Vec<String> = files.iter().zip(&texts).filter_map(|(file, text)| fault(check, file, text)).collect();
    if faults.is_empty() { ExitCode::SUCCESS } else { failed(&faults.join("; ")) }
}

fn texts() -> Result<[String; 4], Box<dyn Error>> {
    let document = chatkeep_openapi::document()?;
    let types = [chatkeep_openapi::wire(&document)?, chatkeep_openapi::view()?, chatkeep_openapi::answers()?];
    let [wire, view, answers] = types;
    Ok([serde_json::to_string_pretty(&document)? + "\n", wire, view, answers])
}

/// Writes a file, or looks whether it is right; says what is wrong.
fn fault(check: bool, file: &str, text: &str) -> Option<String> {
    if !check {
        return std::fs::write(file, text).err().map(|error| format!("{file}: {error}"));
    }
    match std::fs::read_to_string(file) {
        Ok(found) if found == text => None,
        Ok(_) => Some(format!("{file} is not what the model says: run scripts/openapi")),
        Err(error) => Some(format!("{file}: {error}")),
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("openapi: {why}");
    ExitCode::FAILURE
}
