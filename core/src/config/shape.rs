//! The values that keys accept, as data: what a schema is made of.

use std::time::Duration;

/// The values that a key accepts, as far as data can describe them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Boolean,
    /// A whole number between the two, inclusive.
    Integer(u32, u32),
    Duration(Duration, Duration),
    Word(Vec<&'static str>),
    /// A string that the regular expression describes.
    Text(&'static str),
    /// Such a string, or the name of an environment variable.
    Secret(&'static str),
    /// A string, a number or a boolean.
    Scalar,
    Array {
        element: Box<Shape>,
        /// Whether there must be an element.
        filled: bool,
        /// Whether no two may be the same.
        distinct: bool,
    },
    /// An object of free names that the regular expression describes.
    Map {
        names: &'static str,
        values: Box<Shape>,
    },
    /// An object of the keys that the table of its place has.
    Section,
    /// An object of a format that is not ours.
    Object,
    /// `null`, too.
    Nullable(Box<Shape>),
}

/// Something that accepts values of a certain shape.
pub trait Shaped {
    fn shape(&self) -> Shape;
}

impl Shape {
    pub(super) fn list(element: Self) -> Self {
        Self::Array { element: Box::new(element), filled: false, distinct: false }
    }

    pub(super) fn filled(element: Self) -> Self {
        Self::Array { element: Box::new(element), filled: true, distinct: false }
    }

    pub(super) fn distinct(element: Self) -> Self {
        Self::Array { element: Box::new(element), filled: true, distinct: true }
    }

    pub(super) fn map(names: &'static str, values: Self) -> Self {
        Self::Map { names, values: Box::new(values) }
    }

    pub(super) fn nullable(inner: Self) -> Self {
        Self::Nullable(Box::new(inner))
    }
}
