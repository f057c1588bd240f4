//! Every operation in words: one block for each [`Action`], in the order of the route list. A route that isn't here doesn't
//! compile. Say what it is for, what it takes with an example that a test sends, what it gives, and its own error codes;
//! then run `scripts/openapi`.

use crate::administration::administered;
use crate::dialects::spoken;
use crate::operation::{Access, Answer, Body, Given, Operation, any_json, lines, on_session, operation, text, whole};
use crate::schemas::Schemas;
use chatkeep_model::limits::{HISTORY_PAGE, LIST_PAGE};
use chatkeep_model::route::Action;
use chatkeep_model::wire::{
    AppendRequest, AppendResponse, ChatRequest, ChatResponse, ClaimRequest, ClaimResponse, CreateRequest, Deleted,
    DeletedAll, ExportLine, ForkRequest, Health, History, ImportResponse, IncognitoResponse, PatchRequest, Probe,
    SessionDetails, SessionList, StopRequest, Stopped, TruncateRequest, UiMessages, VisitorBody, VisitorRequest,
};
use chatkeep_model::{Code, Message};
use serde_json::json;

/// The groups of operations.
pub(crate) const TAGS: [(&str, &str); 5] = [
    ("turns", "A user message and the reply to it."),
    ("sessions", "What a chat is kept in."),
    ("state", "Any JSON that an agent keeps with a session."),
    ("transfer", "Export and import."),
    ("operations", "For those who run the Worker."),
];

/// What a turn can fail with.
const TURN: [Code; 18] = [
    Code::MessageEmpty,
    Code::MessageTooLong,
    Code::MetadataTooLarge,
    Code::Unsupported,
    Code::InvalidSessionId,
    Code::InvalidMessageId,
    Code::SessionNotFound,
    Code::SessionDeleted,
    Code::MessageNotFound,
    Code::MessageGone,
    Code::TurnInProgress,
    Code::TurnMismatch,
    Code::TooManySessions,
    Code::StorageFull,
    Code::ResponderFailed,
    Code::ResponderBusy,
    Code::ResponderTimeout,
    Code::StoreUnavailable,
];

/// What the operation of an action is for.
pub(crate) fn described(action: Action) -> Operation {
    match action {
        Action::Health => operation("operations", "Whether the Worker and its store are well")
            .access(Access::Open)
            .gives::<Health>(200, "All is well.")
            .gives::<Health>(503, "The store can't be reached or is misconfigured; `cause` names why."),

        Action::Live => operation("operations", "Whether the process answers")
            .access(Access::Open)
            .about("For the probe that restarts a process. It asks nothing of the store.")
            .gives::<Probe>(200, "It does."),

        Action::Ready => operation("operations", "Whether turns can be accepted")
            .access(Access::Open)
            .about("For the probe that decides who gets requests. In an outage of the store turns go into the journal.")
            .gives::<Probe>(200, "They can, be it into the journal.")
            .gives::<Probe>(503, "They can't: the deployment is misconfigured, and `cause` names how."),

        Action::Metrics => operation("operations", "Figures of the whole deployment, for Prometheus")
            .access(Access::Admin)
            .answers(Answer {
                status: 200,
                description: "Prometheus' text format. An isolate hands its figures over every ten seconds at most.",
                body: Some(text("text/plain; version=0.0.4; charset=utf-8")),
                headers: Vec::new(),
                streams: false,
            }),

        Action::Chat => operation("turns", "Run one turn")
            .about(
                "Stores the message, asks the responder, stores its reply and answers with it. A turn is known by its `Idempotency-Key`, \
                else its `message_id`: repeated, it is answered with the stored reply.",
            )
            .takes::<ChatRequest>(json!({"message": "Hello", "message_id": "m1"}))
            .answers(Answer {
                status: 200,
                description: "The reply is stored; of an incognito turn nothing is. With `stream`, its events.",
                body: Some(Body {
                    media_type: "application/json",
                    schema: |schemas, direction| {
                        let incognito = schemas.of::<IncognitoResponse>(direction);
                        json!({"anyOf": [schemas.of::<ChatResponse>(direction), incognito]})
                    },
                    example: None,
                    required: true,
                }),
                headers: Vec::new(),
                streams: true,
            })
            .keyed()
            .fails(&TURN)
            .fails(&[Code::MessageExists, Code::TooManyTurns]),

        Action::AiChat => operation("turns", "Run one turn of the AI SDK's chat")
            .about("`useChat` with `DefaultChatTransport` asks this. Only the last message is looked at. Its stream is the AI SDK's UI message stream.")
            .body(body(json!({
                "id": "talk",
                "message": {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
            })))
            .answers(events("The UI message stream."))
            .keyed()
            .fails(&TURN)
            .fails(&[Code::TooManyTurns, Code::MessageExists]),

        Action::AiStream => on_session("turns", "Follow the running turn of the AI SDK's chat")
            .answers(events("The UI message stream, from its start."))
            .answers(nothing("No turn runs.")),

        Action::AiStop => on_session("turns", "Stop a turn of the AI SDK's chat")
            .may_take::<StopRequest>(json!({}))
            .gives::<Stopped>(200, "They have ended; the reply is kept as far as it had come.")
            .fails(&[Code::InvalidMessageId]),

        Action::AiMessages => on_session("turns", "A session's messages, as the AI SDK has them")
            .query("limit", whole(1, HISTORY_PAGE.1), "How many of the newest to give.")
            .query("before", json!({"type": "string"}), "`next_before` of the page before: older ones than that.")
            .gives::<UiMessages>(200, "A page of messages.")
            .fails(&[Code::InvalidParameter]),

        Action::FollowTurn => on_session("turns", "Follow a session's running turn")
            .query("message_id", json!({"type": "string"}), "The turn's message; else the newest turn.")
            .reads("Last-Event-ID", whole(0, u64::from(u32::MAX)), "Where the reader was.")
            .answers(events("`turn`, `delta`, `source`, `tool_call`, then `done` or `error`."))
            .answers(nothing("No turn runs: read the history."))
            .fails(&[Code::InvalidParameter, Code::InvalidMessageId]),

        Action::StopTurn => on_session("turns", "Stop a session's running turns")
            .may_take::<StopRequest>(json!({}))
            .gives::<Stopped>(200, "They have ended; the reply is kept as far as it had come.")
            .fails(&[Code::InvalidMessageId]),

        Action::Events => operation("turns", "What changes in my sessions, as it changes")
            .about("Over a WebSocket where the request is an upgrade, with the token of a page as the subprotocol `bearer.TOKEN` beside `chatkeep`; else as \
                server-sent events. See `docs/protocol.md` for their forms.")
            .reads("Last-Event-ID", json!({"type": "string"}), "Where the reader was.")
            .answers(events("`ready` or `reset`, then the changes, and `closing` after five minutes."))
            .fails(&[Code::RouteNotFound, Code::TooManyWatchers]),

        Action::CreateSession => operation("sessions", "Open a new, empty session")
            .may_take::<CreateRequest>(json!({"title": "Plans"}))
            .gives::<SessionDetails>(201, "The session.")
            .header("Location", "The session's path.")
            .keyed()
            .fails(&[
                Code::InvalidSessionId,
                Code::TitleTooLong,
                Code::SessionExists,
                Code::SessionDeleted,
                Code::TooManySessions,
    Code::StorageFull,
            ]),

        Action::ListSessions => operation("sessions", "My sessions, newest activity first")
            .query("limit", whole(1, LIST_PAGE.1), "How many to give.")
            .query("cursor", json!({"type": "string"}), "`next_cursor` of the page before.")
            .query("q", json!({"type": "string"}), "Finds titles that contain this, among the newest sessions.")
            .query("fields", json!({"type": "string"}), "Members of the states to give, with commas.")
            .gives::<SessionList>(200, "A page of sessions.")
            .fails(&[Code::InvalidParameter]),

        Action::DeleteAll => operation("sessions", "Delete all my sessions")
            .given(Given::Session)
            .gives::<DeletedAll>(200, "How many are gone; each can be restored for a while.")
            .keyed(),

        Action::SessionInfo => {
            on_session("sessions", "A session").gives::<SessionDetails>(200, "The session.")
        }

        Action::PatchSession => on_session("sessions", "Change title, marks or metadata")
            .about("What is absent stays. An empty title or an empty object removes what was there.")
            .takes::<PatchRequest>(json!({"title": "Holidays", "pinned": true, "metadata": {"colour": "blue"}}))
            .gives::<SessionDetails>(200, "The session as it is now.")
            .keyed()
            .fails(&[Code::TitleTooLong, Code::MetadataTooLarge, Code::TurnMismatch]),

        Action::DeleteSession => on_session("sessions", "Delete a session")
            .gives::<Deleted>(200, "It is gone, and can be restored for a while.")
            .keyed(),

        Action::RestoreSession => on_session("sessions", "Take a deleted session back")
            .given(Given::Deleted)
            .gives::<SessionDetails>(200, "The session as it was.")
            .keyed()
            .fails(&[Code::SessionExists, Code::TooManySessions,
    Code::StorageFull]),

        Action::ForkSession => on_session("sessions", "Branch at a message")
            .may_take::<ForkRequest>(json!({"at": "m1", "title": "Another way"}))
            .gives::<SessionDetails>(201, "The new session, with the messages up to that one.")
            .header("Location", "The new session's path.")
            .keyed()
            .fails(&[
                Code::InvalidMessageId,
                Code::TitleTooLong,
                Code::MessageNotFound,
                Code::SessionExists,
                Code::SessionDeleted,
                Code::TooManySessions,
    Code::StorageFull,
            ]),

        Action::TruncateSession => on_session("sessions", "Remove the messages after one")
            .takes::<TruncateRequest>(json!({"after": "m1"}))
            .gives::<SessionDetails>(200, "The session as it is now.")
            .keyed()
            .fails(&[Code::InvalidMessageId, Code::MessageNotFound]),

        Action::TouchSession => on_session("sessions", "Renew a session's time to live")
            .gives::<SessionDetails>(200, "The session as it is now.")
            .keyed(),

        Action::History => on_session("turns", "A session's messages, oldest first")
            .query("limit", whole(1, HISTORY_PAGE.1), "How many of the newest to give.")
            .query("before", json!({"type": "string"}), "`next_before` of the page before: older ones than that.")
            .gives::<History<Message>>(200, "A page of messages.")
            .fails(&[Code::InvalidParameter]),

        Action::PostMessages => on_session("turns", "Append messages, or run a turn")
            .about("With `messages`, an append without a responder: all of them or none. With `message`, a turn in this session.")
            .body(Body {
                media_type: "application/json",
                schema: |schemas, direction| {
                    json!({"anyOf": [schemas.of::<AppendRequest>(direction), schemas.of::<ChatRequest>(direction)]})
                },
                example: Some(json!({"messages": [
                    {"id": "a1", "role": "user", "content": "Where were we?"},
                    {"id": "a2", "role": "assistant", "content": "At the beginning.", "parent": "a1"},
                ]})),
                required: true,
            })
            .answers(Answer {
                status: 200,
                description: "The ids of the messages, or the reply.",
                body: Some(Body {
                    media_type: "application/json",
                    schema: |schemas, direction| {
                        json!({"anyOf": [schemas.of::<AppendResponse>(direction), schemas.of::<ChatResponse>(direction)]})
                    },
                    example: None,
                    required: true,
                }),
                headers: Vec::new(),
                streams: false,
            })
            .or_streams()
            .keyed()
            .fails(&TURN)
            .fails(&[Code::MessageExists, Code::TooManyTurns]),

        Action::ReadState => on_session("state", "Read the state")
            .given(Given::State)
            .reads("If-None-Match", json!({"type": "string"}), "Only if the state is not the one with this tag.")
            .answers(Answer {
                status: 200,
                description: "The state as it was written.",
                body: Some(any_json(None)),
                headers: vec![("ETag", "Names this state.")],
                streams: false,
            })
            .answers(Answer { status: 304, description: "The state is the one named.", body: None, headers: Vec::new(), streams: false })
            .fails(&[Code::StateNotFound, Code::InvalidPrecondition]),

        Action::WriteState => operation("state", "Write the state")
            .about("Creates the session where it is absent.")
            .body(any_json(Some(json!({"step": 1, "plan": ["ask", "answer"]}))))
            .reads("If-Match", json!({"type": "string"}), "Only over the state with this tag; `*`: over any.")
            .reads("If-None-Match", json!({"type": "string"}), "`*`: only where there is no state.")
            .gives::<SessionDetails>(200, "Written.")
            .header("ETag", "Names the new state.")
            .gives::<SessionDetails>(201, "Written, and the session was created for it.")
            .header("ETag", "Names the new state.")
            .keyed()
            .fails(&[
                Code::InvalidSessionId,
                Code::InvalidPrecondition,
                Code::PreconditionFailed,
                Code::StateTooLarge,
                Code::SessionDeleted,
                Code::TooManySessions,
    Code::StorageFull,
            ]),

        Action::ExportSession => on_session("transfer", "Export a session").answers(exported()),

        Action::ExportAll => operation("transfer", "Export all my sessions").given(Given::Session).answers(exported()),

        Action::Import => imports(operation("transfer", "Import sessions"))
            .about("Repeated it changes nothing: a message is known by its place and id."),

        Action::ListOwners
        | Action::AdminStats
        | Action::AdminSessions
        | Action::AdminDelete
        | Action::AdminExport
        | Action::AdminImport
        | Action::AdminEvents
        | Action::Rebuild
        | Action::MoveHouse
        | Action::Reseal => administered(action),

        Action::NewVisitor => operation("operations", "Be somebody: an anonymous visitor")
            .access(Access::Open)
            .may_take::<VisitorRequest>(json!({}))
            .gives::<VisitorBody>(200, "A new visitor; with a visitor's token, a new token for the same one.")
            .fails(&[Code::Unauthorized, Code::Forbidden, Code::Internal, Code::NotConfigured]),

        Action::ClaimVisitor => operation("sessions", "Claim a visitor's sessions for the user who asks")
            .given(Given::Visitor)
            .may_take::<ClaimRequest>(json!({"visitor": "the-token-of-the-visitor"}))
            .gives::<ClaimResponse>(200, "What was moved, and what is left: claim again until nothing is.")
            .fails(&[Code::InvalidBody, Code::VisitorClaimed, Code::TooManySessions, Code::Internal]),

        Action::Dialect(dialect, verb) => spoken(dialect, verb, true),
    }
}

/// A JSON object that has no type of ours.
fn body(example: serde_json::Value) -> Body {
    let schema = |_: &mut Schemas, _| json!({"type": "object"});
    Body { media_type: "application/json", schema, example: Some(example), required: true }
}

/// Server-sent events.
pub(crate) fn events(description: &'static str) -> Answer {
    Answer {
        status: 200,
        description,
        body: Some(Body { media_type: "text/event-stream", schema: |_, _| json!({}), example: None, required: true }),
        headers: Vec::new(),
        streams: false,
    }
}

fn nothing(description: &'static str) -> Answer {
    Answer { status: 204, description, body: None, headers: Vec::new(), streams: false }
}

const IMPORTED: &str = r#"{"session":{"session_id":"imported","title":"From a backup","created_ms":1763717400000,"updated_ms":1763717400000}}
{"message":{"session_id":"imported","position":0,"message":{"id":"i1","role":"user","content":"Hello","created":"2025-11-21T09:30:00.000Z"}}}
{"end":{"sessions":1,"messages":1}}
"#;

/// What takes an export's lines in.
pub(crate) fn imports(operation: Operation) -> Operation {
    let checks = "`true` says what would come of it, and stores nothing.";
    let operation = operation.query("dry_run", json!({"type": "boolean"}), checks);
    operation.body(lines::<ExportLine>(Some(IMPORTED))).gives::<ImportResponse>(200, "What is there now.").fails(&[
        Code::TitleTooLong,
        Code::MetadataTooLarge,
        Code::StateTooLarge,
        Code::MessageEmpty,
        Code::MessageTooLong,
        Code::InvalidMessageId,
        Code::TooManySessions,
        Code::TooManyImports,
        Code::StorageFull,
    ])
}

pub(crate) fn exported() -> Answer {
    Answer {
        status: 200,
        description: "The sessions, each followed by its messages. An export without its last line broke off.",
        body: Some(lines::<ExportLine>(None)),
        headers: Vec::new(),
        streams: false,
    }
}
