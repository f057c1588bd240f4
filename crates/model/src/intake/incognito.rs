//! Incognito turns: what comes before the message comes with it, and nothing of it is kept.

use super::{Incoming, check_text, message_id, object};
use crate::error::{Code, Problem};
use crate::id::{MessageId, TurnId};
use crate::limits::APPENDED_MESSAGES;
use crate::message::{Message, Role};
use crate::stream::{Finish, Opened};
use crate::wire::{ChatRequest, ContextMessage, IncognitoResponse};

/// A turn that leaves no trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Incognito {
    /// What the responder is shown, the user's message last.
    pub window: Vec<Message>,
    /// Whether the answer shall be a stream of events, where the body says so.
    pub streams: Option<bool>,
}

/// The incognito turn of a `POST /v1/chat`; none when the body asks for no such turn.
///
/// # Errors
/// The problem with the body.
pub fn incognito(incoming: Incoming) -> Result<Option<Incognito>, Problem> {
    // Most turns are not incognito: they are not read twice.
    if !incoming.body.contains("incognito") {
        return Ok(None);
    }
    let request: ChatRequest = object(incoming.body)?;
    if request.incognito != Some(true) {
        return Ok(None);
    }
    let wrong = |detail: &str| Err(Problem::new(Code::InvalidBody).detail(detail));
    if request.session_id.is_some() || request.cut_after.is_some() || request.existing == Some(true) {
        return wrong("an incognito turn has no session: what came before it is its context");
    }
    let context = match request.context.as_ref().map(|context| context.get()) {
        None | Some("null") => Vec::new(),
        Some(context) => serde_json::from_str::<Vec<ContextMessage>>(context)
            .map_err(|_| Problem::new(Code::InvalidBody).detail("context is an array of {role, content}"))?,
    };
    if context.len() > APPENDED_MESSAGES {
        return wrong("context has too many messages");
    }
    context.iter().try_for_each(|said| incoming.roles.check(said.role))?;
    let asked = ContextMessage { role: Role::User, content: request.message.unwrap_or_default() };
    let id = request.message_id.map(message_id).transpose()?.unwrap_or_else(|| MessageId::mint(incoming.fresh.message));
    let mut window = Vec::new();
    for (number, said) in context.into_iter().chain([asked]).rev().enumerate() {
        check_text(&said.content, incoming.limits)?;
        let id = if number == 0 { id.clone() } else { MessageId::of_key(&TurnId::of_message(&id), number) };
        window.push(Message::new(id, said.role, said.content, incoming.fresh.now.to_rfc3339()));
    }
    window.truncate(usize::try_from(incoming.limits.window).unwrap_or(usize::MAX).max(1));
    window.reverse();
    Ok(Some(Incognito { window, streams: request.stream }))
}

impl Incognito {
    /// How its stream begins.
    #[must_use]
    pub fn opened(&self) -> Option<Opened> {
        let message_id = self.window.last()?.id.clone();
        let reply_id = TurnId::of_message(&message_id).reply_id();
        Some(Opened { session_id: None, message_id, reply_id, created: false, degraded: false })
    }

    /// The answer, with what the responder says.
    #[must_use]
    pub fn response(&self, response: String, finish: Option<Finish>) -> Option<IncognitoResponse> {
        Some(self.opened()?.unkept(response, finish))
    }
}
