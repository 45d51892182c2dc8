//! Finding the access token in a request (RFC 6750 §2): in exactly one place, exactly once.

use super::credential::{CookieToken, QueryToken};
use std::borrow::Cow;

/// A place where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A header; with a scheme, only a value of that scheme is a token.
    Header {
        /// Name, in lower case.
        name: Box<str>,
        /// Authentication scheme before the token, compared without regard to case (RFC 9110 §11.1).
        scheme: Option<Box<str>>,
    },
    /// A query parameter (RFC 6750 §2.3).
    Query(Box<str>),
    /// A cookie.
    Cookie(Box<str>),
}

/// Why no token can be taken from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No source carries one.
    Missing,
    /// Two places, or one place twice.
    Repeated,
    /// Nothing where the token should be.
    Empty,
    /// Longer than the configuration takes.
    TooLong,
    /// The host could not say what the request carries.
    Unreadable,
}

/// Reads a request's headers. Pseudo-headers go by their names (`:path`).
pub trait RequestHead {
    /// All lines of that (lower-case) name, joined with `,` as RFC 9110 §5.3 has it; `None` when there is none.
    ///
    /// # Errors
    /// [`HostFailure`] when the host does not answer.
    fn header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFailure>;
}

/// The host refused to do its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFailure;

/// A token candidate as it stands in the request; not yet known to be well formed.
#[derive(PartialEq, Eq)]
pub struct Found {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Found {
    /// The candidate's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

/// Where tokens are looked for and how long they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Places, all of which are looked at.
    pub sources: Vec<Source>,
    /// Most bytes a token may have.
    pub max_length: usize,
}

/// The one token of the request.
///
/// # Errors
/// A [`Fault`] when there is none, more than one, or one that cannot be a token for its length.
pub fn extract(settings: &Settings, head: &impl RequestHead) -> Result<Found, Fault> {
    let mut found = None;
    for source in &settings.sources {
        let candidate = look(source, head)?;
        if candidate.is_some() && found.is_some() {
            return Err(Fault::Repeated);
        }
        found = found.or(candidate);
    }
    let found = found.ok_or(Fault::Missing)?;
    match found.bytes().len() {
        0 => Err(Fault::Empty),
        length if length > settings.max_length => Err(Fault::TooLong),
        _ => Ok(found),
    }
}

fn look(source: &Source, head: &impl RequestHead) -> Result<Option<Found>, Fault> {
    let read = |name: &str| head.header(name).map_err(|HostFailure| Fault::Unreadable);
    match source {
        Source::Header { name, scheme: None } => Ok(read(name)?.map(|buffer| {
            let (start, end) = trimmed(&buffer, 0);
            Found { buffer, start, end }
        })),
        Source::Header { name, scheme: Some(scheme) } => Ok(read(name)?.and_then(|buffer| {
            let (start, end) = trimmed(&buffer, after_scheme(&buffer, scheme.as_bytes())?);
            Some(Found { buffer, start, end })
        })),
        Source::Query(name) => match read(":path")? {
            Some(path) => one(QueryToken::named(name).values(&path)),
            None => Ok(None),
        },
        Source::Cookie(name) => match read("cookie")? {
            Some(cookies) => one(CookieToken::named(name).values(&cookies)),
            None => Ok(None),
        },
    }
}

/// The single value; two are refused even when they are equal.
fn one<'a>(mut values: impl Iterator<Item = Cow<'a, [u8]>>) -> Result<Option<Found>, Fault> {
    let first = values.next();
    if values.next().is_some() {
        return Err(Fault::Repeated);
    }
    Ok(first.map(|value| {
        let buffer = value.into_owned();
        let end = buffer.len();
        Found { buffer, start: 0, end }
    }))
}

/// Where the credentials begin, if the value is of that scheme: the scheme, then spaces or the end.
fn after_scheme(value: &[u8], scheme: &[u8]) -> Option<usize> {
    let head = value.get(..scheme.len())?;
    // As it is nearly always written, first.
    if head != scheme && !head.eq_ignore_ascii_case(scheme) {
        return None;
    }
    match value.get(scheme.len()) {
        None | Some(b' ') => Some(scheme.len()),
        Some(_) => None,
    }
}

fn trimmed(value: &[u8], from: usize) -> (usize, usize) {
    let rest = value.get(from..).unwrap_or_default();
    let start = rest.iter().position(|byte| *byte != b' ').map_or(value.len(), |skip| from + skip);
    let end = rest.iter().rposition(|byte| *byte != b' ').map_or(start, |last| from + last + 1);
    (start, end)
}

#[cfg(test)]
mod tests;
