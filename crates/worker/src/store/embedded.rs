//! Runs operations in the owner's vault.

use crate::edge::{ask_object, relay_object, upgrade_object};
use crate::vault::ask::HEARD;
use chatkeep_model::error::Outage;
use chatkeep_model::moving::{Moved, Moving, Told};
use chatkeep_model::plan::directory;
use chatkeep_model::{Millis, Owner, StoreError};
use wasm_bindgen::JsValue;
use worker::Env;

/// The names of the Durable Object bindings in `wrangler.toml`.
const VAULT: &str = "VAULT";
const DIRECTORY: &str = "DIRECTORY";
const METRICS: &str = "METRICS";

/// Sends an operation, its name and its JSON with a line break between, to the vault of an owner and namespace; gives the
/// outcome's JSON, and whether somebody watches who is to be told of it.
pub(super) async fn run(
    env: &Env,
    namespace: &str,
    owner: &Owner,
    question: &str,
) -> Result<(String, bool), StoreError> {
    let object = named(env, VAULT, &format!("{namespace}|{owner}"))?;
    match ask_object(&object, question).await {
        Some((status @ (200 | HEARD), answer)) => Ok((answer, status == HEARD)),
        Some(_) => Err(StoreError::UnexpectedReply),
        None => Err(StoreError::Unavailable(Outage::Network)),
    }
}

/// Asks the vault of an owner and namespace something else; gives its answer.
pub(super) async fn ask(env: &Env, namespace: &str, owner: &Owner, question: &str) -> Result<String, StoreError> {
    ask_named(env, VAULT, &format!("{namespace}|{owner}"), question).await
}

/// Has the vault replay its journal, and waits no longer than this; gives how many entries are left.
pub(super) async fn replay(env: &Env, prefix: &str, owner: &Owner, patience: Millis) -> Result<u64, StoreError> {
    let left = ask(env, prefix, owner, &format!("replay\n{patience}")).await?;
    left.parse().map_err(|_| StoreError::UnexpectedReply)
}

/// Has the vault send its own sessions to Redis, as many as a while allows.
pub(super) async fn move_out(env: &Env, prefix: &str, owner: &Owner, ttl: Millis) -> Result<Moved, StoreError> {
    let moving = Moving { prefix: prefix.to_owned(), ttl, owner: owner.clone() };
    let question = serde_json::to_string(&moving).map_err(|_| StoreError::UnexpectedReply)?;
    let told = ask(env, prefix, owner, &format!("move\n{question}")).await?;
    match serde_json::from_str(&told).map_err(|_| StoreError::UnexpectedReply)? {
        Told::Moved(moved) => Ok(moved),
        Told::Away(cause) => Err(StoreError::Unavailable(Outage::parse(&cause).unwrap_or(Outage::Network))),
        Told::Refused(_) => Err(StoreError::Misconfigured("sessions_not_moved")),
    }
}

/// How many owners a shard of the directory has, and whether one is among them, who may be forgotten first.
pub(super) async fn listed(env: &Env, prefix: &str, owner: &Owner, forget: bool) -> Result<(u64, bool), StoreError> {
    let what = if forget { "forget" } else { "has" };
    let answer = ask_directory(env, prefix, directory::shard(owner), &format!("{what}\n{owner}")).await?;
    let (count, has) = answer.split_once(' ').ok_or(StoreError::UnexpectedReply)?;
    Ok((count.parse().map_err(|_| StoreError::UnexpectedReply)?, has == "true"))
}

/// Asks the vault of an owner and namespace; gives its response as it comes.
pub(super) async fn relay(
    env: &Env,
    namespace: &str,
    owner: &Owner,
    question: &str,
) -> Result<web_sys::Response, StoreError> {
    let object = named(env, VAULT, &format!("{namespace}|{owner}"))?;
    relay_object(&object, question).await.ok_or(StoreError::Unavailable(Outage::Network))
}

/// Opens a WebSocket to the vault of an owner and namespace.
pub(super) async fn upgrade(env: &Env, namespace: &str, owner: &Owner) -> Result<web_sys::Response, StoreError> {
    let object = named(env, VAULT, &format!("{namespace}|{owner}"))?;
    upgrade_object(&object).await.ok_or(StoreError::Unavailable(Outage::Network))
}

/// Asks a shard of the directory of a namespace.
pub(super) async fn ask_directory(
    env: &Env,
    namespace: &str,
    shard: u64,
    question: &str,
) -> Result<String, StoreError> {
    ask_named(env, DIRECTORY, &format!("{namespace}|{shard}"), question).await
}

/// Asks a register: an object of the directory's class with a name of its own.
pub(crate) async fn ask_register(env: &Env, register: &str, question: &str) -> Result<String, StoreError> {
    ask_named(env, DIRECTORY, register, question).await
}

/// Hands figures over, or asks for them: see [`crate::metrics`].
pub(super) async fn ask_metrics(env: &Env, question: &str) -> Result<String, StoreError> {
    ask_named(env, METRICS, "all", question).await
}

/// Asks for what is answered with a stream.
pub(super) async fn relay_metrics(env: &Env, question: &str) -> Result<web_sys::Response, StoreError> {
    let object = named(env, METRICS, "all")?;
    relay_object(&object, question).await.ok_or(StoreError::Unavailable(Outage::Network))
}

async fn ask_named(env: &Env, binding: &str, name: &str, question: &str) -> Result<String, StoreError> {
    let object = named(env, binding, name)?;
    match ask_object(&object, question).await {
        Some((200, answer)) => Ok(answer),
        Some(_) => Err(StoreError::UnexpectedReply),
        None => Err(StoreError::Unavailable(Outage::Network)),
    }
}

fn named(env: &Env, binding: &str, name: &str) -> Result<JsValue, StoreError> {
    let stub = env.durable_object(binding).and_then(|objects| objects.get_by_name(name));
    Ok(stub.map_err(|_| StoreError::Misconfigured("no_vault_binding"))?.into_rpc())
}
