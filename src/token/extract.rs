//! Finding the access token in a request (RFC 6750 §2): in exactly one place, exactly once.

use super::credential::{CookieToken, QueryToken};
use crate::base::headers::RequestHead;
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
}

/// A token candidate as it stands in the request; not yet known to be well formed.
pub type Found<'a> = Cow<'a, [u8]>;

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
pub fn extract<'a>(settings: &'a Settings, head: &'a impl RequestHead) -> Result<Found<'a>, Fault> {
    let mut found = None;
    for source in &settings.sources {
        let candidate = look(source, head)?;
        if candidate.is_some() && found.is_some() {
            return Err(Fault::Repeated);
        }
        found = found.or(candidate);
    }
    let found = found.ok_or(Fault::Missing)?;
    match found.len() {
        0 => Err(Fault::Empty),
        length if length > settings.max_length => Err(Fault::TooLong),
        _ => Ok(found),
    }
}

fn look<'a>(source: &'a Source, head: &'a impl RequestHead) -> Result<Option<Found<'a>>, Fault> {
    match source {
        Source::Header { name, scheme } => Ok(head.joined(name).and_then(|value| match value {
            Cow::Borrowed(value) => credentials(value, scheme.as_deref()).map(Cow::Borrowed),
            Cow::Owned(value) => credentials(&value, scheme.as_deref()).map(|found| Cow::Owned(found.to_vec())),
        })),
        Source::Query(name) => {
            let path = head.first(":path").unwrap_or_default();
            one(QueryToken::named(name).values(path))
        }
        Source::Cookie(name) => match head.joined("cookie") {
            Some(cookies) => one(CookieToken::named(name).values(&cookies).map(|value| Cow::Owned(value.into_owned()))),
            None => Ok(None),
        },
    }
}

/// The single value; two are refused even when they are equal.
fn one<'a>(mut values: impl Iterator<Item = Cow<'a, [u8]>>) -> Result<Option<Found<'a>>, Fault> {
    let first = values.next();
    if values.next().is_some() {
        return Err(Fault::Repeated);
    }
    Ok(first)
}

/// What stands behind the scheme, if there is to be one; `None` for a value of another scheme.
fn credentials<'a>(value: &'a [u8], scheme: Option<&str>) -> Option<&'a [u8]> {
    let behind = scheme.map_or(Some(0), |scheme| after_scheme(value, scheme.as_bytes()))?;
    value.get(behind..).map(trimmed)
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

fn trimmed(value: &[u8]) -> &[u8] {
    let is_not_space = |byte: &u8| *byte != b' ';
    let start = value.iter().position(is_not_space).unwrap_or(value.len());
    let end = value.iter().rposition(is_not_space).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
