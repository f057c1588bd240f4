//! Where a Redis is that is spoken to over TCP: read from a URL, shown without its secrets.

use std::fmt;

/// A Redis server, and how to log in.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Address {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    pub username: Option<String>,
    pub password: Option<String>,
    pub db: Option<u32>,
}

/// The port of a URL that names none.
pub(super) const DEFAULT_PORT: u16 = 6379;

impl Address {
    /// Reads `redis://username:password@host:port/db` or `rediss://`, in which special characters are percent-encoded.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let (tls, rest) = match url.split_once("://") {
            Some(("redis", rest)) => (false, rest),
            Some(("rediss", rest)) => (true, rest),
            _ => return Err("must begin with redis:// or rediss://"),
        };
        if rest.contains(['?', '#']) {
            return Err("takes no parameters");
        }
        let (place, db) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = place.rsplit_once('@').unwrap_or(("", place));
        let (username, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or("has a bracket too few")?,
            None => place.find(':').map_or((place, ""), |at| place.split_at_checked(at).unwrap_or((place, ""))),
        };
        let port = port.strip_prefix(':').unwrap_or(port);
        if host.is_empty() {
            return Err("must name a host");
        }
        let text = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: if port.is_empty() { DEFAULT_PORT } else { port.parse().map_err(|_| "has a port that is none")? },
            username: text(username)?,
            password: text(password)?,
            db: if db.is_empty() { None } else { Some(db.parse().map_err(|_| "must end with a database's number")?) },
        })
    }
}

/// A text with its percent-encoding undone.
fn decoded(text: &str) -> Result<String, &'static str> {
    let wrong = "must percent-encode special characters";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(wrong);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).map_err(|_| wrong)?);
    }
    String::from_utf8(bytes).map_err(|_| wrong)
}

/// As a URL, without user name and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let brackets = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let db = self.db.unwrap_or(0);
        write!(f, "{scheme}://{}{}{}:{}/{db}", brackets.0, self.host, brackets.1, self.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_whole() -> Result<(), &'static str> {
        let address = Address::parse("rediss://ada:s%40c:ret@db.example:6380/2")?;
        let secrets = (address.username.as_deref(), address.password.as_deref());
        assert_eq!(secrets, (Some("ada"), Some("s@c:ret")));
        assert_eq!(address.to_string(), "rediss://db.example:6380/2");
        assert_eq!(format!("{address:?}"), "rediss://db.example:6380/2");
        let address = Address::parse("redis://:pw@localhost")?;
        assert_eq!((address.username, address.password.as_deref(), address.db), (None, Some("pw"), None));
        assert_eq!(Address::parse("redis://[::1]:7000/")?.to_string(), "redis://[::1]:7000/0");
        Ok(())
    }

    #[test]
    fn what_is_no_url_is_refused_without_telling_it() {
        for url in [
            "http://u:s3cret@h",
            "s3cret",
            "redis://u:s3cret@h:99999",
            "redis://u:s3cret@h/x",
            "redis://:s3cret@",
            "redis://h?password=s3cret",
            "redis://:s3cret%4@h",
            "redis://[::1",
        ] {
            let error = Address::parse(url).err();
            assert!(error.is_some_and(|error| !error.contains("s3cret")), "{url}");
        }
    }
}
