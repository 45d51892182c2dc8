//! Who polls, and what for.

use std::time::Duration;

use axum::http::header::IF_NONE_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tessera_core::feed::preference;

use crate::http::problem::HttpProblem;
use crate::http::registry::Registry;
use crate::use_case::feed::Poll;
use crate::use_case::feed_store::FeedScope;
use crate::use_case::gateway_tokens::{gateway_of, is_due};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Longer wishes count as this long.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A gateway whose token is good.
#[derive(Clone, Debug)]
pub struct Poller {
    pub gateway: String,
    /// The gateway's.
    pub revision: i64,
    /// The id of its token.
    pub token: String,
    pub scope: FeedScope,
    /// Its polls have not been noted for a while.
    pub is_due: bool,
}

impl Poller {
    /// `None` for a token that is not valid.
    ///
    /// # Errors
    /// It could not be told.
    pub async fn identified(registry: &Registry, token: &str) -> Result<Option<Self>, HttpProblem> {
        let outside = &registry.outside;
        let mut tx = outside.store.read().await?;
        let Some((token, kept)) = gateway_of(&mut *tx, token).await? else { return Ok(None) };
        let is_due = is_due(&kept.thing, outside.clock.now());
        let revision = kept.revision;
        let (gateway, environment, apis) = (kept.thing.id, kept.thing.environment, kept.thing.apis);
        let scope = FeedScope { organisation: kept.organisation, environment, apis };
        Ok(Some(Self { gateway, revision, token, scope, is_due }))
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub poll: Poll,
    /// How long to wait for news; only with `since`.
    pub wait: Option<Duration>,
    /// The entity tags of `If-None-Match`, unread.
    pub known: Vec<String>,
}

impl Wish {
    pub fn read(parts: &Parts) -> Self {
        let mut since = None;
        let mut page = None;
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "since" if since.is_none() => since = Some(value.into_owned()),
                "page" if page.is_none() => page = Some(value.into_owned()),
                _ => {}
            }
        }
        let wait = since.is_some().then(|| preferred_wait(&parts.headers)).flatten().filter(|_| page.is_none());
        let poll = match (page, since) {
            (Some(page), _) => Poll::Page(page),
            (None, Some(since)) => Poll::Since(since),
            (None, None) => Poll::Everything,
        };
        let known = parts.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect();
        Self { poll, wait, known }
    }
}

/// How long the first `wait` asks to wait (RFC 7240, 4.3); one that is no number is none.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let wait = preference::wait(headers.get_all(PREFER).iter().map(HeaderValue::as_bytes))?;
    wait.span().map(|span| span.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn wish(uri: &str, headers: &[(&str, &str)]) -> Wish {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        Wish::read(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn what_is_asked_for_is_read() {
        assert_eq!(wish("/v1/contracts", &[]).poll, Poll::Everything);
        assert_eq!(wish("/v1/contracts?x=1&since=a%2Eb&since=c", &[]).poll, Poll::Since("a.b".into()));
        assert_eq!(wish("/v1/contracts?since=a&page=p", &[("prefer", "wait=9")]).poll, Poll::Page("p".into()));
        let tags = wish("/v1/contracts", &[("if-none-match", "W/\"a\", \"b\""), ("if-none-match", "*")]).known;
        assert_eq!(tags, ["W/\"a\"", "\"b\"", "*"]);
    }

    #[test]
    fn a_wait_is_read_and_bounded() {
        for (preference, seconds) in [
            ("wait=20", Some(20)),
            ("respond-async, Wait = 20; x=y", Some(20)),
            ("wait=\"7\"", Some(7)),
            ("wait=61", Some(60)),
            ("wait=99999999999999999999999", Some(60)),
            ("wait=0", Some(0)),
            ("wait", None),
            ("wait=", None),
            ("wait=-1", None),
            ("wait=1.5", None),
            ("wait, wait=5", None),
            ("wait=\"7", None),
            ("handling=lenient", None),
        ] {
            let read = wish("/v1/contracts?since=a", &[("prefer", preference)]).wait;
            assert_eq!(read, seconds.map(Duration::from_secs), "{preference}");
        }
        assert_eq!(wish("/v1/contracts", &[("prefer", "wait=20")]).wait, None);
        assert_eq!(wish("/v1/contracts?since=a&page=b", &[("prefer", "wait=20")]).wait, None);
    }
}
