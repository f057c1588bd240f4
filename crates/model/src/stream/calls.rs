//! The tool calls of an answer of `chat/completions`, whose servers number and name them in many ways.

use super::Piece;
use crate::json::{self, TextJoiner};
use serde::Deserialize;
use serde_json::value::RawValue;

/// More of a call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CallDelta<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    function: Option<&'a RawValue>,
}

/// A function and its arguments. The legacy form of a call is nothing else.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FunctionDelta<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// The calls so far. They are numbered anew: by their ids where they have ids, else by their indices, else by their order.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    index: Option<u64>,
    /// The id that the server gave it.
    id: Option<String>,
    name: Option<String>,
    arguments: String,
    joiner: TextJoiner,
    /// How many bytes of the arguments were passed on.
    sent: usize,
    is_named: bool,
}

impl ToolCalls {
    /// Whether nothing was called.
    pub(super) fn is_empty(&self) -> bool {
        !self.calls.iter().any(|call| call.is_named)
    }

    /// Takes one element of `tool_calls`.
    pub(super) fn push(&mut self, call: &RawValue, pieces: &mut Vec<Piece>) {
        let Some(CallDelta { index, id, function }) = json::object(call.get()) else { return };
        let text = |json: Option<&RawValue>| json.and_then(json::string).filter(|text| !text.is_empty());
        let index = index.and_then(|index| index.get().parse().ok());
        self.take(index, text(id), function, pieces);
    }

    /// Takes the legacy `function_call`.
    pub(super) fn push_legacy(&mut self, function: &RawValue, pieces: &mut Vec<Piece>) {
        self.take(None, None, Some(function), pieces);
    }

    fn take(&mut self, index: Option<u64>, id: Option<String>, function: Option<&RawValue>, pieces: &mut Vec<Piece>) {
        let function: FunctionDelta = function.and_then(|function| json::object(function.get())).unwrap_or_default();
        let name = function.name.and_then(json::string).filter(|name| !name.is_empty());
        let number = match self.continued(index, id.as_deref(), name.as_deref()) {
            Some(number) => number,
            None => {
                let (arguments, joiner) = (String::new(), TextJoiner::default());
                self.calls.push(OpenCall { index, id: None, name: None, arguments, joiner, sent: 0, is_named: false });
                self.calls.len() - 1
            }
        };
        let taken = self.calls.iter().filter_map(|call| call.id.as_deref());
        let is_taken = id.as_deref().is_some_and(|id| taken.clone().any(|other| other == id));
        let Some(call) = self.calls.get_mut(number) else { return };
        if call.id.is_none() && !call.is_named {
            // Two calls of one id would be one to everybody who reads them.
            call.id = id.map(|id| if is_taken { format!("{id}-{number}") } else { id });
        }
        call.name = call.name.take().or(name);
        if let Some(arguments) = function.arguments {
            let text = call.joiner.push(arguments);
            // Some servers send the arguments as they are, not as a text.
            let is_whole = |json: &&RawValue| json.get().starts_with(['{', '[']);
            let whole = || Some(arguments).filter(is_whole).map(|json| json.get().to_owned());
            call.arguments.extend(text.or_else(whole));
        }
        call.pass_on(number, pieces);
    }

    /// The call that a delta goes on with; none where it begins another.
    fn continued(&self, index: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        let fits = |call: &OpenCall| index.is_none() || call.index.is_none() || call.index == index;
        let newest = |is_meant: &dyn Fn(&OpenCall) -> bool| self.calls.iter().rposition(is_meant);
        if let Some(id) = id
            && let Some(known) = newest(&|call| call.id.as_deref() == Some(id) && fits(call))
        {
            return Some(known);
        }
        let number = newest(&|call| index.is_none() || call.index == index)?;
        let call = self.calls.get(number)?;
        let begins = match (id, name) {
            (Some(_), Some(_)) => true,
            // An id that comes after the name, or another with each delta.
            (Some(_), None) => call.is_whole(),
            (None, Some(name)) => call.is_whole() || call.name.as_deref().is_some_and(|known| known != name),
            (None, None) => false,
        };
        (!begins).then_some(number)
    }

    /// The end of the answer: what is left of the arguments.
    pub(super) fn end(&mut self, pieces: &mut Vec<Piece>) {
        for (number, call) in self.calls.iter_mut().enumerate() {
            call.arguments.extend(call.joiner.end());
            call.pass_on(number, pieces);
        }
    }
}

impl OpenCall {
    /// Whether its arguments are whole.
    fn is_whole(&self) -> bool {
        !self.arguments.trim().is_empty() && serde_json::from_str::<&RawValue>(&self.arguments).is_ok()
    }

    /// Passes on what has come, once it has a name: a call without one calls nothing.
    fn pass_on(&mut self, number: usize, pieces: &mut Vec<Piece>) {
        let Some(name) = &self.name else { return };
        let input = self.arguments.get(self.sent..).unwrap_or_default().to_owned();
        if self.is_named && input.is_empty() {
            return;
        }
        self.sent = self.arguments.len();
        let id = || self.id.clone().unwrap_or_else(|| format!("call-{number}"));
        let named = (!self.is_named).then(|| (id(), name.clone()));
        self.is_named = true;
        pieces.push(Piece::Tool { call: number as u64, named, input });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls that some deltas come to: ids, names and arguments.
    fn calls(deltas: &[&str]) -> Vec<(String, String, String)> {
        let (mut calls, mut pieces) = (ToolCalls::default(), Vec::new());
        for delta in deltas {
            calls.push(serde_json::from_str(delta).unwrap(), &mut pieces);
        }
        calls.end(&mut pieces);
        let mut all: Vec<(String, String, String)> = Vec::new();
        for piece in pieces {
            let Piece::Tool { call, named, input } = piece else { panic!("{piece:?}") };
            if let Some((id, name)) = named {
                assert_eq!(call, all.len() as u64);
                all.push((id, name, String::new()));
            }
            all[usize::try_from(call).unwrap()].2 += &input;
        }
        all
    }

    fn delta(index: &str, id: &str, name: &str, arguments: &str) -> String {
        let arguments = serde_json::to_string(arguments).unwrap();
        format!(r#"{{"index":{index},"id":{id},"function":{{"name":{name},"arguments":{arguments}}}}}"#)
    }

    #[test]
    fn parallel_calls_stay_apart_however_they_are_numbered() {
        let (brno, oslo) = (r#"{"city":"Brno"}"#, r#"{"city":"Oslo"}"#);
        let expected = |first: &str, second: &str| {
            [(first, brno), (second, oslo)]
                .map(|(id, input)| (id.to_owned(), "w".to_owned(), input.to_owned()))
                .to_vec()
        };
        for (index, ids, found) in [
            (["0", "0"], ["\"c1\"", "\"c2\""], expected("c1", "c2")),
            (["null", "null"], ["\"c1\"", "\"c2\""], expected("c1", "c2")),
            (["0", "0"], ["\"\"", "null"], expected("call-0", "call-1")),
            (["2", "5"], ["null", "null"], expected("call-0", "call-1")),
            (["0", "1"], ["\"c1\"", "\"c1\""], expected("c1", "c1-1")),
        ] {
            let [first, second] = [0, 1].map(|at| delta(index[at], ids[at], "\"w\"", [brno, oslo][at]));
            assert_eq!(calls(&[&first, &second]), found, "{first} {second}");
            // And in pieces.
            let piece = |at: usize, text: &str| delta(index[at], "null", "null", text);
            let [first, second] = [0, 1].map(|at| delta(index[at], ids[at], "\"w\"", "{\"city\""));
            let (rest, other) = (piece(0, ":\"Brno\"}"), piece(1, ":\"Oslo\"}"));
            assert_eq!(calls(&[&first, &rest, &second, &other]), found, "{first} {second}");
        }
    }

    #[test]
    fn a_call_goes_on_where_its_id_or_its_name_is_repeated() {
        let repeated = [delta("0", "\"c1\"", "\"w\"", "{\"a\""), delta("0", "\"c1\"", "\"w\"", ":1}")];
        let expected = |id: &str| vec![(id.to_owned(), "w".to_owned(), "{\"a\":1}".to_owned())];
        assert_eq!(calls(&[&repeated[0], &repeated[1]]), expected("c1"));
        let repeated = repeated.map(|delta| delta.replace("\"c1\"", "null"));
        assert_eq!(calls(&[&repeated[0], &repeated[1]]), expected("call-0"));
        let late = [
            delta("0", "null", "null", "{\"a\""),
            delta("0", "\"c9\"", "null", ""),
            delta("0", "null", "\"w\"", ":1}"),
        ];
        assert_eq!(calls(&[&late[0], &late[1], &late[2]]), expected("c9"));
    }

    #[test]
    fn odd_calls_are_taken_as_far_as_they_go() {
        let of = |json: &str| calls(&[json]);
        let expected = |input: &str| vec![("call-0".to_owned(), "w".to_owned(), input.to_owned())];
        assert_eq!(of(r#"{"function":{"name":"w","arguments":{"a":1}}}"#), expected("{\"a\":1}"));
        assert_eq!(of(r#"{"function":{"name":"w","arguments":null}}"#), expected(""));
        assert_eq!(of(r#"{"function":{"name":"w","arguments":"\ud83d"}}"#), expected("\u{fffd}"));
        assert_eq!(of(r#"{"index":"x","id":7,"type":[],"function":{"name":"w","arguments":7}}"#), expected(""));
        for nothing in ["{}", "null", "[]", r#"{"function":{"name":"","arguments":"{}"}}"#] {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }
}
