//! Which address a request is from, past the proxies that are trusted to say so.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::{HeaderMap, HeaderValue};

use crate::domain::network::Network;

/// The peer's, or, where that is a trusted proxy, the last of `X-Forwarded-For` that is none.
pub fn caller_address(headers: &HeaderMap, extensions: &Extensions, trusted: &[Network]) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let mut address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    let forwarded: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    let mut hops = forwarded.iter().flat_map(|value| value.split(|byte| *byte == b',')).rev();
    while trusted.iter().any(|network| network.contains(address)) {
        match hops.next().and_then(hop_address) {
            Some(hop) => address = hop,
            None => break,
        }
    }
    address.to_canonical()
}

/// Of what a proxy writes: an address, some with the port, and an IPv6 one in brackets then.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse().ok().map(|hop: SocketAddr| hop.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_the_caller() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap()];
        for (peer, forwarded, expected) in [
            ("192.0.2.1", vec!["198.51.100.1"], "192.0.2.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["203.0.113.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", vec!["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", vec!["198.51.100.2:4711"], "198.51.100.2"),
            ("10.0.0.1", vec!["[2001:db8::2]:4711"], "2001:db8::2"),
            ("10.0.0.1", vec!["[2001:db8::3]"], "2001:db8::3"),
            ("10.0.0.1", vec!["\u{ff}, 198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in &forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            assert_eq!(caller_address(&headers, &extensions, &trusted).to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
