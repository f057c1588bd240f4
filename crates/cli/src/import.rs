//! `chatkeep import`: brings an export, or what another system kept, in pieces.

use crate::client::{Client, Failure, given};
use crate::foreign;
use crate::progress::bar;
use chatkeep_model::wire::{ExportEnd, ImportResponse};
use std::io::{Read, stdin};
use std::path::Path;

/// About how many bytes go in one request.
const PIECE: usize = 4 << 20;

/// What a file holds.
pub(crate) struct Found {
    /// The lines of an export.
    pub(crate) lines: Vec<String>,
    /// The dialect of the system that it is from; nothing for an export of Chatkeep's.
    pub(crate) dialect: Option<&'static str>,
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Found, Failure> {
    let mut text = String::new();
    if path == Path::new("-") {
        stdin().read_to_string(&mut text)?;
    } else {
        let unread = |error| Failure::Other(format!("{}: {error}", path.display()));
        text = std::fs::read_to_string(path).map_err(unread)?;
    }
    found(&text).map_err(|why| Failure::Other(format!("{}: {why}", path.display())))
}

fn found(text: &str) -> Result<Found, String> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let is_ours = |line: &str| {
        ["session", "message", "cursor", "end"].iter().any(|name| line.starts_with(&format!("{{\"{name}\":")))
    };
    if lines().next().is_some_and(is_ours) && lines().all(is_ours) {
        let lines = lines()
            .filter(|line| line.starts_with("{\"session\"") || line.starts_with("{\"message\""))
            .map(str::to_owned);
        return Ok(Found { lines: lines.collect(), dialect: None });
    }
    foreign::lines(text)
}

pub(crate) fn import(client: &Client, found: Found, owner: Option<&str>, dry_run: bool) -> Result<(), Failure> {
    let total: usize = found.lines.iter().map(String::len).sum();
    let is_session = |line: &&String| line.starts_with("{\"session\"");
    let sessions = found.lines.iter().filter(is_session).count() as u64;
    if dry_run {
        let messages = found.lines.len() as u64 - sessions;
        println!("{sessions} sessions with {messages} messages, from {}", found.dialect.unwrap_or("Chatkeep"));
        return Ok(());
    }
    let shown = bar(Some(total as u64), "bytes");
    let query = given(&[("owner", owner)]);
    let (mut end, mut skipped) = (ExportEnd::default(), Vec::new());
    let mut piece = String::new();
    for (at, line) in found.lines.iter().enumerate() {
        piece.push_str(line);
        piece.push('\n');
        if piece.len() < PIECE && at + 1 < found.lines.len() {
            continue;
        }
        let answer: ImportResponse = client.ask("POST", "/v1/admin/import", &query, &piece)?;
        end.messages += answer.messages;
        skipped.extend(answer.skipped);
        shown.inc(piece.len() as u64);
        piece.clear();
    }
    shown.finish_and_clear();
    skipped.dedup();
    end.sessions = sessions.saturating_sub(skipped.len() as u64);
    eprintln!("imported {} sessions with {} messages", end.sessions, end.messages);
    for session in &skipped {
        eprintln!("left as it is: {session} is deleted, or has other messages");
    }
    Ok(())
}
