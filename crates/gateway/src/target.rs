//! The Redis behind the gateway: where it or its cluster is, how to log in, and a stream to it (plain or TLS).

use std::fmt;
use std::sync::Arc;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls::Tls;

/// One Redis server, or a cluster by some of its servers.
#[derive(Clone)]
pub struct RedisTarget {
    /// Hosts and ports: of one server, or of as many of a cluster as were named.
    servers: Vec<(String, u16)>,
    is_cluster: bool,
    login: RedisConnectionInfo,
    tls: Option<Arc<Tls>>,
}

/// A connection to Redis, whatever carries it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl RedisTarget {
    /// The target that a `redis://`, `rediss://` or `redis+cluster://` URL names; the last may name several servers,
    /// with commas. `ca_file` holds the certificates to trust instead of the public ones. The error is a sentence without
    /// any part of the URL.
    pub fn from_url(url: &str, ca_file: Option<&str>) -> Result<Self, String> {
        let (secure, is_cluster, rest) = match url.split_once("://") {
            Some(("redis", rest)) => (false, false, rest),
            Some(("rediss", rest)) => (true, false, rest),
            Some(("redis+cluster", rest)) => (false, true, rest),
            Some(("rediss+cluster", _)) => return Err("REDIS_URL: TLS to a cluster is not supported".to_owned()),
            _ => return Err("REDIS_URL must begin with redis://, rediss:// or redis+cluster://".to_owned()),
        };
        if ca_file.is_some() && !secure {
            return Err("REDIS_TLS_CA needs a REDIS_URL that begins with rediss://".to_owned());
        }
        let urls = if is_cluster { urls_of_servers(rest) } else { vec![format!("redis://{rest}")] };
        let mut servers = Vec::with_capacity(urls.len());
        let mut login = RedisConnectionInfo::default();
        for url in urls {
            let info = url.into_connection_info().map_err(|_| {
                "REDIS_URL must look like redis://username:password@host:port/db; special characters in it are \
                 percent-encoded"
                    .to_owned()
            })?;
            let ConnectionAddr::Tcp(host, port) = info.addr().clone() else {
                return Err("REDIS_URL must name a host".to_owned());
            };
            servers.push((host, port));
            login = plain_replies(info.redis_settings().clone());
        }
        if is_cluster && login.db() != 0 {
            return Err("REDIS_URL: a cluster has only database 0".to_owned());
        }
        let tls = match servers.first() {
            Some((host, _)) if secure => Some(Arc::new(Tls::new(ca_file, host)?)),
            _ => None,
        };
        Ok(Self { servers, is_cluster, login, tls })
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
        Self { servers: vec![(host, port)], is_cluster: false, login: plain_replies(login), tls: None }
    }

    /// The target as a URL without username and password.
    pub fn redacted(&self) -> String {
        let scheme = match (&self.tls, self.is_cluster) {
            (None, false) => "redis",
            (Some(_), _) => "rediss",
            (None, true) => "redis+cluster",
        };
        let servers = self.servers.iter().map(|(host, port)| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        });
        format!("{scheme}://{}/{}", servers.collect::<Vec<_>>().join(","), self.login.db())
    }

    /// Whether it is a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        self.is_cluster
    }

    /// The servers as the library takes them.
    pub(crate) fn connection_infos(&self) -> RedisResult<Vec<ConnectionInfo>> {
        let info = |(host, port): &(String, u16)| {
            let address = ConnectionAddr::Tcp(host.clone(), *port);
            Ok(address.into_connection_info()?.set_redis_settings(self.login.clone()))
        };
        self.servers.iter().map(info).collect()
    }

    /// Username, password and database, for the handshake.
    pub(crate) fn login(&self) -> &RedisConnectionInfo {
        &self.login
    }

    /// Opens a stream, before any handshake of Redis; of a cluster to the first server that takes it.
    pub(crate) async fn open(&self) -> std::io::Result<Box<dyn Stream>> {
        let mut connected = Err(std::io::ErrorKind::NotConnected.into());
        for (host, port) in &self.servers {
            connected = TcpStream::connect((host.as_str(), *port)).await;
            if connected.is_ok() {
                break;
            }
        }
        let tcp = connected?;
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

/// One URL for each server of `user:password@host:port,host:port/`.
fn urls_of_servers(rest: &str) -> Vec<String> {
    let (login, servers) = rest.rsplit_once('@').map_or(("", rest), |(login, servers)| (login, servers));
    let at = if login.is_empty() { "" } else { "@" };
    let (servers, path) = servers.split_once('/').unwrap_or((servers, ""));
    servers.split(',').map(|server| format!("redis://{login}{at}{}/{path}", server.trim())).collect()
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
    fn a_cluster_is_named_by_some_of_its_servers() {
        let target = RedisTarget::from_url("redis+cluster://ada:p%2Cw@h1:7000, h2:7001,[::1]", None).unwrap();
        assert_eq!(target.redacted(), "redis+cluster://h1:7000,h2:7001,[::1]:6379/0");
        assert!(target.is_cluster());
        assert_eq!(target.login().password(), Some("p,w"));
        assert_eq!(target.connection_infos().unwrap().len(), 3);
        for url in ["redis+cluster://h1,h2/3", "redis+cluster://h1,,h2", "rediss+cluster://h", "redis+cluster://"] {
            assert!(RedisTarget::from_url(url, None).is_err(), "{url}");
        }
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
