//! The types of keys: numbers, durations, words, and whatever else a function reads.

use super::duration;
use super::field::Field;
use super::key::Maybe;
use super::pattern;
use super::problem::Code;
use super::shape::{Shape, Shaped};
use crate::base::http::HttpUrl;
use crate::base::json::Json;
use crate::base::secret::Secret;
use std::time::Duration;

/// Reads values.
pub(super) trait Kind {
    /// What they are read as.
    type Value;

    /// Reads a value. `None`: it is wrong, and why is noted.
    fn read(&self, field: &Field<'_>) -> Option<Self::Value>;

    /// What absence is read as, where a key is optional.
    fn absent(&self) -> Option<Self::Value> {
        None
    }
}

/// What says by itself which values it is read from.
pub(super) trait Plain {
    const SHAPE: Shape;
}

impl Plain for bool {
    const SHAPE: Shape = Shape::Boolean;
}

impl Plain for Box<str> {
    const SHAPE: Shape = Shape::Text(pattern::TEXT);
}

impl Plain for HttpUrl {
    const SHAPE: Shape = Shape::Text(pattern::URL);
}

impl Plain for Secret {
    const SHAPE: Shape = Shape::Secret(pattern::TEXT);
}

/// A whole number between the two, inclusive.
pub(super) struct Whole(pub u32, pub u32);

/// A duration such as `"250ms"`, between the two, inclusive.
pub(super) struct Span(pub Duration, pub Duration);

/// One of these words.
pub(super) struct Word<T: 'static>(pub &'static [(&'static str, T)]);

/// What the function reads.
pub(super) struct Of<T>(pub fn(&Field<'_>) -> Option<T>);

/// What the function makes of a string; its error is a phrase such as `must begin with "/"`.
pub(super) struct Parsed<T>(pub fn(&str) -> Result<T, &'static str>);

/// `null` for none.
pub(super) struct Nullable<K>(pub K);

/// A string with at least one character, none of which is a control character.
pub(super) const TEXT: Of<Box<str>> = Of(|field| field.text());

pub(super) const URL: Of<HttpUrl> = Of(|field| field.url());

/// A URL that is only passed on.
pub(super) const URL_TEXT: Of<Box<str>> = Of(|field| field.url().and_then(|_| field.text()));

pub(super) const FLAG: Of<bool> = Of(|field| field.boolean());

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;

    fn read(&self, field: &Field<'_>) -> Option<Self::Value> {
        self.0.read(field).map(Some)
    }

    fn absent(&self) -> Option<Self::Value> {
        Some(None)
    }
}

impl<K: Kind> Kind for Nullable<K> {
    type Value = Option<K::Value>;

    fn read(&self, field: &Field<'_>) -> Option<Self::Value> {
        if let Json::Null = field.value() { Some(None) } else { self.0.read(field).map(Some) }
    }
}

impl<T: Plain> Shaped for Of<T> {
    fn shape(&self) -> Shape {
        T::SHAPE
    }
}

impl<T> Kind for Of<T> {
    type Value = T;

    fn read(&self, field: &Field<'_>) -> Option<T> {
        (self.0)(field)
    }
}

impl<T> Kind for Parsed<T> {
    type Value = T;

    fn read(&self, field: &Field<'_>) -> Option<T> {
        field.parsed(self.0)
    }
}

impl<T> Shaped for Word<T> {
    fn shape(&self) -> Shape {
        Shape::Word(self.0.iter().map(|(word, _)| *word).collect())
    }
}

impl<T: Copy> Kind for Word<T> {
    type Value = T;

    fn read(&self, field: &Field<'_>) -> Option<T> {
        let text = field.string()?;
        let found = self.0.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let list: Vec<String> = self.0.iter().map(|(word, _)| format!("{word:?}")).collect();
            field.refuse(Code::BadValue, format!("must be {}, got {text:?}", list.join(" or ")));
        }
        found
    }
}

impl Shaped for Whole {
    fn shape(&self) -> Shape {
        Shape::Integer(self.0, self.1)
    }
}

impl Kind for Whole {
    type Value = u32;

    /// `3.0` is whole: a protobuf Struct has every number as a double.
    fn read(&self, field: &Field<'_>) -> Option<u32> {
        let (number, code, found) = match field.value() {
            Json::Number(number) => {
                let is_whole = number.as_f64().is_none_or(|number| number.fract() == 0.0);
                let code = if is_whole { Code::OutOfRange } else { Code::BadValue };
                (number.as_u64().or_else(|| whole(number.as_f64()?)), code, number.to_string())
            }
            other => (None, Code::WrongType, other.type_name().to_owned()),
        };
        let number = number.and_then(|number| u32::try_from(number).ok());
        let fitting = number.filter(|number| (self.0..=self.1).contains(number));
        if fitting.is_none() {
            field.refuse(code, format!("must be a whole number from {} to {}, got {found}", self.0, self.1));
        }
        fitting
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    fits.then_some(number as u64)
}

impl Shaped for Span {
    fn shape(&self) -> Shape {
        Shape::Duration(self.0, self.1)
    }
}

impl Kind for Span {
    type Value = Duration;

    fn read(&self, field: &Field<'_>) -> Option<Duration> {
        let text = field.string()?;
        let Some(span) = duration::parse(text) else {
            field.refuse(
                Code::BadValue,
                format!("must be a whole number and ms, s, m, h or d, such as \"15s\", got {text:?}"),
            );
            return None;
        };
        if !(self.0..=self.1).contains(&span) {
            let (from, to) = (duration::written(self.0), duration::written(self.1));
            field.refuse(Code::OutOfRange, format!("must be between {from} and {to}, got {text:?}"));
            return None;
        }
        Some(span)
    }
}
