//! Asks the responder: for a whole reply, or for one that comes in pieces.

use crate::edge::{self, Next, Sent};
use crate::wait::{sleep, within};
use chatkeep_model::config::Config;
use chatkeep_model::responder::{ChatCompletions, Questions, Responder, echo, words};
use chatkeep_model::stream::completions::Completions;
use chatkeep_model::stream::webhook::{self, Webhook};
use chatkeep_model::stream::{Draft, Failure, Finish, MAX_ERROR_BYTES, Opened, Piece, ReplyReader};
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
    if matches!(config.responder, Responder::Echo) {
        let question = fitted(config, question);
        draft.take(Piece::Text(echo(question.window)))?;
        return draft.complete();
    }
    let begun = edge::now();
    let mut reply = Reply::begin(config, question, false).await?;
    loop {
        let left = config.responder_timeout.0.saturating_sub(edge::now().since(begun).0);
        let step = reply.next(Millis(left)).await;
        step.pieces.into_iter().try_for_each(|piece| draft.take(piece))?;
        if let Some(end) = step.end {
            end?;
            return draft.complete();
        }
    }
}

/// Asks for a text outside of every stored turn.
pub(crate) async fn text(config: &Config, window: &[Message]) -> Result<(String, Option<Finish>), Failure> {
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
    Ok((draft.message(Millis(0), None).content, draft.finish()))
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
    /// Asks, for a stream or a whole answer; what is refused at once is a failure.
    pub(crate) async fn begin(config: &Config, question: Question<'_>, stream: bool) -> Result<Self, Failure> {
        let question = fitted(config, question);
        match &config.responder {
            Responder::Echo => {
                let said = words(&echo(question.window)).map(str::to_owned).collect();
                Ok(Reply::Words(said, config.echo_word))
            }
            Responder::ChatCompletions(api) => completions(config, api, question, stream).await,
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
                // What can be read ends the silence. A connection that is kept open by comments is as silent as one without.
                let end = loop {
                    let silence = if reader.is_finished() { silence.min(AFTER_FINISH) } else { silence };
                    let left = silence.0.saturating_sub(edge::now().since(begun).0);
                    let read = match within(Millis(left), sent.next()).await {
                        None if reader.is_finished() => break Some(reader.end(&mut pieces)),
                        None => break Some(Err(silent())),
                        Some(Next::Broken) => {
                            let broken = Err(Failure::responder("the responder broke off"));
                            let ended = reader.end(&mut pieces);
                            break Some(if reader.is_finished() { ended } else { ended.and(broken) });
                        }
                        Some(Next::End) => break Some(reader.end(&mut pieces)),
                        Some(Next::Bytes(bytes)) => reader.read(&bytes, &mut pieces),
                    };
                    match read {
                        Err(failure) => break Some(Err(failure)),
                        Ok(_) if reader.is_whole() => break Some(reader.end(&mut pieces)),
                        Ok(true) => break None,
                        Ok(false) => {}
                    }
                };
                Step { pieces, end }
            }
        }
    }
}

/// How long more is waited for when the responder has said why its reply ends: what it counted may follow.
const AFTER_FINISH: Millis = Millis(1_000);

async fn completions(
    config: &Config,
    api: &ChatCompletions,
    question: Question<'_>,
    stream: bool,
) -> Result<Reply, Failure> {
    let bearer = api.key.as_ref().map(|key| format!("Bearer {key}"));
    let mut headers = vec![("accept", if stream { "text/event-stream" } else { "application/json" })];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(in_trace(&question));
    let window: Vec<_> = question.window.iter().chain(question.before).cloned().collect();
    let mut questions = Questions::All;
    loop {
        let body = api.body(&window, questions, question.summary, stream);
        let sent = post(config, &api.url, &headers, &body).await?;
        if (200..300).contains(&sent.status()) {
            return Ok(Reply::Sent { sent, reader: Box::<Completions>::default() });
        }
        if questions == Questions::Answered || !ChatCompletions::can_be_shortened(sent.status(), &window) {
            return Err(refusal("the model's API", &sent).await);
        }
        questions = Questions::Answered;
    }
}

async fn post(config: &Config, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Sent, Failure> {
    let sent = within(config.responder_timeout, Sent::post(url, headers, body)).await;
    sent.ok_or_else(silent)?.ok_or_else(unreachable)
}

/// Why a responder refuses, of which its answer's body says a little.
async fn refusal(who: &str, sent: &Sent) -> Failure {
    let mut body = Vec::new();
    let read = async {
        while body.len() < MAX_ERROR_BYTES
            && let Next::Bytes(bytes) = sent.next().await
        {
            body.extend_from_slice(&bytes);
        }
    };
    within(ERROR_TIMEOUT, read).await;
    Failure::of_status(who, sent.status(), sent.retry_after(), &String::from_utf8_lossy(&body))
}

/// How long the body of an error is waited for.
const ERROR_TIMEOUT: Millis = Millis(1_000);

async fn asked(config: &Config, agent: &Webhook, question: Question<'_>) -> Result<Reply, Failure> {
    let body = webhook::body(question.session, question.window, question.state);
    let mut signature = None;
    if let Some(secret) = &agent.secret {
        let seconds = edge::now().0 / 1000;
        let hmac = edge::hmac_hex(secret, &webhook::signed(seconds, &body)).await;
        let hmac = hmac.ok_or_else(|| Failure::new(Code::Internal, "no signature"))?;
        signature = Some(webhook::signature_header(seconds, &hmac));
    }
    let mut headers = vec![("accept", "application/json, text/event-stream")];
    headers.extend(signature.as_deref().map(|signature| (webhook::SIGNATURE_HEADER, signature)));
    headers.extend(in_trace(&question));
    let sent = post(config, &agent.url, &headers, &body).await?;
    if !(200..300).contains(&sent.status()) {
        return Err(refusal("the webhook", &sent).await);
    }
    let reader = Box::new(webhook::Reply::new(config.canonical.limits.state_bytes));
    Ok(Reply::Sent { sent, reader })
}

fn in_trace<'a>(question: &Question<'a>) -> Option<(&'static str, &'a str)> {
    Some(("traceparent", question.traceparent)).filter(|(_, header)| !header.is_empty())
}

fn unreachable() -> Failure {
    Failure::responder("the responder can't be reached")
}

fn silent() -> Failure {
    Failure::new(Code::ResponderTimeout, "the responder did not answer in time")
}
