//! `GET /v1/events`: what changes in the owner's sessions, as it changes. The owner's vault tells it.

use super::Call;
use super::answer::Answer;
use crate::edge::SocketHeaders;
use crate::store::{Store, Telling};
use crate::vault::ask::{Ask, Watch};
use chatkeep_model::auth::socket;
use chatkeep_model::config::{Config, Events};
use chatkeep_model::{Code, Problem};

/// Answers with a WebSocket where one is asked for, else with an event stream.
pub(super) async fn watch(call: &Call<'_>, asked: SocketHeaders) -> Result<Answer, Problem> {
    if call.config.events == Events::Off {
        return Err(Problem::new(Code::RouteNotFound).detail("EVENTS is off"));
    }
    if asked.upgrades {
        let answer = Answer::relayed(admitted(call.store.upgrade().await?)?);
        return Ok(match socket::is_offered(&asked.protocols) {
            true => answer.header("sec-websocket-protocol", socket::PROTOCOL.to_owned()),
            false => answer,
        });
    }
    if call.is_head {
        return Ok(Answer::event_stream_head());
    }
    let watch = Watch { cursor: call.headers.last_event_id.clone(), lives: call.config.event_stream };
    let question = watch.question().map_err(|_| Problem::new(Code::Internal))?;
    Ok(Answer::relayed(admitted(call.store.relay(&question).await?)?))
}

/// The vault's response, unless as many subscribe as may.
fn admitted(response: web_sys::Response) -> Result<web_sys::Response, Problem> {
    if response.status() == Code::TooManyWatchers.status() {
        return Err(Problem::new(Code::TooManyWatchers).retry_after(30));
    }
    Ok(response)
}

/// A request's store, which collects what it changes where somebody may be told.
pub(super) fn collecting(store: Store, config: &Config) -> Store {
    match (config.events, &config.upstash) {
        // The vault says with each outcome whether anybody watches; Redis can't.
        (Events::All, _) | (Events::Seen, None) => store.telling(Telling::Later(Default::default())),
        _ => store,
    }
}
