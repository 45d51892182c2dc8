//! Tokens within a larger value: reads them from a query or cookies, and removes them.

use std::borrow::Cow;

/// How a parameter or cookie relates to the name of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    Token,
    /// It is not read as the token here, but may well be by an upstream.
    Twin,
    /// Its name differs by case only. Few upstreams take it for the token.
    Cousin,
    /// It has nothing to do with it.
    Other,
}

/// The query parameter that carries a token, found by its decoded name.
#[derive(Clone, Copy, Debug)]
pub struct QueryToken<'a>(&'a str);

impl<'a> QueryToken<'a> {
    pub fn named(name: &'a str) -> Self {
        Self(name)
    }

    /// Each parameter in the query of `path`.
    pub fn parameters(self, path: &[u8]) -> impl Iterator<Item = (Likeness, &[u8])> {
        let query = split_once(path, b'?').map_or(&b""[..], |(_, query)| query);
        let pairs = query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        pairs.map(move |pair| (self.likeness(pair), pair))
    }

    pub fn value(pair: &[u8]) -> Cow<'_, [u8]> {
        form_decode(split_once(pair, b'=').map_or(&b""[..], |(_, value)| value))
    }

    /// `path` with only the parameters that have nothing to do with the token; these stay byte for byte.
    #[inline(never)]
    pub fn cut_from(self, path: &[u8]) -> Vec<u8> {
        let before = split_once(path, b'?').map_or(path, |(before, _)| before);
        let kept = self.parameters(path).filter(|(likeness, _)| *likeness == Likeness::Other);
        let kept: Vec<&[u8]> = kept.map(|(_, pair)| pair).collect();
        match kept.is_empty() {
            true => before.to_vec(),
            false => [before, &kept.join(&b'&')].join(&b'?'),
        }
    }

    #[inline(never)]
    fn likeness(self, pair: &[u8]) -> Likeness {
        let wanted = self.0.as_bytes();
        let name = |part: &'_ [u8]| form_decode(split_once(part, b'=').map_or(part, |(name, _)| name)).into_owned();
        // `;` separates parameters too, for old libraries.
        if pair.contains(&b';') && pair.split(|byte| *byte == b';').any(|part| resembles(&name(part), wanted, true)) {
            return Likeness::Twin;
        }
        let name = form_decode(split_once(pair, b'=').map_or(pair, |(name, _)| name));
        match resembles(&name, wanted, true) {
            false => Likeness::Other,
            true if *name == *wanted => Likeness::Token,
            true if name.eq_ignore_ascii_case(wanted) => Likeness::Cousin,
            true => Likeness::Twin,
        }
    }
}

/// The cookie that carries a token (RFC 6265 §4.2.1). Names are compared with case.
#[derive(Clone, Copy, Debug)]
pub struct CookieToken<'a>(&'a str);

impl<'a> CookieToken<'a> {
    pub fn named(name: &'a str) -> Self {
        Self(name)
    }

    /// Each cookie of one header line, with the space around it.
    pub fn cookies(self, line: &[u8]) -> impl Iterator<Item = (Likeness, &[u8])> {
        let mut quoted = false;
        line.split(|byte| *byte == b';').map(move |cookie| {
            let likeness = match self.likeness(cookie) {
                // Some readers treat a `;` between quotes as part of a value: for them no cookie begins there.
                Likeness::Token if quoted => Likeness::Twin,
                likeness => likeness,
            };
            let cookie_without_space = cookie.trim_ascii();
            if quoted {
                quoted = !cookie_without_space.ends_with(b"\"");
            } else if let Some((_, value)) = split_once(cookie_without_space, b'=') {
                let value = value.trim_ascii();
                quoted = value.starts_with(b"\"") && (value.len() == 1 || !value.ends_with(b"\""));
            }
            (likeness, cookie)
        })
    }

    pub fn value(cookie: &[u8]) -> &[u8] {
        split_once(cookie.trim_ascii(), b'=').map_or(&b""[..], |(_, value)| value)
    }

    /// The line without the token's cookie, every other byte as it was.
    #[inline(never)]
    pub fn cut_from(self, line: &[u8]) -> Vec<u8> {
        let kept = self.cookies(line).filter(|(likeness, _)| *likeness != Likeness::Token);
        let kept = kept.map(|(_, cookie)| cookie).collect::<Vec<_>>().join(&b';');
        kept.trim_ascii().to_vec()
    }

    #[inline(never)]
    fn likeness(self, cookie: &[u8]) -> Likeness {
        let wanted = self.0.as_bytes();
        let looks_so = |name: &[u8]| resembles(&form_decode(name), wanted, false);
        let cookie = cookie.trim_ascii_start();
        let Some((name, _)) = split_once(cookie, b'=') else { return Likeness::Other };
        // `,` separates cookies too, for old libraries (RFC 2109 §4.3.4), and space does for Python's.
        let behind_separator = |before: &'_ [u8]| {
            let before = before.trim_ascii_end();
            let separator = before.iter().rposition(|byte| *byte == b',' || byte.is_ascii_whitespace());
            separator.and_then(|at| before.get(at + 1..)).is_some_and(looks_so)
        };
        let mut parts = cookie.split(|byte| *byte == b'=');
        parts.next_back();
        match parts.any(behind_separator) {
            false if name == wanted => Likeness::Token,
            false if !looks_so(name) => Likeness::Other,
            _ => Likeness::Twin,
        }
    }
}

/// Whether some server takes a parameter or cookie of this (decoded) name for `wanted`: many cut space around it
/// (Python's also what is space beyond ASCII), PHP makes `_` of spaces, dots and brackets and stops at a NUL, and
/// `wanted[]` or `wanted[0]` is (part of) a list of that name to PHP, Rack and others.
#[inline(never)]
pub fn resembles(name: &[u8], wanted: &[u8], ignore_case: bool) -> bool {
    let fold = |byte: &u8| match byte {
        b' ' | b'.' | b'[' => b'_',
        byte if ignore_case => byte.to_ascii_lowercase(),
        byte => *byte,
    };
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let is_letter = |byte: &u8| byte.is_ascii_graphic();
    let start = name.iter().position(is_letter).unwrap_or(name.len());
    let end = name.iter().rposition(is_letter).map_or(start, |last| last + 1);
    let name = name.get(start..end).unwrap_or_default();
    let Some((name, rest)) = name.split_at_checked(wanted.len()) else { return false };
    (rest.is_empty() || rest.starts_with(b"[")) && name.iter().map(fold).eq(wanted.iter().map(fold))
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}

#[inline(never)]
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
        assert_eq!(cut("/a?%74=1&tt=2&T=3&x;t=4&t[]=5"), "/a?tt=2");
        assert_eq!(cut("/a"), "/a");
    }

    #[test]
    fn cuts_the_cookie_and_leaves_every_other_byte() {
        let cut = |value: &str| String::from_utf8(CookieToken::named("t").cut_from(value.as_bytes())).unwrap();
        assert_eq!(cut("a=1; t=x; b=2"), "a=1; b=2");
        assert_eq!(cut("t=x; b=2"), "b=2");
        assert_eq!(cut("t=x"), "");
        assert_eq!(cut("a; tt=1"), "a; tt=1");
        assert_eq!(cut("a=1,2,; t=x; b=,"), "a=1,2,; b=,");
        assert_eq!(cut("a=\"x;y,z=1\";t=x;b=2"), "a=\"x;y,z=1\";b=2");
    }

    #[test]
    fn a_parameter_is_told_from_what_an_upstream_could_take_for_it() {
        let name = QueryToken::named("access_token");
        let likeness = |query: &str| {
            let path = format!("/?{query}");
            let mut all = name.parameters(path.as_bytes()).map(|(likeness, _)| likeness).collect::<Vec<_>>();
            assert_eq!(all.len(), 1, "{query}");
            all.remove(0)
        };
        for token in ["access_token=1", "access%5Ftoken=1", "%61ccess_token", "access_token"] {
            assert_eq!(likeness(token), Likeness::Token, "{token}");
        }
        for twin in [
            "x=1;access_token=2",
            "access_token=1;x=2",
            "access_token;x=2",
            "access_token[]=1",
            "access_token%5b0%5d=1",
            "access.token=1",
            "access+token=1",
            "access%20token=1",
            "access[token=1",
            "+access_token=1",
            "%A0access_token=1",
            "access_token%C2%A0=1",
            "access_token+=1",
            "access_token%00x=1",
            "x;ACCESS_TOKEN=2",
        ] {
            assert_eq!(likeness(twin), Likeness::Twin, "{twin}");
        }
        assert_eq!(likeness("Access_Token=1"), Likeness::Cousin);
        for other in
            ["xaccess_token=1", "access_tokens=1", "access-token=1", "x=access_token", "x=1;y=2", "accesstoken=1"]
        {
            assert_eq!(likeness(other), Likeness::Other, "{other}");
        }
    }

    #[test]
    fn a_cookie_is_told_from_what_an_upstream_could_take_for_it() {
        let found = |line: &str| {
            let found = CookieToken::named("at").cookies(line.as_bytes()).map(|(likeness, _)| likeness);
            let found: Vec<_> = found.filter(|likeness| *likeness != Likeness::Other).collect();
            assert!(found.len() < 2, "{line}");
            found.first().copied()
        };
        for token in
            ["at=1", " at=1 ;a=2", "a=\"x\"; at=1", "a=\"x;y\"; at=1", "a=1,2; at=1", "a=x\"; at=1", "at=\"1\""]
        {
            assert_eq!(found(token), Some(Likeness::Token), "{token}");
        }
        for twin in [
            "at =1",
            "at\t=1",
            "theme=x,at=1",
            "theme=x, at =1",
            "theme=x at=1",
            "theme at=1",
            "theme=x\tat =1",
            "theme= at=1",
            "\u{a0}at=1",
            "at\u{85}=1",
            "theme=\"x,at=1\"",
            "a=\"x; at=1; b=y\"",
            "a=\"; at=1",
            "%61t=1",
            "at[]=1",
            "at%20=1",
        ] {
            assert_eq!(found(twin), Some(Likeness::Twin), "{twin}");
        }
        for other in ["AT=1", "xat=1", "a=\"at=1\"", "at", "a=at", "a=1,at", "att=1", "a=at=", "a=1 at", "a=x at y=1"] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
