//! Preferences of a request, and those that a server says it has applied (RFC 7240).

use std::time::Duration;

use crate::base::fields::{FieldReader, delta_seconds};

/// What a preference to wait says (RFC 7240 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So long. What is too long for a number is the longest.
    Span(Duration),
    /// No number of seconds.
    Unreadable,
}

impl Wait {
    pub fn span(self) -> Option<Duration> {
        match self {
            Self::Span(span) => Some(span),
            Self::Unreadable => None,
        }
    }
}

/// The `wait` among preferences, the values of all fields of that name. Of several the first counts, whatever its value
/// is (§2).
pub fn wait<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Wait> {
    values.into_iter().find_map(wait_in)
}

fn wait_in(value: &[u8]) -> Option<Wait> {
    let mut reader = FieldReader::new(value);
    while reader.next_element() {
        let name = reader.take_while(|byte| byte != b'=' && !ends(byte));
        let value = word(&mut reader);
        if name.eq_ignore_ascii_case(b"wait") {
            let is_whole = reader.ends_element() || reader.starts_with(b';');
            let span = value.filter(|_| is_whole).and_then(|value| delta_seconds(&value));
            return Some(span.map_or(Wait::Unreadable, Wait::Span));
        }
        // Parameters, or what should not be there; commas in quotation marks do not end it.
        while !reader.ends_element() {
            match reader.starts_with(b'"') {
                true => drop(reader.quoted_string()?),
                false => drop(reader.take_while(|byte| !matches!(byte, b',' | b'"'))),
            }
        }
    }
    None
}

/// What follows `=`; `None` where nothing can be read there.
fn word(reader: &mut FieldReader<'_>) -> Option<Vec<u8>> {
    reader.space();
    if !reader.take(b'=') {
        return None;
    }
    reader.space();
    reader.token_or_quoted_string()
}

fn ends(byte: u8) -> bool {
    matches!(byte, b';' | b',' | b' ' | b'\t' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_wait_counts_whatever_its_value_is() {
        let seconds = |seconds| Some(Wait::Span(Duration::from_secs(seconds)));
        let unreadable = Some(Wait::Unreadable);
        for (values, expected) in [
            (&["wait=20"][..], seconds(20)),
            (&["wait=0"], seconds(0)),
            (&["respond-async, WAIT = \"5\" ; x=1, wait=7"], seconds(5)),
            (&["respond-async", "", "wait=6", "wait=7"], seconds(6)),
            (&["wait=99999999999999999999"], seconds(u64::MAX)),
            // No value, or none that is a number.
            (&["wait"], unreadable),
            (&["wait, wait=5"], unreadable),
            (&["wait", "wait=5"], unreadable),
            (&["wait;x=1, wait=5"], unreadable),
            (&["wait=, wait=5"], unreadable),
            (&["wait=\"\", wait=5"], unreadable),
            (&["wait=-1"], unreadable),
            (&["wait=+1"], unreadable),
            (&["wait=1.5"], unreadable),
            (&["wait=5s"], unreadable),
            (&["wait=5 6"], unreadable),
            // One quotation mark, and more than one pair.
            (&["wait=\"5"], unreadable),
            (&["wait=5\""], unreadable),
            (&["wait=\"5\"\"6\""], unreadable),
            (&["wait=\"\"5\"\""], unreadable),
            // In quotation marks, commas and semicolons are nothing else.
            (&["a=\"x, wait=1; \\\", wait=2\", wait=3"], seconds(3)),
            (&["a; b=\"x, wait=1\"; c, wait=3"], seconds(3)),
            (&["a=\"x, wait=1", "wait=4"], seconds(4)),
            (&["a=\"x, wait=1"], None),
            (&["a \"b\" c, wait=3"], seconds(3)),
            (&[], None),
            (&["", " , ,"], None),
            (&["awaited, wait-for-it=1, x=wait, y; wait=1, =wait"], None),
        ] {
            assert_eq!(wait(values.iter().map(|value| value.as_bytes())), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(values: Vec<Vec<u8>>, text in "([wait=5;, \"\\\\]|wait){0,12}") {
            let _ = wait(values.iter().map(Vec::as_slice));
            let _ = wait([text.as_bytes()]);
        }
    }
}
