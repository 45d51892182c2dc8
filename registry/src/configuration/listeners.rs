//! Where the process listens, and how it is reached.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::Uri;

use super::section::Section;
use crate::domain::network::Network;
use crate::domain::text::is_loopback;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// Administration and portal.
    pub api: SocketAddr,
    pub feed: SocketAddr,
    /// Health and metrics, always plain HTTP.
    pub ops: SocketAddr,
    /// The origin that users see: scheme and authority.
    pub public_url: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// For `api` and `feed`.
    pub tls: Option<Tls>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// `None` when something that is required is missing; the fault is told.
pub(super) fn read(root: &mut Section<'_>) -> Option<Listeners> {
    let mut listen = root.section("listen");
    let [api, feed, ops] = [("api", 8080), ("feed", 8081), ("ops", 8082)].map(|(key, port)| {
        let default = SocketAddr::from(([127, 0, 0, 1], port));
        let Some(text) = listen.text(key) else { return default };
        text.parse().unwrap_or_else(|_| {
            listen.fault(key, "must be an address and a port, such as \"0.0.0.0:8080\"");
            default
        })
    });
    for ((one, of_one), (other, of_other)) in
        [(("feed", feed), ("api", api)), (("ops", ops), ("api", api)), (("ops", ops), ("feed", feed))]
    {
        if of_one == of_other && of_one.port() != 0 {
            listen.fault(one, format!("must not be that of listen.{other}"));
        }
    }
    listen.finish();
    let tls = tls(root.section("tls"));
    let mut public = root.section("public");
    let public_url = public.required("url").and_then(|text| {
        let origin = origin(&text);
        if origin.is_none() {
            public.fault("url", "must be https://HOST or https://HOST:PORT, or http on a loopback host");
        }
        origin
    });
    let proxies = public.texts("trusted_proxies").unwrap_or_default();
    let networks = proxies.iter().enumerate().filter_map(|(index, text)| {
        let network = Network::parse(text);
        if network.is_none() {
            public.fault(&format!("trusted_proxies[{index}]"), "must be a block of addresses such as \"10.0.0.0/8\"");
        }
        network
    });
    let trusted_proxies = networks.collect();
    public.finish();
    Some(Listeners { api, feed, ops, public_url: public_url?, trusted_proxies, tls })
}

fn tls(mut section: Section<'_>) -> Option<Tls> {
    let is_there = section.is_there();
    let files = (section.text("cert"), section.text("key"));
    let tls = match files {
        (Some(cert), Some(key)) => Some(Tls { cert: cert.into(), key: key.into() }),
        (None, None) if !is_there => None,
        _ => {
            section.fault("", "needs cert and key");
            None
        }
    };
    section.finish();
    tls
}

/// Scheme and authority of an `https` URL, or of an `http` one on a loopback host, without path, query or user.
fn origin(text: &str) -> Option<String> {
    let bare = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = bare.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
    let is_safe = scheme == "https" || (scheme == "http" && is_loopback(authority.host()));
    (is_bare && is_safe && bare == format!("{scheme}://{authority}")).then(|| bare.to_owned())
}
