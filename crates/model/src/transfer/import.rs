//! Reads an export, piece by piece, into imports. What is no session or message of ours is named by its line; the rest comes in.

use crate::Owner;
use crate::depth::is_deeper;
use crate::error::{Code, Problem};
use crate::id::{MessageId, SessionId};
use crate::intake::{Fresh, WritableRoles};
use crate::json;
use crate::limits::{
    IMPORT_CALL_BYTES, IMPORT_LINE_BYTES, IMPORTED_PER_CALL, JSON_DEPTH, Limits, MOST_MESSAGE_BYTES, NAMED_LINES,
    TOKENS, USER_ID_BYTES,
};
use crate::message::{Message, Role};
use crate::plan::{Import, Summary};
use crate::records::Notes;
use crate::session::Flags;
use crate::summary;
use crate::time::Millis;
use crate::wire::{ExportedSession, ExportedSummary, FailedLine};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// How much deeper than a stored value its line is nested.
const LINE_DEPTH: usize = 4;

/// An import, and whose sessions the export says that they are.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Owned {
    pub owner: Option<Owner>,
    pub import: Import,
    /// The line that it begins with, counted from 1.
    pub line: u64,
}

/// What an import may bring.
#[derive(Debug, Clone)]
pub struct ImportRules {
    /// The limits of the namespace.
    pub limits: Limits,
    /// Time and randomness.
    pub fresh: Fresh,
    /// The only owner whose sessions it may hold; without one, everybody's.
    pub owner: Option<Owner>,
    /// The roles of its messages.
    pub roles: WritableRoles,
    /// Nothing is stored: the store only says what it would do.
    pub dry_run: bool,
}

/// Reads an export that comes in pieces. It holds one line and the messages of one call of the store.
#[derive(Debug)]
pub struct Importer {
    rules: ImportRules,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The line is too long: its rest is dropped.
    is_overlong: bool,
    number: u64,
    open: Option<Open>,
    ready: VecDeque<Owned>,
    failed: Vec<FailedLine>,
    failures: u64,
    understood: u64,
}

/// The session whose lines are being read.
#[derive(Debug)]
struct Open {
    owner: Option<Owner>,
    session: SessionId,
    /// Its messages that are not yet ready.
    import: Option<Owned>,
    bytes: usize,
    /// The place of its next message, as the export counts and as it comes in: lines that failed leave no gap.
    expected: Option<u64>,
    next: u64,
    /// The lines that failed since its last message.
    failures: u64,
}

/// A line of an export, as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Session(Box<ExportedSession>),
    Message(Box<ReadMessage>),
    Cursor(IgnoredAny),
    End(IgnoredAny),
    LeftOut(IgnoredAny),
}

#[derive(Deserialize)]
struct ReadMessage {
    #[serde(default)]
    owner: Option<Owner>,
    session_id: SessionId,
    position: u64,
    message: Message,
}

impl Importer {
    /// An import that has read nothing.
    #[must_use]
    pub fn new(rules: ImportRules) -> Self {
        Self {
            rules,
            line: Vec::new(),
            is_overlong: false,
            number: 0,
            open: None,
            ready: VecDeque::new(),
            failed: Vec::new(),
            failures: 0,
            understood: 0,
        }
    }

    /// Takes the next piece of the export.
    pub fn read(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(at);
            self.extend(line);
            self.end_line();
            rest = after.get(1..).unwrap_or_default();
        }
        self.extend(rest);
    }

    /// Takes the end of the export.
    pub fn end(&mut self) {
        if !self.line.is_empty() || self.is_overlong {
            self.end_line();
        }
        self.close();
    }

    /// Gives the next import that is complete, in the order of the export.
    pub fn next_import(&mut self) -> Option<Owned> {
        self.ready.pop_front()
    }

    /// Names a line that the store refused.
    pub fn refuse(&mut self, line: u64, problem: &Problem) {
        self.failures += 1;
        if self.failed.len() < NAMED_LINES {
            let (code, detail) = (problem.code.as_str().to_owned(), problem.detail.clone());
            self.failed.push(FailedLine { line, code, detail });
        }
    }

    /// The lines that failed, the first of them by name, and how many there are.
    ///
    /// # Errors
    /// No line was understood: the problem of the first.
    pub fn finish(mut self) -> Result<(Vec<FailedLine>, u64), Problem> {
        self.failed.sort_by_key(|failed| failed.line);
        match self.failed.first() {
            Some(first) if self.understood == 0 => {
                let code = Code::ALL.iter().find(|code| code.as_str() == first.code).copied();
                let detail = first.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
                Err(Problem::new(code.unwrap_or(Code::InvalidBody)).detail(format!("in line {}{detail}", first.line)))
            }
            _ => Ok((self.failed, self.failures)),
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > IMPORT_LINE_BYTES {
            self.is_overlong = true;
            // Its memory is not kept for lines that are shorter.
            self.line = Vec::new();
        }
        if !self.is_overlong {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) {
        self.number += 1;
        let read = if std::mem::take(&mut self.is_overlong) {
            let detail = format!("the limit is {IMPORT_LINE_BYTES} bytes a line");
            Err(Problem::new(Code::BodyTooLarge).detail(detail))
        } else {
            let line = std::mem::take(&mut self.line);
            match String::from_utf8(line) {
                Ok(text) => self.take_line(json::mend(text).trim()),
                Err(_) => Err(Problem::new(Code::InvalidJson).detail("it is not UTF-8")),
            }
        };
        if let Err(problem) = read {
            self.refuse(self.number, &problem);
            if let Some(open) = &mut self.open {
                open.failures += 1;
            }
        }
    }

    fn take_line(&mut self, text: &str) -> Result<(), Problem> {
        if text.is_empty() {
            return Ok(());
        }
        if is_deeper(text, JSON_DEPTH + LINE_DEPTH) {
            return Err(Problem::new(Code::JsonTooDeep).detail(format!("the limit is {JSON_DEPTH} levels")));
        }
        let line: Line = serde_json::from_str(text).map_err(|error| {
            let is_json = error.classify() == serde_json::error::Category::Data;
            let code = if is_json { Code::InvalidBody } else { Code::InvalidJson };
            Problem::new(code).detail(format!("at column {}", error.column()))
        })?;
        match line {
            Line::Session(session) => {
                let owner = self.checked_owner(session.owner.clone())?;
                let id = session.session_id.clone();
                let import = of_session(*session, &self.rules)?;
                self.close();
                let import = Owned { owner: owner.clone(), import, line: self.number };
                self.open = Some(Open {
                    owner,
                    session: id,
                    import: Some(import),
                    bytes: 0,
                    expected: None,
                    next: 0,
                    failures: 0,
                });
            }
            Line::Message(message) => self.take_message(*message)?,
            Line::Cursor(_) | Line::End(_) | Line::LeftOut(_) => return Ok(()),
        }
        self.understood += 1;
        Ok(())
    }

    fn take_message(&mut self, read: ReadMessage) -> Result<(), Problem> {
        let owner = self.checked_owner(read.owner)?;
        let created = Millis::parse_rfc3339(&read.message.created);
        let (id, stored) = checked_message(read.message, &self.rules)?;
        let is_open = |open: &Open| (&open.owner, &open.session) == (&owner, &read.session_id);
        if !self.open.as_ref().is_some_and(is_open) {
            self.close();
        }
        let session = read.session_id;
        let open = self.open.get_or_insert_with(|| Open {
            owner: owner.clone(),
            session: session.clone(),
            import: None,
            bytes: 0,
            expected: None,
            next: read.position,
            failures: 0,
        });
        // A gap that failed lines explain is closed.
        let gap = read.position.checked_sub(open.expected.unwrap_or(0));
        let follows = gap.is_some_and(|gap| gap <= open.failures);
        if !follows {
            if open.expected.is_some() {
                self.ready.extend(open.import.take());
            }
            open.next = read.position;
        }
        let is_full = open.import.as_ref().is_some_and(|owned| {
            let messages = &owned.import.messages;
            messages.len() >= IMPORTED_PER_CALL.0
                || (open.bytes + stored.len() > IMPORT_CALL_BYTES && !messages.is_empty())
        });
        if is_full {
            self.ready.extend(open.import.take());
        }
        let rules = &self.rules;
        let number = self.number;
        let owned = open.import.get_or_insert_with(|| {
            open.bytes = 0;
            let mut import = continued(session, rules);
            if let Some(created) = created {
                (import.created, import.updated) = (created.min(rules.fresh.now), created.min(rules.fresh.now));
            }
            Owned { owner, import, line: number }
        });
        if owned.import.messages.is_empty() {
            owned.import.position = open.next;
        }
        open.bytes += stored.len();
        owned.import.messages.push((id, stored));
        open.expected = Some(read.position + 1);
        open.next += 1;
        open.failures = 0;
        Ok(())
    }

    /// Whoever's lines were read has no more.
    fn close(&mut self) {
        self.ready.extend(self.open.take().and_then(|open| open.import));
    }

    /// An owner from an export, if it can be one and its sessions may be imported.
    fn checked_owner(&self, owner: Option<Owner>) -> Result<Option<Owner>, Problem> {
        let Some(owner) = owner else { return Ok(None) };
        let owner = Owner::parse(owner.as_str()).ok_or(Problem::new(Code::InvalidBody).detail("owner"))?;
        match &self.rules.owner {
            Some(only) if *only != owner => {
                Err(Problem::new(Code::InvalidBody).detail("it is another owner's: see /v1/admin/import"))
            }
            _ => Ok(Some(owner)),
        }
    }
}

fn of_session(session: ExportedSession, rules: &ImportRules) -> Result<Import, Problem> {
    let (limits, now) = (&rules.limits, rules.fresh.now);
    let user = session.user_id.unwrap_or_default();
    if user.len() > USER_ID_BYTES {
        return Err(Problem::new(Code::InvalidParameter).detail(format!("user_id has at most {USER_ID_BYTES} bytes")));
    }
    let stored = |ExportedSummary { messages, last, text }| Summary { until: messages, last, text }.stored();
    let notes = Notes {
        used: session.tokens_used.unwrap_or_default().min(TOKENS),
        summary: session.summary.map(stored).unwrap_or_default(),
    };
    if notes.summary.chars().count() > 2 * summary::KEPT {
        return Err(Problem::new(Code::InvalidBody).detail("summary"));
    }
    let metadata = kept_text(session.metadata)?;
    if !metadata.is_empty() && !metadata.starts_with('{') {
        return Err(Problem::new(Code::InvalidBody).detail("metadata is an object"));
    }
    let import = Import {
        title: session.title.unwrap_or_default().replace(char::is_control, " "),
        created: Millis(session.created_ms.min(now.0)),
        updated: Millis(session.updated_ms.min(now.0)),
        flags: Flags { pinned: session.pinned, archived: session.archived, user, ..Flags::default() },
        metadata,
        state: kept_text(session.state)?,
        notes,
        ..continued(session.session_id, rules)
    };
    if import.title.chars().count() > limits.title_characters {
        return Err(Code::TitleTooLong.into());
    }
    check_size(import.metadata.len(), limits.metadata_bytes, Code::MetadataTooLarge)?;
    check_size(import.state.len(), limits.state_bytes, Code::StateTooLarge)?;
    Ok(import)
}

fn check_size(bytes: usize, limit: usize, code: Code) -> Result<(), Problem> {
    if bytes > limit {
        return Err(Problem::new(code).detail(format!("{bytes} bytes; the limit is {limit}")));
    }
    Ok(())
}

/// A value that is stored as it came.
fn kept(value: Box<RawValue>) -> Result<Box<RawValue>, Problem> {
    if is_deeper(value.get(), JSON_DEPTH) {
        return Err(Problem::new(Code::JsonTooDeep).detail(format!("the limit is {JSON_DEPTH} levels")));
    }
    Ok(json::stored(value))
}

/// The text of such a value; empty where there is none.
fn kept_text(value: Option<Box<RawValue>>) -> Result<String, Problem> {
    Ok(value.map(kept).transpose()?.map(|value| value.get().to_owned()).unwrap_or_default())
}

fn continued(session: SessionId, rules: &ImportRules) -> Import {
    let ImportRules { limits, fresh, .. } = rules;
    Import {
        session,
        title: String::new(),
        created: fresh.now,
        updated: fresh.now,
        flags: Flags::default(),
        metadata: String::new(),
        state: String::new(),
        notes: Notes::default(),
        seal: format!("{:032x}", fresh.seal),
        position: 0,
        after: None,
        operation: None,
        messages: Vec::new(),
        dry_run: rules.dry_run,
        now: fresh.now,
        ttl: limits.ttl,
        messages_per_session: limits.messages_per_session,
        session_bytes: limits.session_bytes,
        sessions_per_owner: limits.sessions_per_owner,
        owner_bytes: limits.owner_bytes,
    }
}

/// A message from an export in the form in which we store it, with its id. Members that no message has are dropped.
fn checked_message(message: Message, rules: &ImportRules) -> Result<(MessageId, String), Problem> {
    let wrong = |what: &str| Problem::new(Code::InvalidBody).detail(what);
    rules.roles.check(message.role)?;
    if message.content.is_empty() && message.parts.is_none() {
        return Err(Code::MessageEmpty.into());
    }
    let created = Millis::parse_rfc3339(&message.created).ok_or_else(|| wrong("created is an RFC 3339 time"))?;
    // A reply may always be so long.
    check_size(message.content.len(), rules.limits.message_bytes.max(MOST_MESSAGE_BYTES), Code::MessageTooLong)?;
    let is_array = |parts: &RawValue| parts.get().starts_with('[');
    if !message.parts.as_deref().is_none_or(is_array) {
        return Err(wrong("parts is an array"));
    }
    let is_object = |metadata: &RawValue| metadata.get().starts_with('{');
    if !message.metadata.as_deref().is_none_or(is_object) {
        return Err(wrong("metadata is an object"));
    }
    let parts = message.parts.map(kept).transpose()?;
    let metadata = message.metadata.map(kept).transpose()?;
    // A reply's is the responder's, and as long as that sent it.
    if let Some(metadata) = metadata.as_ref().filter(|_| message.role == Role::User) {
        check_size(metadata.get().len(), rules.limits.metadata_bytes, Code::MetadataTooLarge)?;
    }
    let message = Message { created: created.to_rfc3339(), parts, metadata, ..message };
    let stored = message.to_json().map_err(|_| Problem::new(Code::Internal))?;
    Ok((message.id, stored))
}
