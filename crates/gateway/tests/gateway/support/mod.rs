//! Starts what the tests talk to, and ends it.

pub(crate) mod http;
pub(crate) mod ports;
pub(crate) mod processes;

pub(crate) use http::Client;
pub(crate) use processes::{Cluster, Gateway, Redis};

/// A Redis and a gateway in front of it.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) redis: Redis,
}

impl House {
    /// The usual pair.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The usual pair with these variables besides.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let redis = Redis::start();
        let url = redis.url();
        let gateway = Gateway::start(&[&[("REDIS_URL", url.as_str())], variables].concat());
        gateway.wait_for_error_line("connected to Redis at ");
        Self { gateway, redis }
    }

    /// A client with the default token.
    pub(crate) fn client(&self) -> Client {
        self.gateway.client()
    }
}
