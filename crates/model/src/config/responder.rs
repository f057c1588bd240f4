//! What answers, and what else it is asked for.

use super::{ConfigError, Read};
use crate::responder::{ChatCompletions, Responder};
use crate::stream::webhook::Webhook;
use serde_json::{Map, Value};

pub(super) fn responder(read: Read) -> Result<Responder, ConfigError> {
    let key = read("OPENAI_API_KEY");
    let base = read("OPENAI_BASE_URL");
    let chosen =
        read("RESPONDER").unwrap_or_else(|| if key.is_some() || base.is_some() { "openai" } else { "echo" }.to_owned());
    match chosen.as_str() {
        "echo" => Ok(Responder::Echo),
        "openai" => {
            let base = base.unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
            if !base.starts_with("https://") && !base.starts_with("http://") {
                return Err(ConfigError { variable: "OPENAI_BASE_URL", reason: "must begin with https:// or http://" });
            }
            let wrong = ConfigError { variable: "OPENAI_PARAMETERS", reason: "must be a JSON object" };
            let parameters: Map<String, Value> = match read("OPENAI_PARAMETERS") {
                Some(text) => serde_json::from_str(&text).map_err(|_| wrong)?,
                None => Map::new(),
            };
            if ["messages", "stream"].iter().any(|name| parameters.contains_key(*name)) {
                let reason = "can't set messages or stream";
                return Err(ConfigError { variable: "OPENAI_PARAMETERS", reason });
            }
            Ok(Responder::ChatCompletions(ChatCompletions {
                url: format!("{}/chat/completions", base.trim_end_matches('/')),
                key,
                model: read("OPENAI_MODEL").unwrap_or_else(|| "gpt-4o-mini".to_owned()),
                system_prompt: read("SYSTEM_PROMPT"),
                parameters,
            }))
        }
        "webhook" => {
            let url = read("WEBHOOK_URL").filter(|url| url.starts_with("https://") || url.starts_with("http://"));
            let missing = ConfigError { variable: "WEBHOOK_URL", reason: "must begin with https:// or http://" };
            Ok(Responder::Webhook(Webhook { url: url.ok_or(missing)?, secret: read("WEBHOOK_SECRET") }))
        }
        _ => Err(ConfigError { variable: "RESPONDER", reason: "must be echo, openai or webhook" }),
    }
}

pub(super) fn titles(read: Read) -> Result<bool, ConfigError> {
    match read("TITLES").as_deref() {
        None | Some("message") => Ok(false),
        Some("responder") => Ok(true),
        Some(_) => Err(ConfigError { variable: "TITLES", reason: "must be message or responder" }),
    }
}

pub(super) fn summaries(read: Read) -> Result<bool, ConfigError> {
    match read("SUMMARY").as_deref() {
        None | Some("off") => Ok(false),
        Some("responder") => Ok(true),
        Some(_) => Err(ConfigError { variable: "SUMMARY", reason: "must be off or responder" }),
    }
}
