//! Readers of the values of members, for [`super::members::Members`].

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use crate::domain::fault::Fault;
use crate::domain::members::{Members, Reading, within};
use crate::domain::principal::is_slug;
use crate::domain::text::{Lines, Span, checked, is_api_id};
use crate::domain::time::Time;

/// That the value itself is wrong.
pub fn wrong<T>(detail: impl Into<String>) -> Reading<T> {
    Err(vec![Fault::new("", detail)])
}

fn string(value: &Value) -> Reading<&str> {
    value.as_str().map_or_else(|| wrong("must be a string"), Ok)
}

/// A text of one line with so many characters.
pub fn text(length: RangeInclusive<usize>) -> impl Fn(&Value) -> Reading<String> {
    move |value| checked(string(value)?, Lines::One, &length).or_else(wrong)
}

/// A text with so many characters, of any number of lines.
pub fn lines(length: RangeInclusive<usize>) -> impl Fn(&Value) -> Reading<String> {
    move |value| checked(string(value)?, Lines::Many, &length).or_else(wrong)
}

/// A text that fulfils a condition, which is said when it does not.
pub fn text_that(is_right: impl Fn(&str) -> bool, must: &'static str) -> impl Fn(&Value) -> Reading<String> {
    move |value| {
        let text = string(value)?;
        if is_right(text) { Ok(text.to_owned()) } else { wrong(must) }
    }
}

pub fn slug(value: &Value) -> Reading<String> {
    text_that(is_slug, "must be 1 to 63 of a-z, 0-9 and -, not beginning or ending with -")(value)
}

pub fn api_id(value: &Value) -> Reading<String> {
    text_that(is_api_id, "must be 1 to 128 of A-Z, a-z, 0-9, ., _ and -, beginning with a letter or digit")(value)
}

pub fn boolean(value: &Value) -> Reading<bool> {
    value.as_bool().map_or_else(|| wrong("must be true or false"), Ok)
}

pub fn integer(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Reading<u64> {
    move |value| match value.as_u64() {
        Some(number) if range.contains(&number) => Ok(number),
        _ => wrong(format!("must be an integer from {} to {}", range.start(), range.end())),
    }
}

pub fn time(value: &Value) -> Reading<Time> {
    Time::parse(string(value)?).map_or_else(|| wrong("must be an RFC 3339 time before the year 10000"), Ok)
}

/// A duration within bounds, which are named as they are written.
pub fn span(least: &'static str, most: &'static str) -> impl Fn(&Value) -> Reading<Span> {
    let bound = |text| Span::parse(text).map(|span| span.duration());
    let range = bound(least).unwrap_or(Duration::ZERO)..=bound(most).unwrap_or(Duration::MAX);
    move |value| match Span::parse(string(value)?) {
        Some(span) if range.contains(&span.duration()) => Ok(span),
        _ => wrong(format!("must be an integer and one of the units ms, s, m, h, d, from \"{least}\" to \"{most}\"")),
    }
}

/// `null`, or what the reader reads.
pub fn or_null<T>(reader: impl Fn(&Value) -> Reading<T>) -> impl Fn(&Value) -> Reading<Option<T>> {
    move |value| if value.is_null() { Ok(None) } else { reader(value).map(Some) }
}

/// One of these words.
pub fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Reading<T> {
    move |value| {
        let text = string(value)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.map_or_else(
            || {
                let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                wrong(format!("must be one of {}", words.join(", ")))
            },
            Ok,
        )
    }
}

/// An array of so many items.
pub fn array<T>(
    length: RangeInclusive<usize>,
    item: impl Fn(&Value) -> Reading<T>,
) -> impl Fn(&Value) -> Reading<Vec<T>> {
    move |value| {
        let Some(items) = value.as_array() else { return wrong("must be an array") };
        if !length.contains(&items.len()) {
            return wrong(format!("must have {} to {} items", length.start(), length.end()));
        }
        let (mut read, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
        for (index, value) in items.iter().enumerate() {
            match item(value) {
                Ok(item) => read.push(item),
                Err(wrong) => faults.extend(within(&index.to_string(), wrong)),
            }
        }
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }
}

/// As [`array`], and no item is there twice.
pub fn set<T: PartialEq>(
    length: RangeInclusive<usize>,
    item: impl Fn(&Value) -> Reading<T>,
) -> impl Fn(&Value) -> Reading<Vec<T>> {
    let items = array(length, item);
    move |value| {
        let read = items(value)?;
        let again = read.iter().enumerate().filter(|(index, item)| read.iter().take(*index).any(|one| one == *item));
        let faults: Vec<Fault> = again.map(|(index, _)| Fault::new(format!("/{index}"), "is there twice")).collect();
        if faults.is_empty() { Ok(read) } else { Err(faults) }
    }
}

/// An object that is made anew, from a blank one.
pub fn object<T>(blank: impl Fn() -> T, read: impl Fn(&mut Members<'_>, &mut T)) -> impl Fn(&Value) -> Reading<T> {
    move |value| {
        let Some(object) = value.as_object() else { return wrong("must be an object") };
        let (mut members, mut thing) = (Members::of_new(object), blank());
        read(&mut members, &mut thing);
        members.finish_part().map(|()| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers<T: std::fmt::Debug>(reading: Reading<T>) -> Vec<String> {
        reading.unwrap_err().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn faults_point_into_arrays_and_objects() {
        let item = object(u64::default, |members, count| {
            members.required("count", count, integer(1..=9));
        });
        let items = array(1..=3, item);
        assert_eq!(items(&json!([{"count": 1}, {"count": 9}])), Ok(vec![1, 9]));
        assert_eq!(pointers(items(&json!([{"count": 0}, {}, {"count": 1, "x": 1}]))), ["/0/count", "/1/count", "/2/x"]);
        assert_eq!(pointers(items(&json!([{"count": 1.5}, 3]))), ["/0/count", "/1"]);
        assert_eq!(pointers(items(&json!([]))), [""]);
        assert_eq!(pointers(set(0..=3, slug)(&json!(["a", "b", "a"]))), ["/2"]);
    }

    #[test]
    fn values_have_their_types_and_bounds() {
        const WORDS: &[(&str, u8)] = &[("one", 1), ("two", 2)];
        assert_eq!(word(WORDS)(&json!("two")), Ok(2));
        assert!(word(WORDS)(&json!("three")).is_err() && word(WORDS)(&json!(1)).is_err());
        assert!(span("1m", "24h")(&json!("60s")).is_ok());
        for wrong in [json!("59s"), json!("25h"), json!(60), json!("1"), json!(null)] {
            assert!(span("1m", "24h")(&wrong).is_err(), "{wrong}");
        }
        assert!(time(&json!("2026-01-01T00:00:00Z")).is_ok() && time(&json!("2026-01-01")).is_err());
        assert!(integer(0..=9)(&json!(-1)).is_err() && boolean(&json!("true")).is_err());
        assert!(text(0..=3)(&json!(["a"])).is_err() && lines(0..=3)(&json!("a\nb")).is_ok());
        assert!(api_id(&json!("a/b")).is_err() && slug(&json!("A")).is_err());
    }
}
