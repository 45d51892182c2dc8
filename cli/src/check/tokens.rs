//! Where the keys and the scalars of a document are written.

use crate::document::node::{Member, Node, Span, Value};
use crate::document::source::Source;
use std::collections::BTreeSet;

/// A key or a scalar, from a character to the one behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub kind: TokenKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    Key,
    /// One that must not be shown.
    HiddenKey,
    Value,
}

/// Those of a document, in their order, without those that are not written. What stands in JSON text that a string
/// holds, one of `inner`, is there, too, where it has a place.
pub fn tokens<'a>(
    root: &Node,
    inner: impl Iterator<Item = &'a Node>,
    source: &Source,
    is_hidden: &dyn Fn(&Member) -> bool,
) -> Vec<Token> {
    let collector = Collector { source, is_hidden };
    let mut tokens = sorted(collector.of(root));
    let (mut outer, mut within) = (BTreeSet::new(), Vec::new());
    for root in inner.filter(|root| matches!(root.value, Value::Object(_))) {
        let token = collector.token(root.span, TokenKind::Value);
        let before = tokens.partition_point(|outer| outer.start < token.start).checked_sub(1);
        let holds = |outer: &Token| outer.kind == TokenKind::Value && token.end <= outer.end && token.start < token.end;
        if let Some(before) = before.filter(|before| tokens.get(*before).is_some_and(holds)) {
            outer.insert(before);
            within.extend(collector.of(root));
        }
    }
    if outer.is_empty() {
        return tokens;
    }
    let mut index = 0..;
    tokens.retain(|_| index.next().is_none_or(|index| !outer.contains(&index)));
    tokens.extend(within);
    sorted(tokens)
}

fn sorted(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.retain(|token| token.start < token.end);
    tokens.sort();
    tokens.dedup_by_key(|token| token.start);
    tokens
}

struct Collector<'a> {
    source: &'a Source,
    is_hidden: &'a dyn Fn(&Member) -> bool,
}

impl Collector<'_> {
    fn of(&self, root: &Node) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.collect(root, &mut tokens);
        tokens
    }

    fn collect(&self, node: &Node, tokens: &mut Vec<Token>) {
        match &node.value {
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element, tokens)),
            Value::Object(members) => {
                for member in members {
                    let kind = if (self.is_hidden)(member) { TokenKind::HiddenKey } else { TokenKind::Key };
                    tokens.push(self.token(member.key_span, kind));
                    self.collect(&member.value, tokens);
                }
            }
            _ => tokens.push(self.token(node.span, TokenKind::Value)),
        }
    }

    fn token(&self, span: Span, kind: TokenKind) -> Token {
        Token { start: self.source.index(span.start), end: self.source.index(span.end), kind }
    }
}

/// The one that a character is part of.
pub fn at(index: usize, tokens: &[Token]) -> Option<&Token> {
    let behind = tokens.partition_point(|token| token.start <= index);
    tokens.get(..behind)?.last().filter(|token| index < token.end)
}
