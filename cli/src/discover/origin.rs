//! Where an endpoint is reached.

use std::net::IpAddr;
use tessera_core::base::http::HttpUrl;

pub struct Origin {
    /// A name in lower case, or an address without brackets.
    pub host: String,
    pub port: u16,
    pub is_tls: bool,
    pub is_address: bool,
}

impl Origin {
    /// `None` where the port is none.
    pub fn of(url: &HttpUrl) -> Option<Self> {
        let is_tls = url.scheme() == "https";
        let authority = url.authority().to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority.as_str(), None),
        };
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0)?,
            None if is_tls => 443,
            None => 80,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let is_address = host.parse::<IpAddr>().is_ok();
        Some(Self { host: host.into(), port, is_tls, is_address })
    }
}
