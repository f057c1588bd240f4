//! Errors: the API's codes, and what can go wrong with a store.

use crate::id::{MessageId, SessionId};
use crate::wire::ProblemBody;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $retryable:literal, $title:literal;)*) => {
        /// A code of the API's errors. Stable; `docs/protocol.md` lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* #[doc = $title] $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it stands on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code,)* } }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> u16 { match self { $(Code::$name => $status,)* } }

            /// Its title, the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str { match self { $(Code::$name => $title,)* } }

            /// Whether the same request with the same ids can succeed later.
            #[must_use]
            pub fn retryable(self) -> bool { match self { $(Code::$name => $retryable,)* } }
        }
    };
}

codes! {
    InvalidJson = "invalid_json", 400, false, "The body is not a JSON object";
    JsonTooDeep = "json_too_deep", 400, false, "The body is nested too deeply";
    InvalidBody = "invalid_body", 400, false, "A field of the body has the wrong type";
    MessageEmpty = "message_empty", 400, false, "The message is missing or empty";
    InvalidSessionId = "invalid_session_id", 400, false, "The session id is not valid";
    InvalidMessageId = "invalid_message_id", 400, false, "The message id is not valid";
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, false, "The idempotency key is not valid";
    InvalidPrecondition = "invalid_precondition", 400, false, "The If-Match or If-None-Match header is not valid";
    InvalidParameter = "invalid_parameter", 400, false, "A query parameter is not valid";
    Unsupported = "unsupported", 400, false, "This feature is not served";
    Unauthorized = "unauthorized", 401, false, "Credentials are missing or wrong";
    Forbidden = "forbidden", 403, false, "The credentials do not allow this";
    ForeignRequest = "foreign_request", 403, false, "A foreign page or host could be behind this request";
    RouteNotFound = "route_not_found", 404, false, "There is no such route";
    SessionNotFound = "session_not_found", 404, false, "There is no such session";
    MessageNotFound = "message_not_found", 404, false, "There is no such message in the session";
    StateNotFound = "state_not_found", 404, false, "The session has no state";
    MethodNotAllowed = "method_not_allowed", 405, false, "The route does not take this method";
    SessionExists = "session_exists", 409, false, "A session with this id exists";
    MessageExists = "message_exists", 409, false, "Another message of the session has this id";
    TurnInProgress = "turn_in_progress", 409, true, "This turn is still running";
    VisitorClaimed = "visitor_claimed", 409, false, "Another user has claimed this visitor's sessions";
    TooManySessions = "too_many_sessions", 409, false, "The owner has as many sessions as one may have";
    SessionDeleted = "session_deleted", 410, false, "The session was deleted";
    MessageGone = "message_gone", 410, false, "The turn's message or reply is no longer kept";
    PreconditionFailed = "precondition_failed", 412, false, "The state is not the one that was named";
    StateTooLarge = "state_too_large", 413, false, "The state is too large";
    MessageTooLong = "message_too_long", 413, false, "The message is too long";
    BodyTooLarge = "body_too_large", 413, false, "The body is too large";
    TitleTooLong = "title_too_long", 413, false, "The title is too long";
    MetadataTooLarge = "metadata_too_large", 413, false, "The metadata is too large";
    StorageFull = "storage_full", 413, false, "The owner has as many bytes as one may have";
    AddressTooLong = "address_too_long", 414, false, "The path and query are too long";
    TurnMismatch = "turn_mismatch", 422, false, "The turn id or idempotency key was used before for another request";
    ClientTooOld = "client_too_old", 426, false, "This client is too old for this server";
    RateLimited = "rate_limited", 429, true, "Too many turns in a short time";
    TooManyTurns = "too_many_turns", 429, true, "The owner has as many running turns as one may have";
    TooManyReads = "too_many_reads", 429, true, "Too many large reads in a short time";
    TooManyImports = "too_many_imports", 429, true, "The owner has as many running imports as one may have";
    TooManyWatchers = "too_many_watchers", 429, true, "As many watch the owner's sessions as may";
    Internal = "internal", 500, true, "Something went wrong on our side";
    ResponderFailed = "responder_failed", 502, true, "The responder failed";
    ResponderBusy = "responder_busy", 503, true, "The responder is busy";
    ResponderTimeout = "responder_timeout", 504, true, "The responder took too long";
    StoreUnavailable = "store_unavailable", 503, true, "The store can't be reached";
    JournalFull = "journal_full", 503, true, "The store is away, and the journal has no more room";
    StoreMisconfigured = "store_misconfigured", 503, false, "The store refuses this Worker";
    ValueUnreadable = "value_unreadable", 503, false, "What is stored can't be decrypted";
    IdentityUnavailable = "identity_unavailable", 503, true, "The issuer of the token can't be reached";
    NotConfigured = "not_configured", 503, false, "This Worker is not configured";
}

/// One error of the API, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// For people; never message text, a token or a key.
    pub detail: Option<String>,
    /// When to try again, in seconds.
    pub retry_after: Option<u64>,
    /// What would do instead: the methods that the route takes, for [`Code::MethodNotAllowed`]; the credentials, as a
    /// `WWW-Authenticate` header, for [`Code::Unauthorized`].
    pub instead: Option<String>,
    /// The session of the failed turn.
    pub session_id: Option<SessionId>,
    /// The user message of the failed turn.
    pub message_id: Option<MessageId>,
}

impl Problem {
    /// A problem with nothing but its code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, retry_after: None, instead: None, session_id: None, message_id: None }
    }

    /// With a sentence for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the time to wait, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With the turn that it is about.
    #[must_use]
    pub fn of_turn(mut self, session_id: &SessionId, message_id: &MessageId) -> Self {
        self.session_id = Some(session_id.clone());
        self.message_id = Some(message_id.clone());
        self
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:chatkeep:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            retryable: self.code.retryable(),
            session_id: self.session_id.clone(),
            message_id: self.message_id.clone(),
            request_id: None,
        }
    }

    /// The body of a refused request's answer.
    #[must_use]
    pub fn body_of(&self, request_id: String) -> ProblemBody {
        ProblemBody { request_id: Some(request_id), ..self.body() }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// It can't be reached, or can't serve now: an outage. Says which kind.
    Unavailable(Outage),
    /// It refuses our credentials or commands: nobody but its operator can mend that.
    Misconfigured(&'static str),
    /// It refuses a request of this size.
    TooLarge,
    /// It is away, and the owner's journal is full.
    JournalFull,
    /// It was not asked: its owner reads too much. Says when to come back, in seconds.
    TooManyReads(u64),
    /// It answered something that the plan doesn't know: a defect.
    UnexpectedReply,
    /// What it has can't be decrypted: the cause.
    Unreadable(&'static str),
}

/// The kinds of outage, as `/health` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// No connection.
    Network,
    /// No answer in time.
    Timeout,
    /// An HTTP error, or a body that isn't JSON.
    BadGateway,
    /// Writes are refused.
    ReadOnly,
    /// Redis is out of memory.
    OutOfMemory,
    /// The plan's quota is used up, or the database is suspended.
    Quota,
    /// Redis is loading its data, or fails over.
    Loading,
}

impl Outage {
    const ALL: [Outage; 7] = [
        Outage::Network,
        Outage::Timeout,
        Outage::BadGateway,
        Outage::ReadOnly,
        Outage::OutOfMemory,
        Outage::Quota,
        Outage::Loading,
    ];

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outage| outage.as_str() == name)
    }

    /// Whether reads are still served.
    #[must_use]
    pub fn refuses_writes_only(self) -> bool {
        matches!(self, Outage::ReadOnly | Outage::OutOfMemory)
    }

    /// The name in `/health` and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outage::Network => "network",
            Outage::Timeout => "timeout",
            Outage::BadGateway => "bad_gateway",
            Outage::ReadOnly => "read_only",
            Outage::OutOfMemory => "out_of_memory",
            Outage::Quota => "quota",
            Outage::Loading => "loading",
        }
    }
}

impl StoreError {
    /// The misconfigurations of a store that have a name; `docs/protocol.md` says what is wrong.
    pub const MISCONFIGURATIONS: [&'static str; 7] = [
        "unauthorized",
        "not_upstash_rest",
        "redis_login_refused",
        "redis_certificate_not_trusted",
        "redis_tls_failed",
        "no_permission",
        "command_not_available",
    ];

    /// The misconfiguration of this name, as somebody else met it; `otherwise` where it is none of them.
    #[must_use]
    pub fn misconfigured(name: &str, otherwise: &'static str) -> Self {
        let known = Self::MISCONFIGURATIONS.into_iter().find(|known| *known == name);
        StoreError::Misconfigured(known.unwrap_or(otherwise))
    }

    /// The cause, as `/health` and logs name it.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            StoreError::Unavailable(outage) => outage.as_str(),
            StoreError::Misconfigured(cause) => cause,
            StoreError::TooLarge => "too_large",
            StoreError::JournalFull => "journal_full",
            StoreError::TooManyReads(_) => "too_many_reads",
            StoreError::UnexpectedReply => "unexpected_reply",
            StoreError::Unreadable(cause) => cause,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause())
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable(_) => Code::StoreUnavailable,
            StoreError::Misconfigured(_) => Code::StoreMisconfigured,
            StoreError::TooLarge => Code::BodyTooLarge,
            StoreError::JournalFull => return Problem::new(Code::JournalFull).retry_after(10),
            StoreError::TooManyReads(seconds) => return Problem::new(Code::TooManyReads).retry_after(seconds),
            StoreError::UnexpectedReply => Code::Internal,
            StoreError::Unreadable(_) => Code::ValueUnreadable,
        };
        let problem = Problem::new(code).detail(format!("store: {}", error.cause()));
        if code.retryable() { problem.retry_after(1) } else { problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_lists_every_code_with_its_status() {
        let protocol = include_str!("../../../docs/protocol.md");
        for code in Code::ALL {
            let row = protocol.lines().find(|line| {
                line.starts_with(&format!("| {} |", code.status())) && line.contains(&format!("`{}`", code.as_str()))
            });
            assert!(row.is_some(), "{} {} is not in docs/protocol.md", code.status(), code.as_str());
        }
    }

    #[test]
    fn the_protocol_lists_every_misconfiguration() {
        let protocol = include_str!("../../../docs/protocol.md");
        for name in StoreError::MISCONFIGURATIONS {
            assert!(protocol.contains(&format!("\n| `{name}` |")), "{name} is not in docs/protocol.md");
            assert_eq!(StoreError::misconfigured(name, "other").cause(), name);
        }
        assert_eq!(StoreError::misconfigured("new", "other"), StoreError::Misconfigured("other"));
    }

    #[test]
    fn a_problem_has_no_nulls() -> Result<(), serde_json::Error> {
        let text = serde_json::to_string(&Problem::new(Code::SessionNotFound).body())?;
        assert_eq!(
            text,
            r#"{"type":"urn:chatkeep:problem:session_not_found","title":"There is no such session","status":404,"code":"session_not_found","retryable":false}"#
        );
        Ok(())
    }
}
