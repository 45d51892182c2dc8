//! A value of the configuration and where it stands. What is wrong with it is noted there.
//!
//! A method that returns `None` has noted why, unless it says otherwise.

use super::problem::{Code, Problems, element, member};
use crate::base::http::HttpUrl;
use crate::base::json::Json;

/// What reading needs besides the text.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub problems: &'a Problems,
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Json<'a>,
    pub(super) context: Context<'a>,
}

impl<'a> Field<'a> {
    pub(super) fn root(value: &'a Json<'a>, context: Context<'a>) -> Self {
        Self { path: String::new(), value, context }
    }

    pub(super) fn value(&self) -> &'a Json<'a> {
        self.value
    }

    pub(super) fn refuse(&self, code: Code, reason: impl Into<String>) {
        self.context.problems.add(&self.path, code, reason);
    }

    /// Notes that this value is of the wrong type.
    pub(super) fn refuse_type(&self, wanted: &str) {
        self.refuse(Code::WrongType, format!("must be {wanted}, got {}", self.value.type_name()));
    }

    /// Every element of an array, read by `read`. Read to the end even when an element is wrong.
    pub(super) fn array<T>(&self, mut read: impl FnMut(&Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Array(elements) = self.value else {
            self.refuse_type("an array");
            return None;
        };
        let read: Vec<Option<T>> = elements
            .iter()
            .enumerate()
            .map(|(index, value)| read(&Field { path: element(&self.path, index), value, context: self.context }))
            .collect();
        read.into_iter().collect()
    }

    /// An array with at least one element.
    pub(super) fn filled_array<T>(&self, read: impl FnMut(&Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let elements = self.array(read)?;
        if elements.is_empty() {
            self.refuse(Code::OutOfRange, "must not be empty");
            return None;
        }
        Some(elements)
    }

    /// Every member of an object of free names, read by `read`.
    pub(super) fn map<T>(&self, mut read: impl FnMut(&str, &Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let Json::Object(members) = self.value else {
            self.refuse_type("an object");
            return None;
        };
        let read: Vec<Option<T>> = members
            .iter()
            .map(|(name, value)| read(name, &Field { path: member(&self.path, name), value, context: self.context }))
            .collect();
        read.into_iter().collect()
    }

    pub(super) fn string(&self) -> Option<&'a str> {
        let text = self.value.as_text();
        if text.is_none() {
            self.refuse_type("a string");
        }
        text
    }

    /// A string with at least one character, none of which is a control character.
    pub(super) fn text(&self) -> Option<Box<str>> {
        let text = self.string()?;
        if let Some(fault) = fault_of_text(text) {
            self.refuse(code_of_fault(text, Code::BadValue), fault);
            return None;
        }
        Some(text.into())
    }

    /// A string that `parse` understands; its error is a phrase such as `must begin with "/"`.
    pub(super) fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, &'static str>) -> Option<T> {
        let text = self.string()?;
        parse(text).map_err(|reason| self.refuse(Code::BadValue, format!("{reason}, got {text:?}"))).ok()
    }

    /// An `http` or `https` URL. A wrong one is not shown: it may contain credentials.
    pub(super) fn url(&self) -> Option<HttpUrl> {
        let text = self.string()?;
        HttpUrl::parse(text).map_err(|reason| self.refuse(Code::BadValue, reason)).ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        if let Json::Boolean(flag) = self.value {
            return Some(*flag);
        }
        self.refuse_type("true or false");
        None
    }
}

/// What is wrong with a text that nobody can mean. A line break at its end usually comes from a file or a YAML block.
pub(super) fn fault_of_text(text: &str) -> Option<&'static str> {
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

/// What an empty text is, and one that is wrong in another way.
pub(super) fn code_of_fault(text: &str, other: Code) -> Code {
    if text.is_empty() { Code::OutOfRange } else { other }
}

/// The indices of the elements that are the same as an earlier one.
pub(super) fn repeated<T>(list: &[T], is_same: impl Fn(&T, &T) -> bool) -> impl Iterator<Item = usize> {
    let is_repeated =
        move |(index, one): (usize, &T)| list.iter().take(index).any(|other| is_same(other, one)).then_some(index);
    list.iter().enumerate().filter_map(is_repeated)
}
