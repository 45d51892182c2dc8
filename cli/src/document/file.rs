//! Files, and the documents in them.

use super::node::{Node, Place};
use super::readers::TextTag;
use std::collections::HashMap;

/// A file as it was read.
#[derive(Debug)]
pub struct File {
    /// As it was given; `-` for standard input.
    pub name: String,
    pub text: String,
}

/// A document of a file.
#[derive(Debug)]
pub struct Document {
    /// The index of its file.
    pub file: usize,
    /// Counts from 1 within its file.
    pub number: usize,
    pub root: Node,
    pub notation: Notation,
}

#[derive(Debug)]
pub enum Notation {
    Json,
    /// With the tags of keys and scalars without quotes that are texts by them, by where these begin.
    Yaml(HashMap<Place, TextTag>),
}

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxFault {
    /// Counts from 1 within its file.
    pub document: usize,
    pub place: Place,
    pub message: String,
}
