//! The next page of an answer: `Link` headers (RFC 8288) and what their references mean (RFC 3986 §5.2).

use crate::base::fields::FieldReader;
use std::fmt;

/// Longest path and query of a page.
pub const MAX_PATH: usize = 4096;

/// Why the next page cannot be determined. Never quotes the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkError(pub &'static str);

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const MALFORMED: LinkError = LinkError("a Link header is malformed");
const ELSEWHERE: LinkError = LinkError("the next page is on another server");
const UNUSABLE: LinkError = LinkError("the next page's address is unusable");

/// Where an answer came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub scheme: &'a str,
    pub authority: &'a str,
}

/// Path and query of the page after the one at `path`, if `links` (the values of all `Link` headers) name one.
///
/// # Errors
/// [`LinkError`] when a header cannot be read, or leads to another scheme, host or port.
pub fn next_page<'h>(
    links: impl Iterator<Item = &'h [u8]>,
    origin: Origin<'_>,
    path: &str,
) -> Result<Option<String>, LinkError> {
    for value in links {
        let value = std::str::from_utf8(value).map_err(|_| MALFORMED)?;
        if let Some(reference) = next_in(value)? {
            return resolve(reference, origin, path).map(Some);
        }
    }
    Ok(None)
}

/// The target of the first link with relation `next` and without a context of its own.
fn next_in(value: &str) -> Result<Option<&str>, LinkError> {
    let mut reader = FieldReader::new(value.as_bytes());
    while reader.next_element() {
        if !reader.take(b'<') {
            return Err(MALFORMED);
        }
        let target = std::str::from_utf8(reader.take_while(|byte| byte != b'>')).map_err(|_| MALFORMED)?;
        if !reader.take(b'>') {
            return Err(MALFORMED);
        }
        let (mut relations, mut anchored) = (None, false);
        reader.space();
        while reader.take(b';') {
            let (name, content) = parameter(&mut reader)?;
            // RFC 8288 §3.3: of several, only the first counts.
            if name.eq_ignore_ascii_case(b"rel") && relations.is_none() {
                relations = Some(content);
            } else if name.eq_ignore_ascii_case(b"anchor") {
                anchored = true;
            }
            reader.space();
        }
        if !reader.ends_element() {
            return Err(MALFORMED);
        }
        let relations = relations.unwrap_or_default();
        let is_next = |relation: &[u8]| relation.eq_ignore_ascii_case(b"next");
        if !anchored && relations.split(|byte| matches!(byte, b' ' | b'\t')).any(is_next) {
            return Ok(Some(target));
        }
    }
    Ok(None)
}

/// Reads `name`, `name=token` or `name="quoted"`, of whatever characters; an empty parameter (`;;`) has an empty name.
fn parameter<'a>(reader: &mut FieldReader<'a>) -> Result<(&'a [u8], Vec<u8>), LinkError> {
    let ends = |byte: u8| matches!(byte, b';' | b',' | b' ' | b'\t');
    reader.space();
    let name = reader.take_while(|byte| byte != b'=' && !ends(byte));
    reader.space();
    if !reader.take(b'=') {
        return Ok((name, Vec::new()));
    }
    reader.space();
    if reader.starts_with(b'"') {
        return Ok((name, reader.quoted_string().ok_or(MALFORMED)?));
    }
    Ok((name, reader.take_while(|byte| !ends(byte)).to_vec()))
}

/// Resolves a reference against the address of the page it was found on; path and query only.
fn resolve(reference: &str, origin: Origin<'_>, base: &str) -> Result<String, LinkError> {
    let reference = reference.split('#').next().unwrap_or_default();
    if !reference.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(UNUSABLE);
    }
    let (base_path, base_query) = split_query(base);
    let local = same_origin(reference, origin)?;
    let (path, query) = split_query(local.unwrap_or(reference));
    let (path, query) = if local.is_some() || path.starts_with('/') {
        (without_dots(if path.is_empty() { "/" } else { path }), query)
    } else if path.is_empty() {
        (base_path.to_owned(), query.or(base_query))
    } else {
        let folder = base_path.rfind('/').map_or("/", |slash| base_path.get(..=slash).unwrap_or("/"));
        (without_dots(&format!("{folder}{path}")), query)
    };
    let page = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    if page.len() > MAX_PATH {
        return Err(UNUSABLE);
    }
    Ok(page)
}

/// What follows scheme and authority, when the reference has them; `None` when it is relative.
fn same_origin<'r>(reference: &'r str, origin: Origin<'_>) -> Result<Option<&'r str>, LinkError> {
    let after_scheme = match reference.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => {
            if !scheme.eq_ignore_ascii_case(origin.scheme) {
                return Err(ELSEWHERE);
            }
            // `http:page` is not the address of a page.
            Some(rest.strip_prefix("//").ok_or(UNUSABLE)?)
        }
        _ => reference.strip_prefix("//"),
    };
    let Some(rest) = after_scheme else {
        return Ok(None);
    };
    let (authority, local) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if host_and_port(authority, origin.scheme) != host_and_port(origin.authority, origin.scheme) {
        return Err(ELSEWHERE);
    }
    Ok(Some(local))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn host_and_port(authority: &str, scheme: &str) -> (String, String) {
    let default = if scheme.eq_ignore_ascii_case("http") { "80" } else { "443" };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    };
    let port = if port.is_empty() { default } else { port };
    (host.to_ascii_lowercase(), port.to_owned())
}

fn split_query(address: &str) -> (&str, Option<&str>) {
    match address.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (address, None),
    }
}

/// Removes `.` and `..` segments (RFC 3986 §5.2.4) from a path that begins with `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: Origin<'_> = Origin { scheme: "https", authority: "API.example.com" };

    fn next(links: &[&str]) -> Result<Option<String>, LinkError> {
        next_page(links.iter().map(|link| link.as_bytes()), ORIGIN, "/v1/contracts?page=1")
    }

    fn leads(link: &str, page: &str) {
        assert_eq!(next(&[link]), Ok(Some(page.to_owned())), "{link}");
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        leads(r#"</a>; rel="next""#, "/a");
        leads("</a>;rel=next", "/a");
        leads(r#"</p>; rel="prev", </a> ; title="x, <y>; rel=\"next\"" ; REL = "last NEXT""#, "/a");
        leads(r#",, </x>; rel="prev"; rel="next", </a>; rel=next; rel=prev"#, "/a");
        leads(r#"</x>; rel=next; anchor="/other", </a>; x; ; rel=next"#, "/a");
        assert_eq!(next(&[r#"</x>; rel="prev""#, "</a>; rel=next"]), Ok(Some("/a".into())));
        for none in ["", "</a>", r#"</a>; rel="prev""#, r#"</a>; rel="nextish""#, "</a>; title=next"] {
            assert_eq!(next(&[none]), Ok(None), "{none}");
        }
    }

    #[test]
    fn malformed_headers_are_noticed() {
        for link in ["/a; rel=next", "<a; rel=next", r#"</a>; rel="next"#, "</a> x", r#"</a>; rel="n\"#] {
            assert_eq!(next(&[link]), Err(MALFORMED), "{link}");
        }
        assert_eq!(next_page([&b"</\xff>; rel=next"[..]].into_iter(), ORIGIN, "/"), Err(MALFORMED));
    }

    #[test]
    fn references_are_resolved() {
        for (reference, page) in [
            ("/v2?x=%20", "/v2?x=%20"),
            ("?page=2", "/v1/contracts?page=2"),
            ("?page=2#top", "/v1/contracts?page=2"),
            ("", "/v1/contracts?page=1"),
            ("more", "/v1/more"),
            ("./more/.?a=/../b", "/v1/more/?a=/../b"),
            ("../more", "/more"),
            ("../../../more/..", "/"),
            ("?next=http://x/", "/v1/contracts?next=http://x/"),
            ("https://api.example.com/a?b", "/a?b"),
            ("HTTPS://api.EXAMPLE.com:443/a/../c", "/c"),
            ("//api.example.com", "/"),
            ("//api.example.com?q", "/?q"),
        ] {
            leads(&format!("<{reference}>; rel=next"), page);
        }
    }

    #[test]
    fn other_origins_are_refused() {
        for reference in [
            "http://api.example.com/a",
            "https://api.example.com:8443/a",
            "https://evil.example/a",
            "https://api.example.com@evil.example/a",
            "https://user@api.example.com/a",
            "//evil.example/a",
            "ftp:a",
        ] {
            let link = format!("<{reference}>; rel=next");
            assert_eq!(next(&[&link]), Err(ELSEWHERE), "{reference}");
        }
        for reference in ["https:a", "/a b", "/ü", "/a\u{7f}"] {
            let link = format!("<{reference}>; rel=next");
            assert_eq!(next(&[&link]), Err(UNUSABLE), "{reference}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_out_can_be_asked_for(link in "(<[/.?a:#%]{0,12}>; rel=next|[<>;=\"\\\\, a-z/]{0,30})") {
            if let Ok(Some(page)) = next(&[&link]) {
                prop_assert!(page.starts_with('/') && page.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
