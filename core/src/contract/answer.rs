//! What of an answer can be read as a page.

use crate::base::http::{Body, HttpAnswer};
use crate::contract::document::Document;
use crate::contract::link::{LinkError, Origin, next_page};
use crate::contract::poll::{Failure, Poll};
use crate::contract::settings::SourceSettings;

/// The page that the source answered with, to be read, and the address of the next one.
///
/// # Errors
/// [`Failure`] when it is not JSON, too large, or leads elsewhere.
pub fn page(
    source: &SourceSettings,
    poll: &mut Poll,
    answer: HttpAnswer,
) -> Result<(Document, Option<String>), Failure> {
    if answer.is_coded() {
        return Err(Failure::unusable("the answer has a content-encoding, though none was asked for"));
    }
    if !answer.header("content-type").is_none_or(is_json) {
        return Err(Failure::unusable("the answer is not JSON"));
    }
    let etag = answer.header("etag").map(<[u8]>::to_vec);
    let next = next(source, poll, &answer).map_err(|error| Failure::unusable(error.to_string()))?;
    let Body::Whole(body) = answer.body else {
        return Err(Failure::unusable("a page is too large"));
    };
    poll.page_came(body.len(), etag.as_deref())?;
    Ok((Document::new(body), next))
}

/// Whether a 304 says that what is known is unchanged. A page after the first is one that came since; a link that
/// cannot be read may lead to one.
pub fn is_unchanged(source: &SourceSettings, poll: &Poll, answer: &HttpAnswer) -> bool {
    next(source, poll, answer) == Ok(None)
}

fn next(source: &SourceSettings, poll: &Poll, answer: &HttpAnswer) -> Result<Option<String>, LinkError> {
    let links = answer.headers.iter().filter(|(name, _)| name == "link");
    let origin = Origin { scheme: source.url.scheme(), authority: source.url.authority() };
    let path = poll.paths.last().map_or("/", String::as_str);
    next_page(links.map(|(_, value)| value.as_slice()), origin, path)
}

/// `application/json`, or another media type of that syntax (RFC 6839 §3.1).
fn is_json(content_type: &[u8]) -> bool {
    let media = content_type.split(|byte| *byte == b';').next();
    let media = media.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    media == b"application/json" || (media.starts_with(b"application/") && media.ends_with(b"+json"))
}
