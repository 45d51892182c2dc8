//! Finds the access token in a request (RFC 6750 §2): in exactly one place, exactly once.

use super::credential::{CookieToken, Likeness, QueryToken};
use crate::base::headers::is_twin;
use crate::port::RequestHead;
use std::borrow::Cow;
use std::fmt;

/// A place where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A header; with schemes, only a value of one of them is a token.
    Header {
        /// Name, in lower case.
        name: Box<str>,
        /// Authentication schemes before the token, compared without regard to case (RFC 9110 §11.1).
        schemes: Vec<Box<str>>,
    },
    /// A query parameter (RFC 6750 §2.3).
    Query(Box<str>),
    Cookie(Box<str>),
}

/// Why a request has no usable token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Missing,
    /// No source carries one, but there is something that a few upstreams take for one.
    Doubtful,
    /// Two places, or one place twice.
    Repeated,
    /// Where an upstream may look, and we do not.
    Misplaced,
    Empty,
    TooLong,
}

impl TokenError {
    pub fn text(self) -> &'static str {
        match self {
            Self::Missing => "no access token",
            Self::Repeated => "an access token in two places",
            Self::Misplaced | Self::Doubtful => "what an upstream could take for another access token",
            Self::Empty => "an empty access token",
            Self::TooLong => "an access token that is too long",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The scheme of tokens that come with a proof (RFC 9449 §7.1).
pub const DPOP: &str = "DPoP";

/// A token as it is in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Not yet known to be well-formed.
    pub token: Cow<'a, [u8]>,
    /// Whether it came by the scheme [`DPOP`].
    pub by_dpop: bool,
}

/// Where to look for tokens, and how long they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// Places, all of which are looked at.
    pub sources: Vec<TokenSource>,
    /// Most bytes a token may have.
    pub max_length: usize,
}

/// The one token of the request.
///
/// # Errors
/// A [`TokenError`] when there is none, more than one, or one that cannot be a token for its length; also when an
/// upstream could find another one.
pub fn extract<'a>(settings: &'a TokenSettings, head: &'a impl RequestHead) -> Result<Candidate<'a>, TokenError> {
    let mut found = None;
    let mut has_cousin = false;
    let mut take = |likeness: Likeness, token: Cow<'a, [u8]>, by_dpop: bool| match likeness {
        Likeness::Other => Ok(()),
        Likeness::Twin => Err(TokenError::Misplaced),
        Likeness::Cousin => {
            has_cousin = true;
            Ok(())
        }
        Likeness::Token if found.is_some() => Err(TokenError::Repeated),
        Likeness::Token => {
            found = Some(Candidate { token, by_dpop });
            Ok(())
        }
    };
    for source in &settings.sources {
        match source {
            TokenSource::Header { name, schemes } => {
                if head.names().any(|other| is_twin(other, name.as_bytes())) {
                    return Err(TokenError::Misplaced);
                }
                let Some(value) = head.joined(name) else { continue };
                let Credentials { likeness, behind, by_dpop } = credentials(&value, schemes);
                let token = match &value {
                    Cow::Borrowed(value) => Cow::Borrowed(trimmed(value.get(behind..).unwrap_or_default())),
                    Cow::Owned(value) => Cow::Owned(trimmed(value.get(behind..).unwrap_or_default()).to_vec()),
                };
                take(likeness, token, by_dpop)?;
            }
            TokenSource::Query(name) => {
                for (likeness, pair) in QueryToken::named(name).parameters(head.first(":path").unwrap_or_default()) {
                    take(likeness, QueryToken::value(pair), false)?;
                }
            }
            TokenSource::Cookie(name) => {
                for (likeness, cookie) in head.lines("cookie").flat_map(|line| CookieToken::named(name).cookies(line)) {
                    take(likeness, Cow::Borrowed(CookieToken::value(cookie)), false)?;
                }
            }
        }
    }
    match found {
        None if has_cousin => Err(TokenError::Doubtful),
        None => Err(TokenError::Missing),
        Some(_) if has_cousin => Err(TokenError::Repeated),
        Some(found) if found.token.is_empty() => Err(TokenError::Empty),
        Some(found) if found.token.len() > settings.max_length => Err(TokenError::TooLong),
        Some(found) => Ok(found),
    }
}

/// Whether the request has a value of the scheme [`DPOP`] where it may have a token, be it none.
pub fn is_by_dpop(sources: &[TokenSource], head: &impl RequestHead) -> bool {
    sources.iter().any(|source| match source {
        TokenSource::Header { name, schemes } => head.lines(name).any(|value| credentials(value, schemes).by_dpop),
        TokenSource::Query(_) | TokenSource::Cookie(_) => false,
    })
}

/// What a header's value is where a token may be.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    pub likeness: Likeness,
    /// Where the token begins, if it is one.
    behind: usize,
    by_dpop: bool,
}

/// What a header's value is to the schemes that a token may have: what it is to the first to which it is something.
pub fn credentials(value: &[u8], schemes: &[Box<str>]) -> Credentials {
    for scheme in schemes {
        let (likeness, behind) = of_scheme(value, scheme.as_bytes());
        if likeness != Likeness::Other {
            return Credentials { likeness, behind, by_dpop: scheme.eq_ignore_ascii_case(DPOP) };
        }
    }
    let likeness = if schemes.is_empty() { Likeness::Token } else { Likeness::Other };
    Credentials { likeness, behind: 0, by_dpop: false }
}

/// What a header's value is to a scheme, and where the credentials begin.
///
/// Several lines of `authorization` arrive as one value, and upstreams look for a scheme behind a comma, or anywhere.
fn of_scheme(value: &[u8], scheme: &[u8]) -> (Likeness, usize) {
    if let Some(behind) = after_scheme(value, scheme) {
        return (Likeness::Token, behind);
    }
    let begins = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t' | b','));
    let is_word = |at: usize| {
        value.get(at..at + scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme))
            && match value.get(at + scheme.len()) {
                // Some patterns require only white space after the scheme: that is also several control characters, and in
                // Latin-1 some beyond ASCII.
                Some(..=b' ' | 0x80..) => true,
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
    // The usual spelling first.
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
