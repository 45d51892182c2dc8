//! The headers that say under which conditions a request is meant: `If-Match` (RFC 9110, 13.1.1) and `Idempotency-Key`.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use crate::http::problem::HttpProblem;
use crate::http::problem_types::INVALID_HEADER;
use crate::use_case::shown::Expected;

/// # Errors
/// The answer to a header that is no list of entity tags.
pub fn expected(headers: &HeaderMap) -> Result<Expected, HttpProblem> {
    let refused = || HttpProblem::new(&INVALID_HEADER, "If-Match must be * or a list of entity tags");
    let mut values = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        values.push(value.to_str().map_err(|_| refused())?);
    }
    if values.is_empty() {
        return Ok(Expected::Nothing);
    }
    let text = values.join(",");
    if text.trim() == "*" {
        return Ok(Expected::Any);
    }
    let (mut revisions, mut tags, mut rest) = (Vec::new(), 0_u32, text.as_str());
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return if tags == 0 { Err(refused()) } else { Ok(Expected::Revisions(revisions)) };
        }
        let (is_weak, opaque) = rest.strip_prefix("W/").map_or((false, rest), |opaque| (true, opaque));
        let (tag, after) = opaque.strip_prefix('"').and_then(|tag| tag.split_once('"')).ok_or_else(refused)?;
        if !after.is_empty() && !after.starts_with([' ', '\t', ',']) {
            return Err(refused());
        }
        // A weak one matches nothing here (RFC 9110, 8.8.3.2).
        revisions.extend(Some(tag).filter(|_| !is_weak).and_then(revision));
        tags += 1;
        rest = after;
    }
}

/// Of an entity tag as it is written here, and in no other way.
fn revision(tag: &str) -> Option<i64> {
    tag.parse().ok().filter(|revision: &i64| revision.to_string() == tag)
}

/// # Errors
/// The answer to a header that is no such key.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, HttpProblem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let refused = || HttpProblem::new(&INVALID_HEADER, "Idempotency-Key must be 1 to 255 visible ASCII characters");
    let text = value.to_str().map_err(|_| refused())?.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && values.next().is_none() { Ok(Some(key.to_owned())) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn entity_tags_are_read() {
        for (values, read) in [
            (&["\"3\""][..], Some(Expected::Revisions(vec![3]))),
            (&["\"3\", \"4\"", "\"5\""], Some(Expected::Revisions(vec![3, 4, 5]))),
            (&["W/\"3\""], Some(Expected::Revisions(vec![]))),
            (&["\"\""], Some(Expected::Revisions(vec![]))),
            (&["\"03\", \"+3\", \"a b,c\""], Some(Expected::Revisions(vec![]))),
            (&[" * "], Some(Expected::Any)),
            (&[], Some(Expected::Nothing)),
            (&[""], None),
            (&["3"], None),
            (&["\"3"], None),
            (&["\"3\"\"4\""], None),
            (&["*", "\"3\""], None),
            (&["w/\"3\""], None),
        ] {
            assert_eq!(expected(&headers("if-match", values)).ok(), read, "{values:?}");
        }
    }

    #[test]
    fn keys_are_read() {
        let long = "k".repeat(255);
        for (values, read) in [
            (&["a-b"][..], Some(Some("a-b"))),
            (&["\"a-b\""], Some(Some("a-b"))),
            (&[&long], Some(Some(long.as_str()))),
            (&[], Some(None)),
            (&[""], None),
            (&["\"\""], None),
            (&["a b"], None),
            (&["a", "a"], None),
            (&["ä"], None),
            (&[&format!("{long}k")], None),
        ] {
            let key = idempotency_key(&headers("idempotency-key", values));
            assert_eq!(key.ok(), read.map(|key| key.map(str::to_owned)), "{values:?}");
        }
    }
}
