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
    pub fn of(url: &HttpUrl) -> Self {
        let is_tls = url.scheme() == "https";
        let host = url.host().to_ascii_lowercase();
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let is_address = host.parse::<IpAddr>().is_ok();
        Self { host: host.into(), port: url.port(), is_tls, is_address }
    }
}
