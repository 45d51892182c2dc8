//! The request that is explained, as Envoy would hand it to the filter.

use std::borrow::Cow;
use tessera_core::base::fields::{is_header_name, is_token};
use tessera_core::base::headers::HeaderMap;
use tessera_core::token::extract::{DPOP, TokenSource};

/// A request without its body. Nothing in it is normalised.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: Vec<u8>,
    pub authority: Vec<u8>,
    /// Path and query.
    pub path: Vec<u8>,
    pub scheme: Option<&'static str>,
    /// The other header lines; names in lower case.
    pub lines: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// # Errors
    /// What is wrong with it, as a sentence that shows nothing of it.
    pub fn from_url(method: &[u8], url: &[u8], lines: &[&[u8]]) -> Result<Self, String> {
        let mut request = Self { method: method.to_vec(), ..Self::default() };
        request.set_target(url)?;
        request.add_lines(lines)?;
        request.checked()
    }

    /// Reads the head of a message of HTTP/1.1 (RFC 9112 §2.1).
    ///
    /// # Errors
    /// As above.
    pub fn from_head(head: &[u8]) -> Result<Self, String> {
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let (start, version) = rsplit_once(first, b' ').ok_or(NO_REQUEST_LINE)?;
        let (method, target) = split_once(start, b' ').ok_or(NO_REQUEST_LINE)?;
        if !version.starts_with(b"HTTP/1.") {
            return Err(NO_REQUEST_LINE.to_owned());
        }
        let mut request = Self { method: method.to_vec(), ..Self::default() };
        request.set_target(target)?;
        let lines: Vec<&[u8]> = lines.take_while(|line| !line.is_empty()).collect();
        request.add_lines(&lines)?;
        request.checked()
    }

    /// All header lines, pseudo-headers among them. Envoy says in `x-forwarded-proto` how the request came.
    pub fn head(&self) -> HeaderMap {
        let text = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let mut all =
            vec![text(":authority", &self.authority), text(":path", &self.path), text(":method", &self.method)];
        all.extend(self.scheme.map(|scheme| text(":scheme", scheme.as_bytes())));
        all.extend(self.lines.iter().cloned());
        if let Some(scheme) = self.scheme.filter(|_| !self.has(FORWARDED_PROTO)) {
            all.push(text(FORWARDED_PROTO, scheme.as_bytes()));
        }
        all.into_iter().collect()
    }

    fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|(line, _)| line == name)
    }

    /// Whether it is known if the request came by TLS.
    pub fn says_how_it_came(&self) -> bool {
        self.scheme.is_some() || self.has(FORWARDED_PROTO)
    }

    /// Puts a token where this source has it: by the scheme `DPoP` where that is one and a proof is there.
    pub fn put_token(&mut self, source: &TokenSource, token: &[u8]) {
        match source {
            TokenSource::Header { name, schemes } => {
                let of_proof = schemes.iter().find(|scheme| scheme.eq_ignore_ascii_case(DPOP) && self.has("dpop"));
                let value = match of_proof.or(schemes.first()) {
                    Some(scheme) => [scheme.as_bytes(), b" ", token].concat(),
                    None => token.to_vec(),
                };
                self.lines.push((name.to_string(), value));
            }
            TokenSource::Query(name) => {
                self.path.push(if self.path.contains(&b'?') { b'&' } else { b'?' });
                let encoded = percent_encoding::percent_encode(token, percent_encoding::NON_ALPHANUMERIC).to_string();
                self.path.extend([name.as_bytes(), b"=", encoded.as_bytes()].concat());
            }
            TokenSource::Cookie(name) => {
                let cookie = [name.as_bytes(), b"=", token].concat();
                match self.lines.iter_mut().find(|(line, _)| line == "cookie") {
                    Some((_, value)) => value.extend([b"; ", &*cookie].concat()),
                    None => self.lines.push(("cookie".to_owned(), cookie)),
                }
            }
        }
    }

    /// An absolute URL, or a path.
    fn set_target(&mut self, target: &[u8]) -> Result<(), String> {
        let lower: Cow<'_, [u8]> = target.get(..8).unwrap_or(target).to_ascii_lowercase().into();
        let scheme = [("https", 8), ("http", 7)].into_iter().find(|(scheme, length)| {
            lower.get(..*length).is_some_and(|start| start == [scheme.as_bytes(), b"://"].concat())
        });
        let Some((scheme, length)) = scheme else {
            if !target.starts_with(b"/") && target != b"*" {
                return Err("the URL must begin with \"https://\" or \"http://\", or be a path".to_owned());
            }
            self.path = target.to_vec();
            return Ok(());
        };
        let rest = target.get(length..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        self.scheme = Some(scheme);
        self.authority = authority.to_vec();
        self.path = if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() };
        Ok(())
    }

    fn add_lines(&mut self, lines: &[&[u8]]) -> Result<(), String> {
        let mut hosts: Vec<&[u8]> = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let (name, value) = split_once(line, b':')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| format!("header line {} has no name: HTTP/2's own cannot be given", index + 1))?;
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if !is_header_name(&name) {
                return Err(format!("header line {} begins with what is no name", index + 1));
            }
            let value = value.trim_ascii();
            if name == "host" { hosts.push(value) } else { self.lines.push((name, value.to_vec())) }
        }
        if !hosts.is_empty() {
            // Envoy makes one line of several.
            self.authority = hosts.join(&b',');
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, String> {
        let values = self.lines.iter().map(|(_, value)| value).chain([&self.authority, &self.path]);
        if values.into_iter().flatten().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err("no part of a request can hold a line break or NUL".to_owned());
        }
        if !is_token(&self.method) {
            return Err("the method must be a word of letters, digits and a few signs".to_owned());
        }
        if self.authority.is_empty() {
            return Err("the request names no host: give a whole URL, or a line \"host\"".to_owned());
        }
        Ok(self)
    }
}

const FORWARDED_PROTO: &str = "x-forwarded-proto";
const NO_REQUEST_LINE: &str = "the first line must be a request line, such as \"GET /orders/1 HTTP/1.1\"";

pub(super) fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}

fn rsplit_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().rposition(|byte| *byte == at)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}
