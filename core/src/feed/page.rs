//! Reads an answer as a page.

use crate::base::http::{Body, HttpAnswer};
use crate::feed::link::{LinkError, Origin, next_page};
use crate::feed::preference;
use crate::feed::settings::FeedSettings;
use std::fmt;
use std::time::Duration;

/// Longest validator that is kept for the next poll, in bytes.
const MAX_ETAG: usize = 8 << 10;

/// A page as it arrived.
#[derive(Debug)]
pub struct Page {
    pub body: Vec<u8>,
    /// Its entity tag, if it can be sent back.
    pub etag: Option<Box<str>>,
    /// Path and query of the next one.
    pub next: Option<String>,
}

/// Why an answer is not a page. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// It has a content coding, though none was asked for.
    Coded,
    /// Its media type is not one of JSON.
    NotJson,
    Link(LinkError),
    /// Its body is larger than asked for.
    TooLarge,
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coded => f.write_str("the answer has a content-encoding, though none was asked for"),
            Self::NotJson => f.write_str("the answer is not JSON"),
            Self::Link(error) => error.fmt(f),
            Self::TooLarge => f.write_str("a page is too large"),
        }
    }
}

impl From<LinkError> for PageError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl Page {
    /// The page at `path` that the source answered with.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn of(source: &FeedSettings, path: &str, answer: HttpAnswer) -> Result<Self, PageError> {
        if answer.is_coded() {
            return Err(PageError::Coded);
        }
        if !answer.header("content-type").is_none_or(is_json) {
            return Err(PageError::NotJson);
        }
        let etag = answer.header("etag").and_then(validator);
        let next = next(source, path, &answer)?;
        let Body::Whole(body) = answer.body else { return Err(PageError::TooLarge) };
        Ok(Self { body, etag, next })
    }
}

/// Whether a 304 says that what is known is unchanged. A page after the first is one that came since; a link that
/// cannot be read may lead to one.
pub fn is_unchanged(source: &FeedSettings, path: &str, answer: &HttpAnswer) -> bool {
    next(source, path, answer) == Ok(None)
}

/// Whether the server was asked to hold polls until there is something to tell, and says that it does (RFC 7240, 3 and
/// 4.3).
pub fn waits(source: &FeedSettings, answer: &HttpAnswer) -> bool {
    let applied = answer.headers.iter().filter(|(name, _)| name == "preference-applied");
    let wait = preference::wait(applied.map(|(_, value)| value.as_slice()));
    !source.wait().is_zero() && wait.is_some_and(|wait| wait.span() != Some(Duration::ZERO))
}

pub(super) fn validator(etag: &[u8]) -> Option<Box<str>> {
    let etag = std::str::from_utf8(etag).ok()?;
    let usable = (1..=MAX_ETAG).contains(&etag.len()) && etag.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    usable.then(|| etag.into())
}

fn next(source: &FeedSettings, path: &str, answer: &HttpAnswer) -> Result<Option<String>, LinkError> {
    let links = answer.headers.iter().filter(|(name, _)| name == "link");
    let origin = Origin { scheme: source.url.scheme(), authority: source.url.authority() };
    next_page(links.map(|(_, value)| value.as_slice()), origin, path)
}

/// `application/json`, or another media type of that syntax (RFC 6839 §3.1).
fn is_json(content_type: &[u8]) -> bool {
    let media = content_type.split(|byte| *byte == b';').next();
    let media = media.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    media == b"application/json" || (media.starts_with(b"application/") && media.ends_with(b"+json"))
}
