//! Documents by their characters, for what is said of places in them.

use super::code::Code;
use super::comment::{Comment, comment};
use super::diagnostic::Diagnostic;
use super::input::Input;
use super::tokens::{Token, tokens};
use crate::document::file::Document;
use crate::document::node::Member;
use crate::document::source::Source;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A document, and where its keys, scalars and comments are.
pub struct View {
    pub source: Rc<Source>,
    pub tokens: Vec<Token>,
    /// By their lines, as far as they have been asked for: a line may be long, and much may be said of it.
    comments: RefCell<HashMap<usize, Option<Rc<Comment>>>>,
}

impl View {
    /// The comment on a line.
    pub fn comment(&self, line: usize) -> Option<Rc<Comment>> {
        let mut comments = self.comments.borrow_mut();
        comments.entry(line).or_insert_with(|| comment(line, &self.source, &self.tokens).map(Rc::new)).clone()
    }
}

/// Those of all documents that could be read, by their index.
pub struct Views(Vec<Option<View>>);

impl Views {
    pub fn new(input: &Input) -> Self {
        let sources: Vec<_> = input.files.iter().map(|file| Rc::new(Source::new(&file.text))).collect();
        let view = |(index, document): (usize, &Document)| {
            let source = sources.get(document.file)?.clone();
            let inner = input.within(index).iter().filter_map(|configuration| configuration.root.as_ref());
            let is_hidden = |member: &Member| input.secrets.hide_key(index, member);
            let tokens = tokens(&document.root, inner, &source, &is_hidden);
            Some(View { comments: RefCell::default(), source, tokens })
        };
        Self(input.documents.iter().enumerate().map(view).collect())
    }

    /// The document of a diagnostic, unless it says that a text cannot be read, or is of no document.
    pub fn of(&self, input: &Input, diagnostic: &Diagnostic) -> Option<&View> {
        let is_elsewhere = input.configurations.is_empty() && diagnostic.code == Code::NoConfiguration;
        if diagnostic.code == Code::Syntax || is_elsewhere {
            return None;
        }
        self.0.get(input.index_of(diagnostic.file, diagnostic.document)?)?.as_ref()
    }
}
