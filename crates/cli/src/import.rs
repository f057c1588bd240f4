//! `chatkeep import`: brings an export, or what another system kept, in pieces. A line that is refused is named, and the rest comes in.

use crate::client::{Client, Failure, given};
use crate::foreign::{self, Format};
use crate::progress::bar;
use chatkeep_model::Owner;
use chatkeep_model::SessionId;
use chatkeep_model::wire::{ExportEnd, ExportLine, FailedLine, ImportResponse};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::io::{Read, stdin};
use std::path::Path;

/// About how many bytes go in one request.
const PIECE: usize = 4 << 20;

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The lines of an export.
    pub(crate) lines: Vec<Line>,
    /// The dialect of the system that it is from; nothing for an export of Chatkeep's.
    pub(crate) dialect: Option<&'static str>,
}

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its number in the file, from 1; nothing where it was made from another system's data.
    pub(crate) number: Option<u64>,
    pub(crate) text: String,
}

/// Reads a file, of the format that somebody names, or of the one that it shows.
pub(crate) fn read(path: &Path, from: Option<Format>) -> Result<Found, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        stdin().read_to_end(&mut bytes)?;
    } else {
        let unread = |error| Failure::Other(format!("{}: {error}", path.display()));
        bytes = std::fs::read(path).map_err(unread)?;
    }
    // A line that isn't UTF-8 spoils no other.
    let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    found(&text, from).map_err(|why| Failure::Other(format!("{}: {why}", path.display())))
}

fn found(text: &str, from: Option<Format>) -> Result<Found, String> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = || (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let is_ours = from.map_or_else(|| lines().any(|(_, line)| kind(line).is_some()), |from| from == Format::Chatkeep);
    if !is_ours {
        return foreign::lines(text, from);
    }
    // The server says of what is no line of an export what is wrong with it.
    let is_sent = |line: &str| matches!(kind(line).as_deref(), Some("session" | "message") | None);
    let sent = lines().filter(|(_, line)| is_sent(line));
    let lines = sent.map(|(number, text)| Line { number: Some(number), text: text.to_owned() });
    Ok(Found { lines: lines.collect(), dialect: None })
}

/// The kind of a line of an export; nothing where it is none.
fn kind(line: &str) -> Option<String> {
    let members: BTreeMap<String, IgnoredAny> = serde_json::from_str(line.trim()).ok()?;
    let kind = members.into_keys().next()?;
    ["session", "message", "cursor", "left_out", "end"].contains(&kind.as_str()).then_some(kind)
}

impl Line {
    /// Where it stands, for people.
    fn place(&self) -> String {
        let found = serde_json::from_str(&self.text);
        match (self.number, found) {
            (Some(number), _) => format!("line {number}"),
            (None, Ok(ExportLine::Message(message))) => {
                format!("session {}, message {}", message.session_id, message.position + 1)
            }
            (None, Ok(ExportLine::Session(session))) => format!("session {}", session.session_id),
            (None, _) => "a line".to_owned(),
        }
    }

    fn is_session(&self) -> bool {
        kind(&self.text).as_deref() == Some("session")
    }
}

pub(crate) fn import(client: &Client, found: Found, owner: Option<&str>, dry_run: bool) -> Result<(), Failure> {
    let total: usize = found.lines.iter().map(|line| line.text.len()).sum();
    let shown = bar(Some(total as u64), "bytes");
    let mut job =
        Job { client, query: given(&[("owner", owner), ("dry_run", dry_run.then_some("true"))]), ..Job::of(client) };
    let mut rest = found.lines.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_length(rest));
        job.send(piece)?;
        shown.inc(piece.iter().map(|line| line.text.len() as u64).sum());
        rest = after;
    }
    shown.finish_and_clear();
    let Job { mut end, mut skipped, failed, failures, .. } = job;
    skipped.dedup();
    end.sessions = end.sessions.saturating_sub(skipped.len() as u64);
    let ExportEnd { sessions, messages } = end;
    if dry_run {
        println!("{sessions} sessions with {messages} messages, from {}", found.dialect.unwrap_or("Chatkeep"));
    } else {
        eprintln!("imported {sessions} sessions with {messages} messages");
    }
    for session in &skipped {
        eprintln!("left as it is: {session} is deleted, or has other messages");
    }
    for (place, why) in &failed {
        eprintln!("left out: {place}: {why}");
    }
    if failures > failed.len() as u64 {
        eprintln!("left out: {} more", failures - failed.len() as u64);
    }
    if failures > 0 { Err(Failure::Other(format!("{failures} lines are left out"))) } else { Ok(()) }
}

/// How many of the lines go in one request.
fn piece_length(lines: &[Line]) -> usize {
    let mut bytes = 0;
    let within = lines.iter().take_while(|line| {
        bytes += line.text.len();
        bytes <= PIECE
    });
    within.count().max(1)
}

/// An import under way.
struct Job<'a> {
    client: &'a Client,
    query: Vec<(&'a str, &'a str)>,
    end: ExportEnd,
    skipped: Vec<SessionId>,
    failed: Vec<(String, String)>,
    failures: u64,
    /// The session that came last, and how many of its lines failed: its later messages move up.
    last: Option<(Option<Owner>, SessionId)>,
    gap: u64,
}

impl<'a> Job<'a> {
    fn of(client: &'a Client) -> Self {
        Self {
            client,
            query: Vec::new(),
            end: ExportEnd::default(),
            skipped: Vec::new(),
            failed: Vec::new(),
            failures: 0,
            last: None,
            gap: 0,
        }
    }

    /// Sends some lines. Where all are refused, it looks for those that aren't, until each is named.
    fn send(&mut self, piece: &[Line]) -> Result<(), Failure> {
        let body = self.body(piece);
        match self.client.ask::<ImportResponse>("POST", "/v1/admin/import", &self.query, &body) {
            Ok(answer) => self.take(piece, answer),
            Err(Failure::Refused(status, said)) if status == 413 || said.contains(": in line ") => match piece {
                [line] => self.fail(line, said),
                _ => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    self.send(first)?;
                    self.send(second)?;
                }
            },
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// The lines as they are sent: messages of a session of which earlier lines failed move up.
    fn body(&self, piece: &[Line]) -> String {
        let mut body = String::new();
        let mut moves = self.gap > 0;
        for Line { text, .. } in piece {
            match serde_json::from_str(text) {
                Ok(ExportLine::Message(mut message))
                    if moves && self.last == Some((message.owner.clone(), message.session_id.clone())) =>
                {
                    message.position = message.position.saturating_sub(self.gap);
                    body += &serde_json::to_string(&ExportLine::Message(message)).unwrap_or_default();
                }
                Ok(_) => {
                    moves = false;
                    body += text;
                }
                Err(_) => body += text,
            }
            body.push('\n');
        }
        body
    }

    fn take(&mut self, piece: &[Line], answer: ImportResponse) {
        let ImportResponse { messages, skipped, failed, failed_count, .. } = answer;
        self.end.messages += messages;
        self.skipped.extend(skipped);
        self.failures += failed_count.unwrap_or_default().saturating_sub(failed.len() as u64);
        let mut failed: BTreeMap<u64, FailedLine> = failed.into_iter().map(|failed| (failed.line, failed)).collect();
        for (number, line) in (1..).zip(piece) {
            match failed.remove(&number) {
                Some(FailedLine { code, detail, .. }) => {
                    let said = detail.map(|detail| format!("{code}: {detail}")).unwrap_or(code);
                    self.fail(line, said);
                }
                None => self.pass(line),
            }
        }
    }

    fn pass(&mut self, line: &Line) {
        self.end.sessions += u64::from(line.is_session());
        let place = match serde_json::from_str(&line.text) {
            Ok(ExportLine::Session(session)) => Some((session.owner, session.session_id)),
            Ok(ExportLine::Message(message)) => Some((message.owner, message.session_id)),
            _ => None,
        };
        if place.is_some() && self.last != place {
            (self.last, self.gap) = (place, 0);
        }
    }

    fn fail(&mut self, line: &Line, why: String) {
        self.failures += 1;
        self.gap += 1;
        self.failed.push((line.place(), why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = r#"{"session":{"session_id":"s","created_ms":1,"updated_ms":1}}"#;

    #[test]
    fn an_export_is_recognised_however_it_was_written() -> Result<(), String> {
        let spaced = SESSION.replace(':', ": ");
        for text in [
            format!("{SESSION}\n{{\"end\":{{\"sessions\":1,\"messages\":0}}}}\n"),
            format!("\u{feff}{spaced}\r\n\r\n{{ \"cursor\" : \"x\" }}\r\n"),
            format!("  {spaced}"),
        ] {
            let found = found(&text, None)?;
            assert_eq!((found.dialect, found.lines.len()), (None, 1), "{text}");
        }
        // A line that is none is sent, so that it is named.
        let broken = found(&format!("oops\n{SESSION}\n"), None)?;
        assert_eq!(broken.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [Some(1), Some(2)]);
        Ok(())
    }

    #[test]
    fn messages_after_a_line_that_failed_move_up_in_later_pieces() {
        let client = Client::new("http://localhost", None, None);
        let mut job = Job::of(&client);
        let line = |position: u64| Line {
            number: Some(position + 1),
            text: format!(r#"{{"message":{{"session_id":"s","position":{position},"message":{{"id":"m","x":1.0}}}}}}"#),
        };
        let failed = FailedLine { line: 2, code: "invalid_body".to_owned(), detail: None };
        let answer = ImportResponse { messages: 2, failed: vec![failed], failed_count: Some(1), ..Default::default() };
        job.take(&[line(0), line(1), line(2)], answer);
        assert_eq!((job.failures, job.failed.as_slice()), (1, &[("line 2".to_owned(), "invalid_body".to_owned())][..]));
        assert_eq!(job.body(&[line(3)]), line(2).text + "\n");
        let other = line(5).text.replace("\"s\"", "\"t\"");
        assert_eq!(job.body(&[Line { number: None, text: other.clone() }]), other + "\n");
    }

    #[test]
    fn pieces_have_a_size() {
        let line = |bytes: usize| Line { number: None, text: "x".repeat(bytes) };
        assert_eq!(piece_length(&[line(PIECE - 1), line(1), line(1)]), 2);
        assert_eq!(piece_length(&[line(PIECE + 1), line(1)]), 1);
    }
}
