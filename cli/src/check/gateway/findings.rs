//! What is found, each thing once.

use super::cursor::{Cursor, Origin};
use crate::check::code::Code;
use crate::check::configuration::Input;
use crate::check::diagnostic::Diagnostic;

pub struct Findings<'a> {
    input: &'a Input,
    found: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub fn new(input: &'a Input) -> Self {
        Self { input, found: Vec::new() }
    }

    /// Reports at this value, unless that has been done.
    pub fn add(&mut self, code: Code, at: &Cursor<'_>, message: impl Into<String>, hint: &str) {
        self.push(code, at, message.into(), hint, false);
    }

    /// Reports at a value that must not be shown.
    pub fn add_secret(&mut self, code: Code, at: &Cursor<'_>, message: impl Into<String>, hint: &str) {
        self.push(code, at, message.into(), hint, true);
    }

    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.found
    }

    fn push(&mut self, code: Code, at: &Cursor<'_>, message: String, hint: &str, secret: bool) {
        let (configuration, index) = match at.origin {
            Origin::Document(index) => (None, Some(index)),
            Origin::Configuration(index) => {
                (Some(index), self.input.configurations.get(index).map(|configuration| configuration.document))
            }
        };
        let Some(document) = index.and_then(|index| self.input.documents.get(index)) else { return };
        let is_same = |other: &Diagnostic| {
            (other.code, other.file, other.document) == (code, document.file, document.number)
                && other.configuration == configuration
                && other.path == at.path
                && other.span == at.span
        };
        if !self.found.iter().any(is_same) {
            self.found.push(Diagnostic {
                code,
                file: document.file,
                document: document.number,
                span: at.span,
                configuration,
                path: at.path.clone(),
                message,
                hint: Some(hint.to_owned()),
                secret: secret || at.is_repeated,
            });
        }
    }
}
