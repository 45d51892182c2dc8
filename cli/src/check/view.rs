//! Documents by their characters, for what is said of places in them.

use super::code::Code;
use super::configuration::Input;
use super::diagnostic::Diagnostic;
use super::tokens::{Token, tokens};
use crate::document::source::Source;

/// A document, and where its keys and scalars are.
pub struct View {
    file: usize,
    number: usize,
    pub source: std::rc::Rc<Source>,
    pub tokens: Vec<Token>,
}

/// Those of all documents that could be read.
pub struct Views(Vec<View>);

impl Views {
    pub fn new(input: &Input) -> Self {
        let sources: Vec<_> = input.files.iter().map(|file| std::rc::Rc::new(Source::new(&file.text))).collect();
        let view = |(index, document): (usize, &crate::document::file::Document)| {
            let source = sources.get(document.file)?.clone();
            let tokens = tokens(input, index, &source);
            Some(View { file: document.file, number: document.number, source, tokens })
        };
        Self(input.documents.iter().enumerate().filter_map(view).collect())
    }

    /// The document of a diagnostic, unless it says that a text cannot be read, or is of no document.
    pub fn of(&self, input: &Input, diagnostic: &Diagnostic) -> Option<&View> {
        let is_elsewhere = input.configurations.is_empty() && diagnostic.code == Code::NoConfiguration;
        if diagnostic.code == Code::Syntax || is_elsewhere {
            return None;
        }
        self.0.iter().find(|view| view.file == diagnostic.file && view.number == diagnostic.document)
    }
}
