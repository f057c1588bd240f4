//! Asks the responder: for a whole reply, or for one that comes in pieces.

use crate::edge::{self, Next, Posted, Sent, Told, post_json};
use crate::wait::{sleep, within};
use chatkeep_model::config::Config;
use chatkeep_model::responder::{ChatCompletions, Responder, WholeCompletion, echo, read_completion, words};
use chatkeep_model::stream::completions::Completions;
use chatkeep_model::stream::webhook::{self, Webhook};
use chatkeep_model::stream::{Draft, Failure, Opened, Piece, ReplyReader};
use chatkeep_model::wire::Raw;
use chatkeep_model::{Code, Message, MessageId, Millis, SessionId, context};
use std::collections::VecDeque;

/// What a responder is asked.
pub(crate) struct Question<'a> {
    pub(crate) session: &'a SessionId,
    /// The last messages; the user's is the last of them.
    pub(crate) window: &'a [Message],
    /// The session's state, for a webhook.
    pub(crate) state: Option<&'a Raw>,
    /// The reply that goes on after its tools were called.
    pub(crate) before: Option<&'a Message>,
    /// What was said before the window, in short.
    pub(crate) summary: Option<&'a str>,
    /// The trace that it belongs to, as its header says it; empty where there is none.
    pub(crate) traceparent: &'a str,
}

/// Whether the responder is shown the session's state.
pub(crate) fn needs_state(config: &Config) -> bool {
    matches!(config.responder, Responder::Webhook(_))
}

/// The question with no more of the window than fits the configured tokens.
fn fitted<'a>(config: &Config, question: Question<'a>) -> Question<'a> {
    let Some(tokens) = config.window_tokens else { return question };
    let tokens = tokens.saturating_sub(question.summary.map(context::estimate).unwrap_or_default());
    Question { window: context::fit(question.window, config.responder.prompt(), tokens), ..question }
}

/// Asks for a whole reply.
pub(crate) async fn answer(config: &Config, question: Question<'_>, draft: &mut Draft) -> Result<(), Failure> {
    let question = fitted(config, question);
    match &config.responder {
        Responder::Echo => draft.take(Piece::Text(echo(question.window)))?,
        Responder::ChatCompletions(api) => {
            let token = api.key.as_deref().unwrap_or_default();
            let told = Told { token, traceparent: question.traceparent, ..Told::default() };
            match post_json(
                &api.url,
                told,
                &api.body(question.window, question.summary, false),
                config.responder_timeout,
            )
            .await
            {
                Posted::Answer { status, body, .. } => {
                    let (text, usage) = read_completion(status, &body)?;
                    draft.take(Piece::Text(text))?;
                    usage.map_or(Ok(()), |usage| draft.take(Piece::Usage(usage)))?;
                }
                Posted::Unreachable => return Err(unreachable()),
                Posted::TimedOut => return Err(silent()),
            }
        }
        Responder::Webhook(_) => {
            let begun = edge::now();
            let mut reply = Reply::begin(config, question).await?;
            loop {
                let step = reply.next(config.responder_timeout).await;
                step.pieces.into_iter().try_for_each(|piece| draft.take(piece))?;
                match step.end {
                    Some(end) => break end?,
                    None if edge::now().since(begun) > config.responder_timeout => return Err(silent()),
                    None => {}
                }
            }
        }
    }
    draft.complete()
}

/// Asks for a text outside of every stored turn.
pub(crate) async fn text(config: &Config, window: &[Message]) -> Result<String, Failure> {
    let (session, none) = (SessionId::mint(0), MessageId::mint(0));
    let (message_id, reply_id) = (none.clone(), none);
    let opened = Opened { session_id: None, message_id, reply_id, created: false, degraded: false };
    let mut draft = Draft::new(opened, None);
    answer(
        config,
        Question { session: &session, window, state: None, before: None, summary: None, traceparent: "" },
        &mut draft,
    )
    .await?;
    Ok(draft.message(Millis(0), None).content)
}

/// A reply that comes in pieces.
pub(crate) enum Reply {
    /// The echo's words, and how long each takes.
    Words(VecDeque<String>, Millis),
    /// An answer that is being read.
    Sent { sent: Sent, reader: Box<dyn ReplyReader> },
}

/// What came next.
pub(crate) struct Step {
    pub(crate) pieces: Vec<Piece>,
    /// How it ended, when it did.
    pub(crate) end: Option<Result<(), Failure>>,
}

impl Reply {
    /// Asks; what is refused at once is a failure.
    pub(crate) async fn begin(config: &Config, question: Question<'_>) -> Result<Self, Failure> {
        let question = fitted(config, question);
        match &config.responder {
            Responder::Echo => {
                let said = words(&echo(question.window)).map(str::to_owned).collect();
                Ok(Reply::Words(said, config.echo_word))
            }
            Responder::ChatCompletions(api) => completions(config, api, question).await,
            Responder::Webhook(agent) => asked(config, agent, question).await,
        }
    }

    /// Waits for the next pieces; not longer than it may be silent.
    pub(crate) async fn next(&mut self, silence: Millis) -> Step {
        match self {
            Reply::Words(said, pause) => {
                if *pause > Millis(0) {
                    sleep(*pause).await;
                }
                let next = said.pop_front().map(Piece::Text);
                let end = said.is_empty().then_some(Ok(()));
                Step { pieces: next.into_iter().collect(), end }
            }
            Reply::Sent { sent, reader } => {
                let mut pieces = Vec::new();
                let begun = edge::now();
                // A connection that is kept open by comments is as silent as one without.
                let end = loop {
                    let left = silence.0.saturating_sub(edge::now().since(begun).0);
                    let read = match within(Millis(left), sent.next()).await {
                        None => Some(Err(silent())),
                        Some(Next::Broken) => {
                            Some(reader.end(&mut pieces).and(Err(Failure::responder("the responder broke off"))))
                        }
                        Some(Next::End) => Some(reader.end(&mut pieces)),
                        Some(Next::Bytes(bytes)) => match reader.read(&bytes, &mut pieces) {
                            Ok(()) if reader.is_whole() => Some(Ok(())),
                            Ok(()) => None,
                            Err(failure) => Some(Err(failure)),
                        },
                    };
                    if read.is_some() || !pieces.is_empty() {
                        break read;
                    }
                };
                Step { pieces, end }
            }
        }
    }
}

async fn completions(config: &Config, api: &ChatCompletions, question: Question<'_>) -> Result<Reply, Failure> {
    let bearer = api.key.as_ref().map(|key| format!("Bearer {key}"));
    let mut headers = vec![("accept", "text/event-stream")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(in_trace(&question));
    let window: Vec<_> = question.window.iter().chain(question.before).cloned().collect();
    let sent =
        within(config.responder_timeout, Sent::post(&api.url, &headers, &api.body(&window, question.summary, true)))
            .await;
    let sent = sent.ok_or_else(silent)?.ok_or_else(unreachable)?;
    if !(200..300).contains(&sent.status()) {
        read_completion(sent.status(), "")?;
    }
    let streams = sent.media_type().to_ascii_lowercase().contains("text/event-stream");
    let reader: Box<dyn ReplyReader> =
        if streams { Box::<Completions>::default() } else { Box::new(WholeCompletion::new(sent.status())) };
    Ok(Reply::Sent { sent, reader })
}

async fn asked(config: &Config, agent: &Webhook, question: Question<'_>) -> Result<Reply, Failure> {
    let body = webhook::body(question.session, question.window, question.state);
    let mut signature = None;
    if let Some(secret) = &agent.secret {
        let seconds = edge::now().0 / 1000;
        let hmac = edge::hmac_hex(secret, &webhook::signed(seconds, &body)).await;
        let hmac = hmac.ok_or_else(|| Failure { code: Code::Internal, detail: "no signature".to_owned() })?;
        signature = Some(webhook::signature_header(seconds, &hmac));
    }
    let mut headers = vec![("accept", "application/json, text/event-stream")];
    headers.extend(signature.as_deref().map(|signature| (webhook::SIGNATURE_HEADER, signature)));
    headers.extend(in_trace(&question));
    let sent = within(config.responder_timeout, Sent::post(&agent.url, &headers, &body)).await;
    let sent = sent.ok_or_else(silent)?.ok_or_else(unreachable)?;
    webhook::check_status(sent.status())?;
    let reader = Box::new(webhook::Reply::of_type(&sent.media_type()));
    Ok(Reply::Sent { sent, reader })
}

fn in_trace<'a>(question: &Question<'a>) -> Option<(&'static str, &'a str)> {
    Some(("traceparent", question.traceparent)).filter(|(_, header)| !header.is_empty())
}

fn unreachable() -> Failure {
    Failure::responder("the responder can't be reached")
}

fn silent() -> Failure {
    Failure { code: Code::ResponderTimeout, detail: "the responder did not answer in time".to_owned() }
}
