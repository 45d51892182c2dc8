//! `Cache-Control` of an introspection answer (RFC 9111 §5.2).

use std::time::Duration;

use crate::base::fields::{FieldReader, delta_seconds};
use crate::base::http::HttpAnswer;

/// How an answer's `Cache-Control` shortens its lifetime. It never extends it.
///
/// `private`, `s-maxage` and unknown directives have no say: the gateway keeps the answer for itself alone.
/// A header that does not match the grammar forbids keeping, because what it meant to forbid cannot be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-store` or `no-cache` (with or without field names): ask again each time.
    pub no_store: bool,
    /// `max-age`, the smallest where there are several; one that is not a number of seconds counts as 0 (§4.2.1).
    pub max_age: Option<Duration>,
    /// `must-revalidate`: not to be used past its freshness, whatever the server's state (§5.2.2.2).
    pub must_revalidate: bool,
}

impl CacheControl {
    /// From every `cache-control` line of an answer.
    pub fn of(answer: &HttpAnswer) -> Self {
        let lines = answer.headers.iter();
        Self::from_lines(
            lines.filter(|(name, _)| name.eq_ignore_ascii_case("cache-control")).map(|(_, value)| value.as_slice()),
        )
    }

    /// From the raw values of the header's lines.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut found = Self::default();
        for line in lines {
            let mut line = FieldReader::new(line);
            while line.next_element() {
                let Some((name, argument)) = directive(&mut line) else {
                    found.no_store = true;
                    break;
                };
                found.apply(name, argument.as_deref());
            }
        }
        found
    }

    fn apply(&mut self, name: &[u8], argument: Option<&[u8]>) {
        if name.eq_ignore_ascii_case(b"no-store") || name.eq_ignore_ascii_case(b"no-cache") {
            self.no_store = true;
        } else if name.eq_ignore_ascii_case(b"must-revalidate") {
            self.must_revalidate = true;
        } else if name.eq_ignore_ascii_case(b"max-age") {
            let age = argument.and_then(delta_seconds).unwrap_or(Duration::ZERO);
            self.max_age = Some(self.max_age.map_or(age, |before| before.min(age)));
        }
    }
}

/// The next `token [ "=" ( token / quoted-string ) ]` of the list; `None` when it is something else.
fn directive<'a>(line: &mut FieldReader<'a>) -> Option<(&'a [u8], Option<Vec<u8>>)> {
    let name = line.token()?;
    let argument = if line.take(b'=') { Some(line.token_or_quoted_string()?) } else { None };
    line.ends_element().then_some((name, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(lines: &[&str]) -> CacheControl {
        CacheControl::from_lines(lines.iter().map(|line| line.as_bytes()))
    }

    fn max_age(line: &str) -> Option<u64> {
        let found = parse(&[line]);
        assert!(!found.no_store, "{line}");
        found.max_age.map(|age| age.as_secs())
    }

    #[test]
    fn no_header_takes_nothing_away() {
        assert_eq!(parse(&[]), CacheControl::default());
        assert_eq!(parse(&[""]), CacheControl::default());
        assert_eq!(parse(&[" , ,\t"]), CacheControl::default());
    }

    #[test]
    fn directives_count_in_any_case_position_and_line() {
        assert!(parse(&["No-Store"]).no_store);
        assert!(parse(&["private, max-age=60 ,\tno-store"]).no_store);
        assert!(parse(&["max-age=60", "no-cache"]).no_store);
        assert!(parse(&["no-cache=\"set-cookie, x\""]).no_store);
        assert!(parse(&["max-age=5,must-revalidate"]).must_revalidate);
    }

    #[test]
    fn unknown_directives_and_what_they_quote_have_no_say() {
        assert_eq!(
            parse(&["private, public, s-maxage=1, x=\"no-store, max-age=0\", no-storex, ext=no-store"]),
            CacheControl::default()
        );
        assert_eq!(max_age("x=\"a\\\", no-store\", max-age=7"), Some(7));
    }

    #[test]
    fn max_age_is_a_number_of_seconds() {
        assert_eq!(max_age("max-age=60"), Some(60));
        assert_eq!(max_age("MAX-AGE=\"60\""), Some(60));
        assert_eq!(max_age("max-age=0"), Some(0));
        assert_eq!(max_age("max-age=99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn a_max_age_that_is_not_a_number_counts_as_zero() {
        for line in ["max-age", "max-age=-1", "max-age=1.5", "max-age=abc", "max-age=\"\""] {
            assert_eq!(max_age(line), Some(0), "{line}");
        }
    }

    #[test]
    fn the_smallest_max_age_holds() {
        assert_eq!(max_age("max-age=60, max-age=30, max-age=90"), Some(30));
        assert_eq!(parse(&["max-age=9", "max-age=60"]).max_age, Some(Duration::from_secs(9)));
    }

    #[test]
    fn what_does_not_match_the_grammar_is_not_kept() {
        for line in [
            "max-age = 60",
            "max-age=",
            "no-transform no-store",
            "x=\"never ends, max-age=60",
            "x=\"\\",
            "=60",
            "max-age=60; x",
            "\u{e9}",
        ] {
            assert!(parse(&[line]).no_store, "{line}");
        }
        assert!(CacheControl::from_lines([b"\xff\x00".as_slice()]).no_store);
    }

    #[test]
    fn is_read_from_the_answers_headers() {
        let answer = HttpAnswer {
            headers: vec![
                ("content-type".into(), b"no-store".to_vec()),
                ("cache-control".into(), b"max-age=9".to_vec()),
                ("cache-control".into(), b"max-age=3".to_vec()),
            ],
            ..HttpAnswer::default()
        };
        assert_eq!(CacheControl::of(&answer).max_age, Some(Duration::from_secs(3)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            CacheControl::from_lines(lines.iter().map(Vec::as_slice));
        }

        #[test]
        fn more_lines_only_take_away(first in "[a-z=\", 0-9-]{0,40}", second in "(max-age=[0-9]{1,3}|no-store|x)") {
            let one = parse(&[&first]);
            let two = parse(&[&first, &second]);
            prop_assert!(two.no_store >= one.no_store);
            prop_assert!(two.max_age.unwrap_or(Duration::MAX) <= one.max_age.unwrap_or(Duration::MAX));
        }
    }
}
