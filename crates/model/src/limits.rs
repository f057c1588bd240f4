//! Every limit and its default, in one place.

use crate::owner::Owner;
use crate::time::Millis;

/// How far sessions, messages and requests may go. Each is configurable; see [`crate::config`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a session lives after its last use.
    pub ttl: Millis,
    /// How long a deleted session can be restored, and its id stays refused.
    pub undo: Millis,
    /// How long a running turn is protected from being taken over.
    pub lease: Millis,
    /// The last messages that a responder is shown.
    pub window: u64,
    /// The messages that a session keeps; at least 2.
    pub messages_per_session: u64,
    /// The bytes of the messages, as stored, that a session keeps.
    pub session_bytes: u64,
    /// The live sessions of one owner.
    pub sessions_per_owner: u64,
    /// The bytes of all of one owner's sessions, those that are deleted and can be restored among them; 0 for any number.
    pub owner_bytes: u64,
    /// The same of an anonymous visitor's.
    pub visitor_bytes: u64,
    /// The bytes of one message's text.
    pub message_bytes: usize,
    /// The bytes of one message's metadata.
    pub metadata_bytes: usize,
    /// The bytes of one session's state.
    pub state_bytes: usize,
    /// The characters of a title.
    pub title_characters: usize,
    /// The bytes of a request's body.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ttl: Millis::from_seconds(604_800),
            undo: Millis::from_seconds(600),
            lease: Millis::from_seconds(120),
            window: 20,
            messages_per_session: 1000,
            session_bytes: 52_428_800,
            sessions_per_owner: 10_000,
            owner_bytes: 1_000_000_000,
            visitor_bytes: 200_000_000,
            message_bytes: 262_144,
            metadata_bytes: 16_384,
            state_bytes: 1_048_576,
            title_characters: 200,
            body_bytes: 1_048_576,
        }
    }
}

impl Limits {
    /// The bytes of all of an owner's sessions; 0 for any number, as for the application itself.
    #[must_use]
    pub fn bytes_of(&self, owner: &Owner) -> u64 {
        if *owner == Owner::app() {
            0
        } else if owner.is_visitor() {
            self.visitor_bytes
        } else {
            self.owner_bytes
        }
    }
}

/// The unit in which an owner's cards count bytes: what stays in one is not written down.
pub const OWNER_BYTES_UNIT: u64 = 65_536;

/// What a session counts for beside its messages, state and metadata. The scripts have both numbers too.
pub const SESSION_OVERHEAD_BYTES: u64 = 1024;

/// The most bytes of text that a message can be configured to have, and that a responder's reply may have always.
pub const MOST_MESSAGE_BYTES: usize = 900_000;

/// About the most bytes that a message has as it is stored: its text, escaped, and its metadata.
pub const MOST_STORED_MESSAGE_BYTES: usize = 1 << 20;

/// The most bytes of a message's JSON: sealed and in base64 it still fits a row of 2 MB, the limit of D1 and of SQLite in Durable
/// Objects.
pub const STORED_MESSAGE_BYTES: usize = 1_400_000;

/// The last turns and other keyed operations that a session remembers by their ids.
pub const REMEMBERED_TURNS: u64 = 128;

/// A reply from the store stops growing with messages at this many bytes, so that no plan's size limit is met.
pub const REPLY_BYTES: usize = 1_048_576;

/// The most messages that one call removes from a session over its cap.
pub const TRIM_PER_CALL: u64 = 64;

/// The most dead ids that one call removes from an owner's index.
pub const PRUNE_PER_CALL: u64 = 64;

/// How deep the JSON of a body may be nested.
pub const JSON_DEPTH: usize = 64;

/// The bytes of a request's path and query.
pub const ADDRESS_BYTES: usize = 8192;

/// The default and the greatest size of a page of history.
pub const HISTORY_PAGE: (u64, u64) = (100, 500);

/// The default and the greatest size of a page of sessions.
pub const LIST_PAGE: (u64, u64) = (100, 200);

/// How many of the newest sessions a search by title looks at.
pub const SEARCHED_SESSIONS: u64 = 1000;

/// How long a streamed reply may take in all.
pub const STREAM_TIME: Millis = Millis(900_000);

/// How many WebSockets may watch an owner's sessions at a time, and how many event streams.
pub const WATCHERS: usize = 100;

/// The bytes that a WebSocket is sent at most without a sign that somebody reads them.
pub const WATCHER_BYTES: usize = 1_048_576;

/// The bytes of text that those who watch are told at once.
pub const TOLD_TEXT: usize = 32 * 1024;

/// The bytes of the body of a request of the AI SDK, which sends the whole history.
pub const AI_BODY_BYTES: usize = 4_194_304;

/// The most messages of one append.
pub const APPENDED_MESSAGES: usize = 100;

/// The most sessions that one call deletes, or reads the states of.
pub const SESSIONS_PER_CALL: usize = 100;

/// How many sessions one request to claim moves.
pub const CLAIMED_PER_CALL: u64 = 200;

/// The most messages, and about how many bytes of them, that one call imports.
pub const IMPORTED_PER_CALL: (usize, usize) = (200, 524_288);

/// The bytes of an import's body.
pub const IMPORT_BYTES: usize = 33_554_432;

/// About how many bytes of messages an import from outside stores in one call: many imports hold so many each.
pub const IMPORT_CALL_BYTES: usize = 131_072;

/// The bytes of one line of an import: more than a store holds in one message, however it is escaped.
pub const IMPORT_LINE_BYTES: usize = 8_388_608;

/// How many of the lines that failed an import's answer names.
pub const NAMED_LINES: usize = 100;

/// The most named members of a state in a list.
pub const STATE_FIELDS: usize = 16;

/// The most tokens that an import can say that a session used: so many that scripts still count them exactly.
pub const TOKENS: u64 = 1 << 40;

/// The longest name that a caller can give a user of its own, in bytes.
pub const USER_ID_BYTES: usize = 256;

/// The most entries of an owner's journal. Beyond them operations are refused, as they are without a journal.
pub const JOURNALED_ENTRIES: u64 = 20_000;

/// The bytes of an owner's journal, unless configured.
pub const JOURNAL_BYTES: u64 = 20_000_000;

/// The newest messages of a session that a journal asks for, where Redis still reads.
pub const SEEDED_MESSAGES: u64 = 100;

/// How many characters of the first message become the title of a session without one.
pub const DERIVED_TITLE_CHARACTERS: usize = 60;

/// A slide younger than this is not repeated within the same turn: a sixtieth of the TTL, at most a minute.
#[must_use]
pub fn slide_grain(ttl: Millis) -> Millis {
    Millis((ttl.0 / 60).min(60_000))
}
