//! A part of the AI SDK's messages: as much of it as we look at.

use super::Piece;
use crate::json;
use crate::wire::Raw;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// See the module. All but its type may be absent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Part {
    #[serde(rename = "type")]
    pub kind: String,
    pub text: Option<String>,
    pub url: Option<String>,
    pub title: Option<String>,
    pub tool_name: Option<String>,
    pub tool_call_id: Option<String>,
    pub state: Option<String>,
    pub input: Option<Box<RawValue>>,
    pub raw_input: Option<Box<RawValue>>,
    pub output: Option<Box<RawValue>>,
    pub error_text: Option<String>,
    pub approval: Option<Approval>,
}

/// What the person said to a call that asked first.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Approval {
    pub reason: Option<String>,
}

impl Part {
    /// Its text, where it is one that is said.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.kind == "text")
    }

    /// The source that it is, as a responder says it: an object with `url` and, where it has one, `title`.
    #[must_use]
    pub fn source(&self) -> Option<Raw> {
        #[derive(Serialize)]
        struct Source<'a> {
            url: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<&'a str>,
        }
        let url = self.url.as_deref().filter(|_| self.kind == "source-url")?;
        Raw::parse(serde_json::to_string(&Source { url, title: self.title.as_deref() }).ok()?)
    }

    /// The tool that it calls.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        match self.kind.strip_prefix("tool-") {
            Some(name) => Some(name),
            None => self.tool_name.as_deref().filter(|_| self.kind == "dynamic-tool"),
        }
    }

    /// The piece that it came of, as the part with a number.
    #[must_use]
    pub fn into_piece(self, number: u64) -> Option<Piece> {
        if let Some(text) = self.said() {
            return Some(Piece::Text(text.to_owned()));
        }
        if let Some(source) = self.source() {
            return Some(Piece::Source(source));
        }
        let tool = self.tool()?.to_owned();
        let raw = || self.raw_input.as_ref().and_then(|input| json::string(input)).unwrap_or_default();
        let input = self.input.as_ref().map_or_else(raw, |input| input.get().to_owned());
        Some(Piece::Tool { call: number, named: Some((self.tool_call_id.clone()?, tool)), input })
    }

    /// Whether it is a call that the person was asked about, and answered.
    #[must_use]
    pub fn is_approval(&self) -> bool {
        self.tool().is_some() && self.state.as_deref() == Some("approval-responded")
    }

    /// What the tool gave: JSON, or why it gave nothing.
    #[must_use]
    pub fn result(&self) -> Option<String> {
        self.tool()?;
        match self.state.as_deref()? {
            "output-available" => Some(self.output.as_ref().map_or("null", |output| output.get()).to_owned()),
            "output-error" => Some(self.error_text.clone().unwrap_or_else(|| "the tool failed".to_owned())),
            "output-denied" => {
                let reason = self.approval.as_ref().and_then(|approval| approval.reason.as_deref());
                Some(
                    reason.map_or_else(
                        || "the person denied it".to_owned(),
                        |why| format!("the person denied it: {why}"),
                    ),
                )
            }
            _ => None,
        }
    }
}
