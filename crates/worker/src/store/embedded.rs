//! Runs operations in the owner's vault.

use crate::edge::ask_object;
use chatkeep_model::error::Outage;
use chatkeep_model::{Operation, Owner, StoreError};
use wasm_bindgen::JsValue;
use worker::Env;

/// The name of the Durable Object binding in `wrangler.toml`.
const BINDING: &str = "VAULT";

/// Sends an operation to the vault of an owner and namespace, and waits for its outcome.
pub(crate) async fn run<O: Operation>(
    env: &Env,
    namespace: &str,
    owner: &Owner,
    operation: &O,
) -> Result<O::Outcome, StoreError> {
    let vault = env
        .durable_object(BINDING)
        .and_then(|vaults| vaults.get_by_name(&format!("{namespace}|{owner}")))
        .map_err(|_| StoreError::Misconfigured("no_vault_binding"))?
        .into_rpc::<JsValue>();
    let json = serde_json::to_string(operation).map_err(|_| StoreError::UnexpectedReply)?;
    match ask_object(&vault, &format!("{}\n{json}", O::NAME)).await {
        Some((200, outcome)) => serde_json::from_str(&outcome).map_err(|_| StoreError::UnexpectedReply),
        Some(_) => Err(StoreError::UnexpectedReply),
        None => Err(StoreError::Unavailable(Outage::Network)),
    }
}
