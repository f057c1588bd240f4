//! Faults on demand, for tests: what a database far away can do to a client, done on purpose.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::texts;

/// A fault that a test orders with `POST /_gateway/faults`, for example
/// `{"fault":"delay","ms":400,"count":2,"skip":1,"command":"evalsha"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultOrder {
    /// What goes wrong.
    pub(crate) fault: FaultKind,
    /// For how many requests.
    #[serde(default = "once")]
    pub(crate) count: u32,
    /// How many requests pass unharmed before.
    #[serde(default)]
    pub(crate) skip: u32,
    /// Only requests with a command of this name, in lower case, are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// How long delays take.
    #[serde(default)]
    pub(crate) ms: u64,
    /// Another status than the fault's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// The commands run; the connection closes without a response.
    DropResponse,
    /// The connection closes before anything runs.
    DropRequest,
    /// The commands run late.
    Delay,
    /// The commands run, the response is late.
    DelayResponse,
    /// The plan is used up.
    Quota,
    /// The database is suspended.
    Suspended,
    /// The server is being upgraded.
    Readonly,
    /// Redis is out of memory.
    Oom,
    /// The token is wrong all of a sudden.
    Unauthorized,
    /// The request is too large.
    TooLarge,
    /// A proxy answers instead, and not in JSON.
    ServerError,
}

/// What the fault does to the request at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Close without a response; after running the commands or not.
    Drop {
        /// Whether the commands run.
        run: bool,
    },
    /// Wait.
    Delay {
        /// How long.
        pause: Duration,
        /// Whether before or after the commands run.
        before: bool,
    },
    /// Answer with an error for each command, without running any.
    Fail {
        /// The text.
        text: String,
        /// The status, where it isn't the one that errors of this form of request have.
        status: Option<StatusCode>,
    },
    /// Answer with this status and a body that isn't JSON.
    NotJson(StatusCode),
}

/// The orders that are still open.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    orders: Mutex<Vec<FaultOrder>>,
}

impl Faults {
    /// Adds an order behind the others.
    pub(crate) fn add(&self, orders: Vec<FaultOrder>) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
    }

    /// The open orders.
    pub(crate) fn list(&self) -> Vec<FaultOrder> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels all orders.
    pub(crate) fn clear(&self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The effect on a request with these commands: the first order that matches takes it.
    pub(crate) fn take(&self, names: &[&str], max_size: usize) -> Option<Effect> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let order = orders.iter_mut().find(|order| order.matches(names))?;
        if order.skip > 0 {
            order.skip -= 1;
            return None;
        }
        order.count = order.count.saturating_sub(1);
        let effect = order.effect(max_size);
        orders.retain(|order| order.count > 0);
        Some(effect)
    }
}

impl FaultOrder {
    fn matches(&self, names: &[&str]) -> bool {
        self.count > 0 && self.command.as_ref().is_none_or(|command| names.contains(&command.as_str()))
    }

    fn effect(&self, max_size: usize) -> Effect {
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok());
        let pause = Duration::from_millis(self.ms);
        let fail = |text: &str| Effect::Fail { text: text.to_owned(), status };
        let fail_with = |text: String, own: StatusCode| Effect::Fail { text, status: Some(status.unwrap_or(own)) };
        match self.fault {
            FaultKind::DropResponse => Effect::Drop { run: true },
            FaultKind::DropRequest => Effect::Drop { run: false },
            FaultKind::Delay => Effect::Delay { pause, before: true },
            FaultKind::DelayResponse => Effect::Delay { pause, before: false },
            FaultKind::Quota => fail(texts::QUOTA),
            FaultKind::Suspended => fail(texts::SUSPENDED),
            FaultKind::Readonly => fail(texts::READONLY),
            FaultKind::Oom => fail(texts::OUT_OF_MEMORY),
            FaultKind::Unauthorized => fail_with(texts::UNAUTHORIZED.to_owned(), StatusCode::UNAUTHORIZED),
            FaultKind::TooLarge => {
                fail_with(texts::too_large(max_size, max_size.saturating_add(1)), StatusCode::PAYLOAD_TOO_LARGE)
            }
            FaultKind::ServerError => Effect::NotJson(status.unwrap_or(StatusCode::BAD_GATEWAY)),
        }
    }
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(json: &str) -> FaultOrder {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn orders_run_out() {
        let faults = Faults::default();
        faults.add(vec![order(r#"{"fault":"quota","count":2}"#)]);
        assert!(matches!(faults.take(&["get"], 1), Some(Effect::Fail { status: None, .. })));
        assert!(faults.take(&["get"], 1).is_some());
        assert_eq!(faults.take(&["get"], 1), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn orders_skip_and_choose() {
        let faults = Faults::default();
        faults.add(vec![order(r#"{"fault":"drop_response","skip":1,"command":"set"}"#)]);
        assert_eq!(faults.take(&["get"], 1), None);
        assert_eq!(faults.take(&["set"], 1), None);
        assert_eq!(faults.take(&["get", "set"], 1), Some(Effect::Drop { run: true }));
        assert_eq!(faults.take(&["set"], 1), None);
    }

    #[test]
    fn a_status_can_be_ordered() {
        let effect = order(r#"{"fault":"server_error","status":520}"#).effect(1);
        assert_eq!(effect, Effect::NotJson(StatusCode::from_u16(520).unwrap()));
        let effect = order(r#"{"fault":"quota","status":200}"#).effect(1);
        assert!(matches!(effect, Effect::Fail { status: Some(StatusCode::OK), .. }));
    }

    #[test]
    fn clearing_cancels() {
        let faults = Faults::default();
        faults.add(vec![order(r#"{"fault":"delay","ms":5}"#)]);
        faults.clear();
        assert_eq!(faults.take(&[], 1), None);
    }
}
