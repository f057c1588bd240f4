//! Runs operations in the owner's vault.

use crate::edge::ask_object;
use chatkeep_model::error::Outage;
use chatkeep_model::{Owner, StoreError};
use wasm_bindgen::JsValue;
use worker::Env;

/// The name of the Durable Object binding in `wrangler.toml`.
const BINDING: &str = "VAULT";

/// Sends an operation, its name and its JSON with a line break between, to the vault of an owner and namespace; gives the
/// outcome's JSON.
pub(super) async fn ask(env: &Env, namespace: &str, owner: &Owner, question: &str) -> Result<String, StoreError> {
    let vault = env
        .durable_object(BINDING)
        .and_then(|vaults| vaults.get_by_name(&format!("{namespace}|{owner}")))
        .map_err(|_| StoreError::Misconfigured("no_vault_binding"))?
        .into_rpc::<JsValue>();
    match ask_object(&vault, question).await {
        Some((200, outcome)) => Ok(outcome),
        Some(_) => Err(StoreError::UnexpectedReply),
        None => Err(StoreError::Unavailable(Outage::Network)),
    }
}
