//! Tokens inside a larger value: reading them out of a query or cookies, and cutting them out.

use std::borrow::Cow;

/// The query parameter that carries a token, found by its decoded name.
#[derive(Clone, Copy, Debug)]
pub struct QueryToken<'a>(&'a str);

impl<'a> QueryToken<'a> {
    /// The parameter of that name.
    pub fn named(name: &'a str) -> Self {
        Self(name)
    }

    /// The form-decoded value of each such parameter in the query of `path`.
    pub fn values<'p>(self, path: &'p [u8]) -> impl Iterator<Item = Cow<'p, [u8]>> {
        parameters(path).filter_map(move |pair| {
            let (name, value) = split_once(pair, b'=').unwrap_or((pair, b""));
            (*form_decode(name) == *self.0.as_bytes()).then(|| form_decode(value))
        })
    }

    /// `path` without the parameter; everything else stays byte for byte.
    pub fn cut_from(self, path: &[u8]) -> Vec<u8> {
        let Some((before, _)) = split_once(path, b'?') else {
            return path.to_vec();
        };
        let kept: Vec<&[u8]> = parameters(path)
            .filter(|pair| {
                let (name, _) = split_once(pair, b'=').unwrap_or((pair, b""));
                *form_decode(name) != *self.0.as_bytes()
            })
            .collect();
        match kept.is_empty() {
            true => before.to_vec(),
            false => [before, &kept.join(&b'&')].join(&b'?'),
        }
    }
}

/// The cookie that carries a token (RFC 6265 §4.2.1). Names are compared with case.
#[derive(Clone, Copy, Debug)]
pub struct CookieToken<'a>(&'a str);

impl<'a> CookieToken<'a> {
    /// The cookie of that name.
    pub fn named(name: &'a str) -> Self {
        Self(name)
    }

    /// The value of each such cookie. Several header lines may be joined by `,`, which no cookie value may hold.
    pub fn values<'c>(self, cookies: &'c [u8]) -> impl Iterator<Item = Cow<'c, [u8]>> {
        pairs(cookies).filter_map(move |pair| {
            let (name, value) = split_once(pair, b'=')?;
            (name == self.0.as_bytes()).then_some(Cow::Borrowed(value))
        })
    }

    /// The cookies without the token's; `None` when nothing is left.
    pub fn cut_from(self, cookies: &[u8]) -> Option<Vec<u8>> {
        let kept: Vec<&[u8]> = pairs(cookies)
            .filter(|pair| split_once(pair, b'=').is_none_or(|(name, _)| name != self.0.as_bytes()))
            .collect();
        (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
    }
}

fn parameters(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let query = split_once(path, b'?').map_or(&b""[..], |(_, query)| query);
    query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty())
}

fn pairs(cookies: &[u8]) -> impl Iterator<Item = &[u8]> {
    cookies.split(|byte| *byte == b';').flat_map(joined).map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// The parts of what may be the end of one line and the beginning of the next. A `,` begins a line where a pair
/// follows it; otherwise it belongs to a value: illegal there (RFC 6265 §4.1.1), but not rare.
fn joined(cookies: &[u8]) -> impl Iterator<Item = &[u8]> {
    let begins_a_pair = |rest: &[u8]| rest.split(|byte| *byte == b',').next().is_some_and(|part| part.contains(&b'='));
    let mut left = Some(cookies);
    std::iter::from_fn(move || {
        let here = left.take()?;
        let is_border = |at: &usize| here.get(*at) == Some(&b',') && here.get(at + 1..).is_some_and(begins_a_pair);
        let Some(border) = (0..here.len()).find(is_border) else { return Some(here) };
        left = here.get(border + 1..);
        here.get(..border)
    })
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}

fn form_decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'+') {
        let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        return Cow::Owned(percent_encoding::percent_decode(&spaced).collect());
    }
    percent_encoding::percent_decode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_parameter_and_leaves_the_rest_as_it_was() {
        let cut = |path: &str| String::from_utf8(QueryToken::named("t").cut_from(path.as_bytes())).unwrap();
        assert_eq!(cut("/a?t=1"), "/a");
        assert_eq!(cut("/a?x=%41+b&t=1&y"), "/a?x=%41+b&y");
        assert_eq!(cut("/a?%74=1&tt=2"), "/a?tt=2");
        assert_eq!(cut("/a"), "/a");
    }

    #[test]
    fn cuts_the_cookie_and_leaves_the_others() {
        let cut = |value: &str| {
            CookieToken::named("t").cut_from(value.as_bytes()).map(|left| String::from_utf8(left).unwrap())
        };
        assert_eq!(cut("a=1; t=x; b=2").as_deref(), Some("a=1; b=2"));
        assert_eq!(cut("t=x"), None);
        assert_eq!(cut("a; tt=1").as_deref(), Some("a; tt=1"));
        assert_eq!(cut("a=1,2,; t=x; b=,").as_deref(), Some("a=1,2,; b=,"));
        assert_eq!(cut("a=1,t=x,b=2").as_deref(), Some("a=1; b=2"), "three lines");
    }
}
