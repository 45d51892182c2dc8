//! Finding the access token in a request (RFC 6750 §2): in exactly one place, exactly once.

use super::credential::{CookieToken, Likeness, QueryToken};
use crate::base::headers::is_twin;
use crate::port::RequestHead;
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
    Cookie(Box<str>),
}

/// Why no token can be taken from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Missing,
    /// No source carries one, but something that few upstreams take for one is there.
    Doubtful,
    /// Two places, or one place twice.
    Repeated,
    /// Where an upstream may look, and we do not.
    Misplaced,
    Empty,
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
/// A [`Fault`] when there is none, more than one, or one that cannot be a token for its length; also when an upstream
/// could find another one.
pub fn extract<'a>(settings: &'a Settings, head: &'a impl RequestHead) -> Result<Found<'a>, Fault> {
    let mut found = None;
    let mut has_cousin = false;
    let mut take = |likeness: Likeness, value: Found<'a>| match likeness {
        Likeness::Other => Ok(()),
        Likeness::Twin => Err(Fault::Misplaced),
        Likeness::Cousin => {
            has_cousin = true;
            Ok(())
        }
        Likeness::Token if found.is_some() => Err(Fault::Repeated),
        Likeness::Token => {
            found = Some(value);
            Ok(())
        }
    };
    for source in &settings.sources {
        match source {
            Source::Header { name, scheme } => {
                if head.names().any(|other| is_twin(other, name.as_bytes())) {
                    return Err(Fault::Misplaced);
                }
                let Some(value) = head.joined(name) else { continue };
                let (likeness, behind) = credentials(&value, scheme.as_deref());
                let token = match &value {
                    Cow::Borrowed(value) => Cow::Borrowed(trimmed(value.get(behind..).unwrap_or_default())),
                    Cow::Owned(value) => Cow::Owned(trimmed(value.get(behind..).unwrap_or_default()).to_vec()),
                };
                take(likeness, token)?;
            }
            Source::Query(name) => {
                for (likeness, pair) in QueryToken::named(name).parameters(head.first(":path").unwrap_or_default()) {
                    take(likeness, QueryToken::value(pair))?;
                }
            }
            Source::Cookie(name) => {
                for (likeness, cookie) in head.lines("cookie").flat_map(|line| CookieToken::named(name).cookies(line)) {
                    take(likeness, Cow::Borrowed(CookieToken::value(cookie)))?;
                }
            }
        }
    }
    match found {
        None if has_cousin => Err(Fault::Doubtful),
        None => Err(Fault::Missing),
        Some(_) if has_cousin => Err(Fault::Repeated),
        Some(found) if found.is_empty() => Err(Fault::Empty),
        Some(found) if found.len() > settings.max_length => Err(Fault::TooLong),
        Some(found) => Ok(found),
    }
}

/// What a header's value is to the scheme that a token is to have, and where the credentials begin.
///
/// Several lines of `authorization` arrive as one value, and upstreams look for a scheme behind a comma, or anywhere.
pub fn credentials(value: &[u8], scheme: Option<&str>) -> (Likeness, usize) {
    let Some(scheme) = scheme.map(str::as_bytes) else { return (Likeness::Token, 0) };
    if let Some(behind) = after_scheme(value, scheme) {
        return (Likeness::Token, behind);
    }
    let begins = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t' | b','));
    let is_word = |at: usize| {
        value.get(at..at + scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme))
            && match value.get(at + scheme.len()) {
                // Some patterns ask for no more than space behind the scheme. Latin-1 has space beyond ASCII.
                Some(b' ' | b'\t' | 0x80..) => true,
                None | Some(b',') => begins(at.checked_sub(1).and_then(|before| value.get(before))),
                Some(_) => false,
            }
    };
    let likeness = match (0..value.len()).find(|at| is_word(*at)) {
        None => Likeness::Other,
        Some(0) if value.get(scheme.len()) == Some(&b'\t') => Likeness::Cousin,
        Some(_) => Likeness::Twin,
    };
    (likeness, 0)
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
