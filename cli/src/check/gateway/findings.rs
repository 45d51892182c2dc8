//! What is found, each thing once.

use super::cursor::{Cursor, Origin};
use crate::check::code::Code;
use crate::check::diagnostic::Diagnostic;
use crate::check::input::Input;
use crate::check::secrecy::redacted;
use crate::document::node::Span;
use std::collections::HashSet;

pub struct Findings<'a> {
    input: &'a Input,
    found: Vec<Diagnostic>,
    seen: HashSet<Seen>,
}

/// What makes two the same: code, document, configuration, path and place.
type Seen = (&'static str, usize, Option<usize>, String, Span);

impl<'a> Findings<'a> {
    pub fn new(input: &'a Input) -> Self {
        Self { input, found: Vec::new(), seen: HashSet::new() }
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
        let Some(index) = index else { return };
        let Some(document) = self.input.documents.get(index) else { return };
        if !self.seen.insert((code.name(), index, configuration, at.path.clone(), at.span)) {
            return;
        }
        let secret = secret || at.is_repeated || self.input.secrets.cover(index, at.span.start);
        self.found.push(Diagnostic {
            code,
            file: document.file,
            document: document.number,
            span: at.span,
            configuration,
            path: at.path.clone(),
            message: if secret { redacted(&message, at.node) } else { message },
            hint: Some(hint.to_owned()),
            secret,
        });
    }

    /// Whether a text of a configuration's document may be shown in a message about something else.
    pub fn may_show(&self, document: usize, text: &str) -> bool {
        !self.input.secrets.hold(document, text)
    }
}
