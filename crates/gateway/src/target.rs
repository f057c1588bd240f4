//! The Redis behind the gateway: where it is, how to log in, and a stream to it (plain or TLS).

use std::fmt;
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls::Tls;

/// One Redis server or cluster-free endpoint.
#[derive(Clone)]
pub struct RedisTarget {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
    tls: Option<Arc<Tls>>,
}

/// A connection to Redis, whatever carries it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl RedisTarget {
    /// The target that a `redis://` or `rediss://` URL names. `ca_file` holds the certificates to trust instead of the
    /// public ones. The error is a sentence without any part of the URL.
    pub fn from_url(url: &str, ca_file: Option<&str>) -> Result<Self, String> {
        let (secure, plain_url) = match url.split_once("://") {
            Some(("redis", _)) => (false, url.to_owned()),
            Some(("rediss", rest)) => (true, format!("redis://{rest}")),
            _ => return Err("REDIS_URL must begin with redis:// or rediss://".to_owned()),
        };
        let info = plain_url.into_connection_info().map_err(|_| {
            "REDIS_URL must look like redis://username:password@host:port/db; special characters in it are \
             percent-encoded"
                .to_owned()
        })?;
        let ConnectionAddr::Tcp(host, port) = info.addr().clone() else {
            return Err("REDIS_URL must name a host".to_owned());
        };
        if ca_file.is_some() && !secure {
            return Err("REDIS_TLS_CA needs a REDIS_URL that begins with rediss://".to_owned());
        }
        let tls = if secure { Some(Arc::new(Tls::new(ca_file, &host)?)) } else { None };
        Ok(Self { host, port, login: plain_replies(info.redis_settings().clone()), tls })
    }

    /// The target that its parts name, without TLS.
    pub fn from_parts(host: String, port: u16, username: Option<String>, password: Option<String>, db: u16) -> Self {
        let mut login = RedisConnectionInfo::default().set_db(db.into());
        if let Some(username) = username {
            login = login.set_username(username);
        }
        if let Some(password) = password {
            login = login.set_password(password);
        }
        Self { host, port, login: plain_replies(login), tls: None }
    }

    /// The target as a URL without username and password.
    pub fn redacted(&self) -> String {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}/{}", self.port, self.login.db())
    }

    /// Username, password and database, for the handshake.
    pub(crate) fn login(&self) -> &RedisConnectionInfo {
        &self.login
    }

    /// Opens a stream, before any handshake of Redis.
    pub(crate) async fn open(&self) -> std::io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            Some(tls) => Ok(Box::new(tls.connect(tcp).await?)),
            None => Ok(Box::new(tcp)),
        }
    }
}

impl fmt::Debug for RedisTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RedisTarget").field(&self.redacted()).finish()
    }
}

/// The dialect has the shapes of RESP2, so nothing else may be negotiated.
fn plain_replies(login: RedisConnectionInfo) -> RedisConnectionInfo {
    login.set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacts_every_secret() {
        let target = RedisTarget::from_url("redis://ada:s%40cret@db.example:6380/2", None).unwrap();
        assert_eq!(target.redacted(), "redis://db.example:6380/2");
        assert_eq!(format!("{target:?}"), "RedisTarget(\"redis://db.example:6380/2\")");
        assert_eq!(target.login().username(), Some("ada"));
        assert_eq!(target.login().password(), Some("s@cret"));
    }

    #[test]
    fn fills_in_port_and_database() {
        assert_eq!(RedisTarget::from_url("redis://h", None).unwrap().redacted(), "redis://h:6379/0");
        assert_eq!(RedisTarget::from_url("rediss://h", None).unwrap().redacted(), "rediss://h:6379/0");
        assert_eq!(RedisTarget::from_url("redis://[::1]:7000/", None).unwrap().redacted(), "redis://[::1]:7000/0");
    }

    #[test]
    fn errors_hold_no_part_of_the_url() {
        for url in
            ["http://u:s3cret@h", "s3cret", "redis://u:s3cret@h:99999", "redis://u:s3cret@h/x", "redis://:s3cret@"]
        {
            let error = RedisTarget::from_url(url, None).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_missing_ca_file_is_an_error() {
        assert!(RedisTarget::from_url("rediss://h", Some("/nowhere/ca.pem")).is_err());
    }
}
