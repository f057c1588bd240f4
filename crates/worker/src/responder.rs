//! Asks the responder.

use crate::edge::{Posted, post_json};
use chatkeep_model::config::Config;
use chatkeep_model::limits::MOST_MESSAGE_BYTES;
use chatkeep_model::responder::{Responder, echo, read_completion};
use chatkeep_model::{Code, Message, context};

/// The reply to the last message of a window, or the problem's code and what to say of it.
pub(crate) async fn answer(config: &Config, window: &[Message]) -> Result<String, (Code, String)> {
    let window = match config.window_tokens {
        Some(tokens) => context::fit(window, config.responder.prompt(), tokens),
        None => window,
    };
    let reply = match &config.responder {
        Responder::Echo => echo(window),
        Responder::ChatCompletions(api) => {
            let key = api.key.as_deref().unwrap_or_default();
            match post_json(&api.url, key, "", &api.body(window), config.responder_timeout).await {
                Posted::Answer { status, body, .. } => read_completion(status, &body)?,
                Posted::Unreachable => {
                    return Err((Code::ResponderFailed, "the model's API can't be reached".to_owned()));
                }
                Posted::TimedOut => {
                    return Err((Code::ResponderTimeout, "the model's API did not answer in time".to_owned()));
                }
            }
        }
    };
    if reply.len() > MOST_MESSAGE_BYTES {
        return Err((Code::ResponderFailed, "the reply is longer than a message may be".to_owned()));
    }
    Ok(reply)
}
