//! Our own events of a turn, as `docs/protocol.md` has them.

use super::event::Event;
use super::reader::Encode;
use crate::sse::write_event;
use serde::Serialize;
use serde_json::value::RawValue;

/// Writes them. It remembers nothing, so that a reader can begin anywhere.
#[derive(Debug)]
pub struct Encoder;

#[derive(Serialize)]
struct Delta<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Box<RawValue>>,
}

impl Encode for Encoder {
    fn event(&mut self, id: u64, event: Event, out: &mut String) {
        let (name, data) = match event {
            Event::Turn(opened) => ("turn", json(opened)),
            Event::Text(text) => ("delta", json(&Delta { text })),
            Event::Source(source) => ("source", Ok(source.get().replace(['\n', '\r'], " "))),
            // Only a whole input is of use to somebody who doesn't show it while it comes.
            Event::Call(_) | Event::Input(..) => return,
            Event::Ready(call) => ("tool_call", json(&Call { id: &call.id, name: &call.name, input: call.json() })),
            Event::Done(response, _) => ("done", json(response)),
            Event::Unkept(response) => ("done", json(response)),
            Event::Failed(problem) => ("error", json(problem)),
        };
        write_event(out, Some(id), name, &data.unwrap_or_default());
    }
}

fn json(value: &impl Serialize) -> serde_json::Result<String> {
    // Raw JSON inside may have line breaks, between its tokens only: there a space means the same.
    serde_json::to_string(value).map(|json| json.replace(['\n', '\r'], " "))
}
