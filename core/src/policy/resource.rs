//! An API as an OAuth 2.0 protected resource (RFC 9728): its identifier, and where its metadata is.

use super::hosts;
use super::paths::{self, Certainty, Path};
use crate::base::http::HttpUrl;
use std::rc::Rc;

/// What the path of every resource's metadata begins with (§3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What its metadata says of an API that could not be said from its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    pub identifier: ResourceIdentifier,
    /// For people.
    pub name: Option<Box<str>>,
    /// Address of what developers read about it.
    pub documentation: Option<Box<str>>,
}

/// A resource identifier (§1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceIdentifier {
    text: Box<str>,
    metadata_url: Rc<str>,
    host: Box<str>,
    /// Path of the metadata, without a slash at its end.
    path: Box<str>,
}

impl ResourceIdentifier {
    /// Reads an `https` URL, or an `http` one of a loopback host, without query and fragment.
    ///
    /// # Errors
    /// What is wrong with the text, as a phrase.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = HttpUrl::parse(text)?;
        let host = String::from_utf8_lossy(hosts::name(url.authority().as_bytes())).into_owned();
        if url.scheme() == "http" && !is_loopback(&host) {
            return Err("must begin with \"https://\": only a loopback host may have \"http://\"");
        }
        if url.path().contains('?') {
            return Err("must not hold a query: matching ignores it");
        }
        if Path::read(url.path().as_bytes()).certainty == Certainty::Ambiguous {
            return Err("must have a path that can be read in one way only");
        }
        // The identifier with and without a slash behind the host is the same, and has the same metadata.
        let path = Some(url.path()).filter(|path| *path != "/").unwrap_or_default();
        let metadata_url = format!("{}://{}{WELL_KNOWN}{path}", url.scheme(), url.authority()).into();
        let path = format!("{WELL_KNOWN}{}", without_last_slash(path)).into();
        Ok(Self { text: text.into(), metadata_url, host: host.into(), path })
    }

    /// As it is configured: clients compare it byte by byte (§3.3).
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its metadata is (§3).
    pub fn metadata_url(&self) -> &Rc<str> {
        &self.metadata_url
    }

    /// The host of its metadata, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether a request with this authority and target is for its metadata. As with the hosts of an API, case and port
    /// do not matter. A slash at the end may be missing or superfluous: some clients take it off.
    pub fn is_described_at(&self, authority: &[u8], target: &[u8]) -> bool {
        let target = paths::without_query(target);
        let path = target.strip_suffix(b"/").unwrap_or(target);
        path == self.path.as_bytes() && hosts::name(authority).eq_ignore_ascii_case(self.host.as_bytes())
    }

    /// Whether the metadata of both has one address.
    pub fn is_twin(&self, other: &Self) -> bool {
        self.path == other.path && self.host.eq_ignore_ascii_case(&other.host)
    }
}

/// Whether a request with this target may be for a resource's metadata.
#[inline]
pub fn is_well_known(target: &[u8]) -> bool {
    target.starts_with(WELL_KNOWN.as_bytes())
}

fn without_last_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// A host that nobody beyond the machine can be meant by (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    // What is no name is an address, whose form has been checked.
    let is_address = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || is_address && host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(text: &str) -> ResourceIdentifier {
        ResourceIdentifier::parse(text).unwrap()
    }

    #[test]
    fn the_well_known_path_stands_between_host_and_path() {
        for (text, url) in [
            ("https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource"),
            ("https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource"),
            (
                "https://API.example.com:8443/a/b",
                "https://API.example.com:8443/.well-known/oauth-protected-resource/a/b",
            ),
            ("https://api.example.com/a/", "https://api.example.com/.well-known/oauth-protected-resource/a/"),
            ("http://[::1]:80/a", "http://[::1]:80/.well-known/oauth-protected-resource/a"),
        ] {
            assert_eq!(&**identifier(text).metadata_url(), url);
            assert_eq!(identifier(text).as_str(), text);
            let host = if text.contains("::1") { "[::1]" } else { "api.example.com" };
            assert!(identifier(text).host().eq_ignore_ascii_case(host), "{text}");
        }
    }

    #[test]
    fn an_identifier_is_an_https_url_without_query_and_fragment() {
        for good in ["http://localhost/a", "http://127.0.0.1:1/a", "http://[::1]", "http://a.LOCALHOST:80"] {
            assert!(ResourceIdentifier::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "orders",
            "api.example.com/orders",
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://128.0.0.1",
            "http://[::2]",
            "https://api.example.com/a?b",
            "https://api.example.com/?",
            "https://api.example.com/a#b",
            "https://user@api.example.com/a",
            "https://api.example.com//a",
            "https://api.example.com/a/../b",
            "https://api.example.com/a%2fb",
            "https://api.example.com/a b",
            "urn:orders",
        ] {
            assert!(ResourceIdentifier::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn its_metadata_is_at_one_path_of_one_host() {
        let orders = identifier("https://API.example.com/orders");
        let path = "/.well-known/oauth-protected-resource/orders";
        let is_at = |authority: &str, target: &str| orders.is_described_at(authority.as_bytes(), target.as_bytes());
        for authority in ["api.example.com", "API.EXAMPLE.COM:8443", "api.example.com."] {
            assert!(is_at(authority, path) && is_at(authority, &format!("{path}/?a=/b")), "{authority}");
        }
        for authority in ["", "example.com", "api.example.com.evil", "evil.api.example.com", "u@api.example.com"] {
            assert!(!is_at(authority, path), "{authority}");
        }
        for other in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/",
            "/.well-known/oauth-protected-resource/order",
            "/.well-known/oauth-protected-resource/orders2",
            "/.well-known/oauth-protected-resource/orders//",
            "/.well-known/oauth-protected-resource/Orders",
            "/.well-known/oauth-protected-resource/./orders",
            "/.well-known/oauth-protected-resource%2forders",
            "/.Well-Known/oauth-protected-resource/orders",
            "/orders/.well-known/oauth-protected-resource",
            "/orders",
            "",
        ] {
            assert!(!is_at("api.example.com", other), "{other}");
        }
        let root = identifier("https://api.example.com/");
        for target in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/"] {
            assert!(root.is_described_at(b"api.example.com", target.as_bytes()) && is_well_known(target.as_bytes()));
        }
        for other in ["", "/", "/orders", "/.well-known/oauth-protected", "/a/.well-known/oauth-protected-resource"] {
            assert!(!is_well_known(other.as_bytes()), "{other}");
        }
        assert!(!root.is_described_at(b"\xff", b"/.well-known/oauth-protected-resource/\xff"));
    }

    #[test]
    fn what_no_request_can_tell_apart_is_a_twin() {
        let orders = identifier("https://api.example.com/orders");
        for twin in [
            "https://API.example.com/orders",
            "https://api.example.com:8443/orders/",
            "https://api.example.com./orders",
        ] {
            assert!(orders.is_twin(&identifier(twin)), "{twin}");
        }
        for other in ["https://api.example.com/", "https://api.example.com/Orders", "https://b.example.com/orders"] {
            assert!(!orders.is_twin(&identifier(other)), "{other}");
        }
    }
}
