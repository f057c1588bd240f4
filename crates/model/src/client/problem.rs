//! Why something did not work, as the user of the SDK sees it.

use super::Json;
use super::decode::{self, Fields};
use super::json::write_as_object;

/// Why something did not work. The codes are stable; the server's are listed in `docs/protocol.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "camelCase"))]
pub struct Problem {
    /// The server's code, or one of the browser's side: `network`, `unexpected_answer`, `message_not_found`, `busy` (a
    /// message of the session is on its way), `cancelled`, `load_failed`, `disposed`.
    pub code: String,
    /// The HTTP status; 0 when no answer came.
    pub status: u16,
    /// The same, tried again later, can succeed.
    pub retryable: bool,
    /// For people.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub detail: Option<String>,
}

write_as_object!(Problem: "code" = code, "status" = status, "retryable" = retryable; optional "detail" = detail);

impl Problem {
    /// Its JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        super::json::text(self)
    }

    fn new(code: &str, status: u16, retryable: bool) -> Self {
        Self { code: code.to_owned(), status, retryable, detail: None }
    }

    /// No answer came: offline, refused, cut off.
    pub(super) fn network() -> Self {
        Self::new("network", 0, true)
    }

    /// Something answered that is not Chatkeep: a proxy's error page, a login form.
    pub(super) fn unexpected(status: u16) -> Self {
        Self::new("unexpected_answer", status, status < 400 || status == 408 || status == 429 || status >= 500)
    }

    /// The problem that an answer's body states.
    pub(super) fn of_answer(status: u16, body: Json) -> Self {
        let problem = Fields::of(body).and_then(decode::problem);
        problem.map_or_else(|| Self::unexpected(status), |problem| Self { status, ..problem })
    }

    /// The text to send is empty or only white space; what the server would say, said without asking it.
    pub(super) fn message_empty() -> Self {
        Self::new("message_empty", 400, false)
    }

    /// A text that should be a session's id is none.
    pub(super) fn invalid_session_id() -> Self {
        Self::new("invalid_session_id", 400, false)
    }

    /// A text that should be a message's id is none.
    pub(super) fn invalid_message_id() -> Self {
        Self::new("invalid_message_id", 400, false)
    }

    /// A wish that lacks something, or that nobody knows.
    pub(super) fn invalid_call() -> Self {
        Self::new("invalid_call", 0, false)
    }

    /// No such message is here: none waits or has failed, or what comes before it has not been read.
    pub(super) fn message_not_found() -> Self {
        Self::new("message_not_found", 0, false)
    }

    /// A message of the session is on its way, and what is wanted can't be done meanwhile.
    pub(super) fn busy() -> Self {
        Self::new("busy", 0, true)
    }

    /// The user took the message back, or stopped its reply before there was any.
    pub(super) fn cancelled() -> Self {
        Self::new("cancelled", 0, true)
    }

    /// The session was deleted here while its message waited.
    pub(super) fn session_deleted() -> Self {
        Self::new("session_deleted", 410, false)
    }

    /// The session is not on the server any more: it expired or was deleted.
    pub(super) fn ends_session(&self) -> bool {
        matches!((self.status, self.code.as_str()), (404, "session_not_found") | (410, "session_deleted"))
    }

    /// The turn still runs, on behalf of an earlier request.
    pub(super) fn turn_runs(&self) -> bool {
        self.status == 409 && self.code == "turn_in_progress"
    }

    /// It passes by itself: the network, a limit, a store or a proxy that is down. A responder that failed is not among
    /// them: to ask it again costs, so the user decides.
    pub(super) fn passes(&self) -> bool {
        match self.status {
            0 => self.code == "network",
            429 | 503 => self.retryable,
            _ => self.status >= 500 && self.code == "unexpected_answer",
        }
    }
}
