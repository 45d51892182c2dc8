//! HTTP calls and their answers, as plain values.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// One request to an Envoy cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// Name of the Envoy cluster that reaches the server.
    pub cluster: Rc<str>,
    /// Request headers, the pseudo-headers `:method`, `:path`, `:authority`, `:scheme` first. Shared between calls of
    /// one kind.
    pub headers: Rc<[(String, String)]>,
    /// Request body; empty for none.
    pub body: Vec<u8>,
    /// How long Envoy waits for the whole answer.
    pub timeout: Duration,
    /// Headers of the answer that its reader uses.
    pub answer_headers: AnswerHeaders,
    /// The largest body that its reader accepts, in bytes.
    pub max_answer_bytes: usize,
}

/// Which headers of an answer are copied into the VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerHeaders {
    All,
    Only(&'static [&'static str]),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpResult {
    Answered(HttpAnswer),
    Failed(NoAnswer),
}

/// Why no answer of the server came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The host did not take the call.
    Unsent,
    /// The host itself answered: there was no connection, or it was lost before the server answered.
    Unconnected,
    /// The host itself answered: time was up.
    TimedOut,
    /// The answer had begun.
    BrokenOff,
}

impl NoAnswer {
    /// What the host means by an answer of its own.
    pub fn of_status(status: u16) -> Self {
        if status == 504 { Self::TimedOut } else { Self::Unconnected }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsent => {
                "not asked: Envoy did not take the call; check that it has the cluster, a healthy endpoint in it, and \
                 room in its circuit breaker"
            }
            Self::Unconnected => {
                "no connection came about, or it was lost: check the cluster's address, its TLS and its CA"
            }
            Self::TimedOut => "no answer in time",
            Self::BrokenOff => "the answer broke off, or is too large for Envoy",
        })
    }
}

/// What the server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code; 0 if the host gave none that can be read.
    pub status: u16,
    /// Response headers as they came, names in lower case, pseudo-headers left out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, or its length if that exceeds the reader's limit.
    pub body: Body,
}

/// An answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Whole(Vec<u8>),
    /// More bytes than the reader accepts; none were copied.
    TooLarge(usize),
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

impl HttpAnswer {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// Whether the body is compressed, or coded in another way (RFC 9110 §8.4): nothing here can read it.
    pub fn is_coded(&self) -> bool {
        let coding = self.header("content-encoding").unwrap_or_default().trim_ascii();
        !(coding.is_empty() || coding.eq_ignore_ascii_case(b"identity"))
    }
}

/// An absolute `http` or `https` URL (RFC 9110 §4.2), split as a request needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    scheme: &'static str,
    authority: Box<str>,
    path: Box<str>,
}

impl HttpUrl {
    /// Reads the URL. Credentials and fragments are refused.
    ///
    /// # Errors
    /// What is wrong with the text, as a phrase.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => ("https", rest),
            (_, Some(rest)) => ("http", rest),
            _ => return Err("must begin with \"https://\" or \"http://\""),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must contain only printable ASCII");
        }
        if rest.contains('#') {
            return Err("must not hold a fragment");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || authority.starts_with(':') {
            return Err("must name a host");
        }
        if authority.contains('@') {
            return Err("must not hold credentials");
        }
        check_authority(authority)?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, authority: authority.into(), path: path.into() })
    }

    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Host and port as the URL gives them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host without its port, as the URL gives it: an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        split_port(&self.authority).0
    }

    /// The port that is given, or the scheme's own (RFC 9110 §4.2).
    pub fn port(&self) -> u16 {
        let given = split_port(&self.authority).1.and_then(|port| port.parse().ok());
        given.unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }

    /// Path and query; begins with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This server's URL with another path, which begins with `/`.
    pub fn with_path(&self, path: String) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// Scheme, host and port in the one form that all spellings of them have (RFC 6454 §6.2): in lower case, without
    /// the scheme's own port.
    pub fn origin(&self) -> String {
        let Self { scheme, authority, .. } = self;
        let (host, port) = split_port(authority);
        let port = port.and_then(|port| port.parse::<u16>().ok());
        let host = host.to_ascii_lowercase();
        match (*scheme, port) {
            ("https", Some(443)) | ("http", Some(80)) | (_, None) => format!("{scheme}://{host}"),
            (_, Some(port)) => format!("{scheme}://{host}:{port}"),
        }
    }

    /// The pseudo-headers of a request to this URL (RFC 9113 §8.3.1).
    pub fn pseudo_headers(&self, method: &str) -> Vec<(String, String)> {
        [(":method", method), (":scheme", self.scheme), (":authority", &self.authority), (":path", &self.path)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }
}

/// Whether a text is a host, and perhaps a port, that a request can name (RFC 9110 §7.2): a name of the domain name
/// system, where underscores are seen too, or an address.
fn check_authority(text: &str) -> Result<(), &'static str> {
    let (host, port) = split_port(text);
    if !is_host(host) {
        return Err("must name a host: labels of letters, digits, \"-\" and \"_\" between dots, or an address (the \
                    name of an Envoy cluster stands in \"cluster\")");
    }
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_some_and(|port| !is_port(port)) {
        return Err("must have a port from 1 to 65535, or none");
    }
    Ok(())
}

/// The host of an authority, and the port if one is given.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    match (authority.starts_with('['), authority.rsplit_once(':')) {
        // A colon within brackets belongs to the address.
        (true, _) if authority.ends_with(']') => (authority, None),
        (_, Some((host, port))) => (host, Some(port)),
        (_, None) => (authority, None),
    }
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(is_ipv6);
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    // A last label of digits makes it an address.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(is_label) && (!is_number || is_ipv4(text))
}

/// Four numbers. The standard library's own readers of addresses would take 4 KiB of the module.
fn is_ipv4(text: &str) -> bool {
    // To some a leading zero makes a number octal.
    let is_plain = |part: &str| part == "0" || !part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_byte = |part: &str| is_plain(part) && part.parse::<u8>().is_ok();
    text.split('.').count() == 4 && text.split('.').all(is_byte)
}

/// Eight groups, of which `::` may stand for some, and the last two may be an IPv4 address (RFC 4291 §2.2).
fn is_ipv6(text: &str) -> bool {
    let (head, tail) = text.split_once("::").map_or((text, None), |(head, tail)| (head, Some(tail)));
    let groups = |part: &str, ends: bool| {
        let count = part.split(':').count();
        let fits = part.split(':').enumerate().all(|(index, group)| {
            (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit())
                || ends && index + 1 == count && is_ipv4(group)
        });
        let count = if part.contains('.') { count + 1 } else { count };
        if part.is_empty() { Some(0) } else { fits.then_some(count) }
    };
    match (groups(head, tail.is_none()), tail.map(|tail| groups(tail, true))) {
        (Some(all), None) => all == 8,
        (Some(some), Some(Some(more))) => some + more < 8,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_stands_behind_the_host() {
        for (authority, host) in [("a", "a"), ("a:80", "a"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]")] {
            assert_eq!(split_port(authority).0, host);
        }
        for (url, host, port) in
            [("http://a", "a", 80), ("https://[::1]/x", "[::1]", 443), ("https://A:8443", "A", 8443)]
        {
            let url = HttpUrl::parse(url).unwrap();
            assert_eq!((url.host(), url.port()), (host, port));
        }
    }
    use proptest::prelude::*;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table of cases")]
    fn a_url_is_split_as_a_request_needs_it() {
        let url = HttpUrl::parse("https://idp.example.com:8443/a/b?c=d").unwrap();
        assert_eq!((url.scheme(), url.authority(), url.path()), ("https", "idp.example.com:8443", "/a/b?c=d"));
        assert_eq!(HttpUrl::parse("http://h").unwrap().path(), "/");
        assert_eq!(HttpUrl::parse("http://h?q").unwrap().path(), "/?q");
        for good in [
            "https://idp",
            "https://IDP.example.com./x",
            "http://my_service.namespace:80",
            "http://127.0.0.1:4000/",
            "http://[::1]",
            "http://[2001:db8::1]:65535/x?y",
            "http://xn--bcher-kva.example/",
            "http://1a.2b",
        ] {
            assert!(HttpUrl::parse(good).is_ok(), "{good:?}");
        }
        for bad in [
            "https://outbound|443||idp/x",
            "https://outbound|443||idp.example.com:443/x",
            "https://a..b/",
            "https://.a/",
            "https://a../",
            "https://./",
            "https://h:/",
            "https://h:0/",
            "https://h:65536/",
            "https://h:+1/",
            "https://h:1:2/",
            "https://h:x/",
            "https://[::1",
            "https://::1]/",
            "https://[::1]x/",
            "https://[::1]:/",
            "https://[::1]]/",
            "https://[[::1]]/",
            "https://[]/",
            "https://[::1%25eth0]/",
            "https://[idp]/",
            "https://::1/",
            "https://1.2.3/",
            "https://1.2.3.256/",
            "https://4000/",
            "https://%69dp/",
            "https://${IDP}/",
            "https://<host>/",
            "https://h\\x/",
            "https://h,i/",
            "",
            "h",
            "ftp://h",
            "https://",
            "https:///p",
            "https://:1/",
            "https://u@h",
            "https://h/#f",
            "https://h/ x",
            "HTTPS://h",
        ] {
            assert!(HttpUrl::parse(bad).is_err(), "{bad:?}");
        }
        assert!(HttpUrl::parse(&format!("https://{}", "a".repeat(64))).is_err());
        assert!(HttpUrl::parse(&format!("https://{}", ["a"; 130].join("."))).is_err());
    }

    #[test]
    fn an_origin_has_one_form() {
        for (text, origin) in [
            ("https://idp.example.com/a", "https://idp.example.com"),
            ("https://IDP.Example.com:443?a", "https://idp.example.com"),
            ("https://idp.example.com:00443", "https://idp.example.com"),
            ("http://idp.example.com:443/", "http://idp.example.com:443"),
            ("http://idp:80", "http://idp"),
            ("https://idp:080", "https://idp:80"),
            ("http://[2001:DB8::A]", "http://[2001:db8::a]"),
            ("http://[::1]:80/", "http://[::1]"),
            ("http://[::1]:4000/", "http://[::1]:4000"),
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().origin(), origin, "{text}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_those_of_the_standard_library(
            text in "[0-9a-f:.]{1,20}|([0-9a-f]{0,5}:{1,2}){0,9}[0-9a-f]{0,4}|([0-9]{1,3}[.]){3}[0-9]{1,3}|::([0-9]{1,3}[.]){3}[0-9]{1,3}",
        ) {
            prop_assert_eq!(is_ipv6(&text), text.parse::<std::net::Ipv6Addr>().is_ok());
            prop_assert_eq!(is_ipv4(&text), text.parse::<std::net::Ipv4Addr>().is_ok());
        }
    }
}
