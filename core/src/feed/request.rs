//! The request for a page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::base::http::{AnswerHeaders, HttpCall};
use crate::feed::settings::FeedSettings;

/// All but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Path and query of the first page: everything, or what changed since `cursor`.
pub fn first_page(source: &FeedSettings, cursor: Option<&str>) -> String {
    let path = source.url.path();
    let Some(cursor) = cursor else {
        return path.to_owned();
    };
    let joint = match path.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{path}{joint}since={}", utf8_percent_encode(cursor, RESERVED))
}

/// Whether a page is requested even if it is unchanged (RFC 9110 §13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode<'a> {
    /// Unless it still is the one with this entity tag.
    Conditional(&'a str),
    Full,
}

/// The request for one page, of so many bytes at most.
pub fn page(source: &FeedSettings, path: &str, mode: Mode<'_>, max_bytes: usize) -> HttpCall {
    let mut headers = vec![
        (":method".to_owned(), "GET".to_owned()),
        (":path".to_owned(), path.to_owned()),
        (":authority".to_owned(), source.url.authority().to_owned()),
        (":scheme".to_owned(), source.url.scheme().to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    if !source.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept-encoding")) {
        headers.push(("accept-encoding".to_owned(), "identity".to_owned()));
    }
    if let Mode::Conditional(etag) = mode {
        headers.push(("if-none-match".to_owned(), etag.to_owned()));
    }
    for (name, value) in &source.headers {
        headers.push((name.to_ascii_lowercase(), value.expose().to_owned()));
    }
    HttpCall {
        cluster: source.cluster.clone(),
        headers: headers.into(),
        body: Vec::new(),
        timeout: source.timeout,
        answer_headers: AnswerHeaders::All,
        max_answer_bytes: max_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::http::HttpUrl;
    use crate::base::secret::Secret;
    use std::time::Duration;

    fn source(path: &str) -> FeedSettings {
        FeedSettings {
            cluster: "contracts".into(),
            url: HttpUrl::parse(&format!("https://contracts.internal{path}")).unwrap(),
            refresh: Duration::from_secs(15),
            full_reload: Duration::from_secs(3600),
            timeout: Duration::from_secs(5),
            headers: vec![("Authorization".into(), Secret::new("Bearer s"))],
        }
    }

    #[test]
    fn the_cursor_is_encoded_behind_what_is_there() {
        for (path, page) in [
            ("/c", "/c?since=a%20%26%2B%3D%C3%BC~"),
            ("/c?", "/c?since=a%20%26%2B%3D%C3%BC~"),
            ("/c?x=1", "/c?x=1&since=a%20%26%2B%3D%C3%BC~"),
        ] {
            assert_eq!(first_page(&source(path), Some("a &+=ü~")), page);
            assert_eq!(first_page(&source(path), None), path);
        }
    }

    #[test]
    fn a_request_has_what_envoy_needs() {
        let call = page(&source("/c"), "/c?page=2", Mode::Conditional("\"e\""), 100);
        let header = |name: &str| {
            let found = call.headers.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(header(":path"), Some("/c?page=2"));
        assert_eq!(header(":authority"), Some("contracts.internal"));
        assert_eq!(header("authorization"), Some("Bearer s"));
        assert_eq!(header("if-none-match"), Some("\"e\""));
        assert_eq!(header("accept-encoding"), Some("identity"));
    }
}
