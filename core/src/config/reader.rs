//! Reading typed values out of JSON while every mistake on the way is noted with its path.
//!
//! A method that returns `None` has noted why, unless it says otherwise.

use super::problem::Problems;
use crate::base::fields::is_header_value;
use crate::base::http::HttpUrl;
use crate::base::json::{self, Json};
use crate::base::printable::Printable;
use crate::base::secret::Secret;
use std::cell::RefCell;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Most characters of a member's name in a path.
const LONGEST_NAME: usize = 64;

/// What reading needs besides the text.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where problems go.
    pub problems: &'a Problems,
    /// The environment of the VM.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// A value and where it stands.
#[derive(Clone)]
pub struct Field<'a> {
    path: String,
    value: &'a Json<'a>,
    context: Context<'a>,
}

/// An object that knows which of its members have been read.
pub struct Object<'a> {
    path: String,
    members: &'a json::Object<'a>,
    known: RefCell<Vec<&'static str>>,
    context: Context<'a>,
}

impl<'a> Field<'a> {
    /// The whole configuration.
    pub fn root(value: &'a Json<'a>, context: Context<'a>) -> Self {
        Self { path: String::new(), value, context }
    }

    /// Notes that this value is wrong.
    pub fn refuse(&self, reason: impl Into<String>) {
        self.context.problems.add(&self.path, reason);
    }

    /// The value as it stands.
    pub fn value(&self) -> &'a Json<'a> {
        self.value
    }

    /// The text member `name` of each element of an array of objects, sound or not; for comparing elements.
    pub fn texts(&self, name: &str) -> Vec<Option<&'a str>> {
        self.elements().iter().map(|element| member_of(element, name).and_then(Json::as_text)).collect()
    }

    /// Whether the element at `index` of an array has a member `name`, of whatever type.
    pub fn has_member(&self, index: usize, name: &str) -> bool {
        self.elements().get(index).is_some_and(|element| member_of(element, name).is_some())
    }

    /// Notes that the member `name` of the element at `index` of an array is wrong.
    pub fn refuse_within(&self, index: usize, name: &str, reason: impl Into<String>) {
        self.context.problems.add(&member(&format!("{}[{index}]", self.path), name), reason);
    }

    fn elements(&self) -> &'a [Json<'a>] {
        if let Json::Array(elements) = self.value { elements } else { &[] }
    }

    /// An object, read by `read`; members that `read` did not ask for are problems.
    pub fn object<T>(&self, read: impl FnOnce(&Object<'a>) -> Option<T>) -> Option<T> {
        let Json::Object(members) = self.value else {
            self.refuse(format!("must be an object, got {}", self.value.type_name()));
            return None;
        };
        let object =
            Object { path: self.path.clone(), members, known: RefCell::new(Vec::new()), context: self.context };
        let read = read(&object);
        object.refuse_unknown();
        read
    }

    /// Every element of an array, read by `read`. Read to the end even when an element is wrong.
    pub fn array<T>(&self, mut read: impl FnMut(&Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Array(elements) = self.value else {
            self.refuse(format!("must be an array, got {}", self.value.type_name()));
            return None;
        };
        let read: Vec<Option<T>> = elements
            .iter()
            .enumerate()
            .map(|(index, value)| {
                read(&Field { path: format!("{}[{index}]", self.path), value, context: self.context })
            })
            .collect();
        read.into_iter().collect()
    }

    /// An array with at least one element.
    pub fn filled_array<T>(&self, read: impl FnMut(&Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let elements = self.array(read)?;
        if elements.is_empty() {
            self.refuse("must not be empty");
            return None;
        }
        Some(elements)
    }

    /// Every member of an object of free names, read by `read`.
    pub fn map<T>(&self, mut read: impl FnMut(&str, &Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Object(members) = self.value else {
            self.refuse(format!("must be an object, got {}", self.value.type_name()));
            return None;
        };
        let read: Vec<Option<T>> = members
            .iter()
            .map(|(name, value)| read(name, &Field { path: member(&self.path, name), value, context: self.context }))
            .collect();
        read.into_iter().collect()
    }

    /// A string.
    pub fn string(&self) -> Option<&'a str> {
        let text = self.value.as_text();
        if text.is_none() {
            self.refuse(format!("must be a string, got {}", self.value.type_name()));
        }
        text
    }

    /// A string with at least one character, none of which is a control character.
    pub fn text(&self) -> Option<Box<str>> {
        let text = self.string()?;
        if let Some(fault) = fault(text) {
            self.refuse(fault);
            return None;
        }
        Some(text.into())
    }

    /// A string that `parse` understands; its error is a phrase such as `must begin with "/"`.
    pub fn parsed<T, E: AsRef<str>>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.string()?;
        parse(text).map_err(|reason| self.refuse(format!("{}, got {text:?}", reason.as_ref()))).ok()
    }

    /// An `http` or `https` URL. A faulty one is not shown: it may hold credentials.
    pub fn url(&self) -> Option<HttpUrl> {
        let text = self.string()?;
        HttpUrl::parse(text).map_err(|reason| self.refuse(reason)).ok()
    }

    /// One of the given words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.string()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let list: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.refuse(format!("must be {}, got {text:?}", list.join(" or ")));
        }
        found
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        if let Json::Boolean(flag) = self.value {
            return Some(*flag);
        }
        self.refuse(format!("must be true or false, got {}", self.value.type_name()));
        None
    }

    /// A whole number within `range`. `3.0` is whole: a protobuf Struct holds every number as a double.
    pub fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
        let whole = |number: f64| {
            let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            fits.then_some(number as u64)
        };
        let (number, found) = match self.value {
            Json::Number(number) => (number.as_u64().or_else(|| number.as_f64().and_then(whole)), number.to_string()),
            other => (None, other.type_name().to_owned()),
        };
        let fitting = number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
        if fitting.is_none() {
            self.refuse(format!("must be a whole number from {} to {}, got {found}", range.start(), range.end()));
        }
        fitting
    }

    /// A span such as `"250ms"` within `range`.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.string()?;
        let Some(span) = duration(text) else {
            self.refuse(format!("must be a whole number and ms, s, m, h or d, such as \"15s\", got {text:?}"));
            return None;
        };
        if !range.contains(&span) {
            let (from, to) = (written(*range.start()), written(*range.end()));
            self.refuse(format!("must be between {from} and {to}, got {text:?}"));
            return None;
        }
        Some(span)
    }

    /// A secret: a string, or `{"env": "NAME"}`. Never shown in a problem.
    pub fn secret(&self) -> Option<Secret> {
        match self.value {
            Json::Text(_) => self.text().map(Secret::new),
            Json::Object(_) => self.object(|object| {
                let field = object.required("env")?;
                let name = field.text()?;
                let value = (self.context.env)(&name).unwrap_or_default();
                let fault = match value.is_empty() {
                    true => "is not set or empty in the VM",
                    false => match fault(&value) {
                        Some(fault) => fault,
                        None => return Some(Secret::new(value)),
                    },
                };
                // What does not look like a name may be the secret itself, put in the wrong place.
                let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let shown = if is_name { format!(" {name:?}") } else { String::new() };
                field.refuse(format!("environment variable{shown} {fault}"));
                None
            }),
            other => {
                self.refuse(format!("must be a string or {{\"env\": \"NAME\"}}, got {}", other.type_name()));
                None
            }
        }
    }

    /// A secret that can stand in a header.
    pub fn header_secret(&self) -> Option<Secret> {
        let secret = self.secret()?;
        if !is_header_value(secret.expose()) {
            self.refuse("must be printable ASCII without spaces at its ends to stand in a header");
            return None;
        }
        Some(secret)
    }
}

impl<'a> Object<'a> {
    /// The member, if it is there. `None` is no problem.
    pub fn optional(&self, name: &'static str) -> Option<Field<'a>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
        let value = self.members.get(name)?;
        Some(Field { path: member(&self.path, name), value, context: self.context })
    }

    /// As [`Self::optional`], and `null` says the same as absence.
    pub fn nullable(&self, name: &'static str) -> Option<Field<'a>> {
        self.optional(name).filter(|field| !matches!(field.value, Json::Null))
    }

    /// The member; its absence is a problem.
    pub fn required(&self, name: &'static str) -> Option<Field<'a>> {
        let field = self.optional(name);
        if field.is_none() {
            self.context.problems.add(&member(&self.path, name), "is required");
        }
        field
    }

    /// The member read by `read`, or `default` when it is absent. `None` when it is wrong.
    pub fn or<T>(&self, name: &'static str, default: T, read: impl FnOnce(&Field<'a>) -> Option<T>) -> Option<T> {
        match self.optional(name) {
            Some(field) => read(&field),
            None => Some(default),
        }
    }

    /// Members that mean something here, but not beside what else is wrong: their presence is no problem of its own.
    pub fn pass_over(&self, names: &[&'static str]) {
        for name in names {
            self.optional(name);
        }
    }

    /// Notes that a member is wrong, or missing; the object as a whole when `name` is empty.
    pub fn refuse_member(&self, name: &str, reason: impl Into<String>) {
        let path = if name.is_empty() { self.path.clone() } else { member(&self.path, name) };
        self.context.problems.add(&path, reason);
    }

    /// Notes that this object as a whole is wrong.
    pub fn refuse(&self, reason: impl Into<String>) {
        self.context.problems.add(&self.path, reason);
    }

    fn refuse_unknown(&self) {
        let known = self.known.borrow();
        for name in self.members.iter().map(|(name, _)| name).filter(|name| !known.contains(name)) {
            let mut reason = "is not known here".to_owned();
            if !known.is_empty() {
                let _ = write!(reason, "; known are {}", known.join(", "));
            }
            self.context.problems.add(&member(&self.path, name), reason);
        }
    }
}

/// Why a text is none that anybody means. Its last line break is mostly that of the file or the YAML block that it comes
/// from.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("must not be empty")
    } else if text.ends_with(['\n', '\r']) {
        Some("must not end in a line break")
    } else if text.contains(char::is_control) {
        Some("must not hold control characters")
    } else {
        None
    }
}

/// Reads `"250ms"`, `"15s"`, `"10m"`, `"24h"`, `"7d"`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit_millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_millis).map(Duration::from_millis)
}

fn written(span: Duration) -> String {
    let millis = crate::base::time::millis(span);
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis > *unit && millis.is_multiple_of(*unit))
        .map_or_else(
            || if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") },
            |(unit, name)| format!("{}{name}", millis / unit),
        )
}

fn member_of<'a>(value: &'a Json<'a>, name: &str) -> Option<&'a Json<'a>> {
    if let Json::Object(members) = value { members.get(name) } else { None }
}

/// The path of a member of the value at `path`.
pub fn member(path: &str, name: &str) -> String {
    // What follows a long one is still to be seen.
    let name = Printable { text: name, limit: LONGEST_NAME };
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("15s", 15_000), ("10m", 600_000), ("24h", 86_400_000), ("0s", 0), ("2d", 172_800_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "15", "1.5s", "-1s", "15 s", "15S", "1w", "18446744073709551615d", "٣s"] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["250ms", "15s", "60s", "10m", "24h", "2d"] {
            assert_eq!(written(duration(text).unwrap()), text);
        }
        assert_eq!(written(Duration::ZERO), "0s");
    }
}
