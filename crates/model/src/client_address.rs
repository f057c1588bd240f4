//! The address of a client where Chatkeep is self-hosted: its connection's, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

/// The header in which proxies list the addresses that they forward for, the nearest last.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// A range of addresses. IPv4 is written in IPv6's form, `::ffff:0:0/96`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: u128,
    prefix: u32,
}

impl TrustedProxies {
    /// Parses addresses and CIDR blocks with commas.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Network::parse)
            .collect::<Option<_>>()
            .map(Self)
    }

    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Returns the client's address. The connection is `address:port`; only where it is a trusted proxy's, `forwarded` is read: from
    /// its end, and the first address that is no trusted proxy's is the client's. What isn't an address ends the list.
    pub fn client_address(&self, connection: &str, forwarded: impl FnOnce() -> String) -> Option<String> {
        let mut client = address(connection)?;
        if self.has(client) {
            for hop in forwarded().rsplit(',') {
                let Some(before) = address(hop.trim()) else { break };
                client = before;
                if !self.has(client) {
                    break;
                }
            }
        }
        Some(client.to_string())
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let before = if address.is_ipv4() { 96 } else { 0 };
        let prefix = prefix.map_or(Some(128), |prefix| Some(prefix + before)).filter(|prefix| *prefix <= 128)?;
        Some(Self { address: bits(address), prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let differing = (self.address ^ bits(address)).leading_zeros();
        differing >= self.prefix
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Parses an address with a port or without. An IPv4 address in IPv6's form is the IPv4 address.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, connection: &str, forwarded: &str) -> Option<String> {
        TrustedProxies::parse(trusted)?.client_address(connection, || forwarded.to_owned())
    }

    #[test]
    fn without_a_trusted_proxy_the_connection_counts_alone() {
        for forwarded in ["", "9.9.9.9", "9.9.9.9, 10.0.0.1"] {
            assert_eq!(client("", "1.2.3.4:5678", forwarded).as_deref(), Some("1.2.3.4"));
            assert_eq!(client("10.0.0.0/8", "1.2.3.4:5678", forwarded).as_deref(), Some("1.2.3.4"));
        }
        assert_eq!(client("", "[2001:db8::1]:5678", "").as_deref(), Some("2001:db8::1"));
        assert_eq!(client("", "[::ffff:1.2.3.4]:5678", "").as_deref(), Some("1.2.3.4"));
        assert_eq!(client("", "", "9.9.9.9"), None);
        assert_eq!(client("", "unix:/a", "9.9.9.9"), None);
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_that_is_none_of_theirs_is_the_clients() {
        let one = |forwarded| client("10.0.0.0/8, ::1", "10.1.2.3:80", forwarded);
        assert_eq!(one("1.2.3.4").as_deref(), Some("1.2.3.4"));
        assert_eq!(one("6.6.6.6, 1.2.3.4").as_deref(), Some("1.2.3.4"), "what the client said itself");
        assert_eq!(one("6.6.6.6,1.2.3.4:99, 10.9.9.9").as_deref(), Some("1.2.3.4"));
        assert_eq!(one("2001:db8::2, [::1]:4").as_deref(), Some("2001:db8::2"));
        assert_eq!(one("").as_deref(), Some("10.1.2.3"));
        assert_eq!(one("1.2.3.4, unknown").as_deref(), Some("10.1.2.3"));
        assert_eq!(one("10.0.0.9").as_deref(), Some("10.0.0.9"));
        assert_eq!(client("::1", "[::1]:80", "1.2.3.4").as_deref(), Some("1.2.3.4"));
    }

    #[test]
    fn networks_are_addresses_or_blocks() {
        let has = |network: &str, address: &str| {
            TrustedProxies::parse(network)
                .zip(address.parse().ok())
                .is_some_and(|(proxies, address)| proxies.has(address))
        };
        assert!(has("192.168.1.7", "192.168.1.7"));
        assert!(!has("192.168.1.7", "192.168.1.6"));
        assert!(has("192.168.0.0/16", "192.168.255.1"));
        assert!(!has("192.168.0.0/16", "192.169.0.1"));
        assert!(has("0.0.0.0/0", "8.8.8.8"));
        assert!(!has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1"));
        assert!(!has("2001:db8::/32", "2001:db9::1"));
        for wrong in ["10.0.0.0/33", "10.0.0", "host", "10.0.0.1/x", "::/129", "10.0.0.1/-1"] {
            assert_eq!(TrustedProxies::parse(wrong), None, "{wrong}");
        }
    }
}
