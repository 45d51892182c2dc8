//! Where the keys and the scalars of a document are written.

use super::configuration::Input;
use crate::document::node::{Node, Span, Value};
use crate::document::source::Source;

/// A key or a scalar, from a character to the one behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub is_key: bool,
}

/// Those of a document, in their order. What stands in JSON text that a string holds is there, too, where it has a place.
pub fn tokens(input: &Input, document: usize, source: &Source) -> Vec<Token> {
    let mut tokens = Vec::new();
    let Some(root) = input.documents.get(document).map(|document| &document.root) else { return tokens };
    collect(root, source, &mut tokens);
    for configuration in input.configurations.iter().filter(|configuration| configuration.document == document) {
        let Some(root) = &configuration.root else { continue };
        let inner = token(root.span, source, false);
        let outer = tokens.iter().position(|outer| {
            !outer.is_key && outer.start < inner.start && inner.end <= outer.end && inner.start < inner.end
        });
        if let Some(outer) = outer.filter(|_| matches!(root.value, Value::Object(_))) {
            tokens.remove(outer);
            collect(root, source, &mut tokens);
        }
    }
    tokens.retain(|token| token.start < token.end);
    tokens.sort();
    tokens.dedup_by_key(|token| token.start);
    tokens
}

fn collect(node: &Node, source: &Source, tokens: &mut Vec<Token>) {
    match &node.value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, source, tokens)),
        Value::Object(members) => {
            for member in members {
                tokens.push(token(member.key_span, source, true));
                collect(&member.value, source, tokens);
            }
        }
        _ => tokens.push(token(node.span, source, false)),
    }
}

fn token(span: Span, source: &Source, is_key: bool) -> Token {
    Token { start: source.index(span.start), end: source.index(span.end), is_key }
}

/// The one that a character is part of.
pub fn at(index: usize, tokens: &[Token]) -> Option<&Token> {
    let behind = tokens.partition_point(|token| token.start <= index);
    tokens.get(..behind)?.last().filter(|token| index < token.end)
}

/// What a comment on a line says, without its `#`, and whether nothing else is on the line.
pub fn comment(line: usize, source: &Source, tokens: &[Token]) -> Option<(String, bool)> {
    let start = source.start(line);
    let letters = source.line(line);
    let begins = |(offset, letter): (usize, &char)| {
        let index = start + offset;
        let before = offset.checked_sub(1).and_then(|before| letters.get(before));
        let begins = *letter == '#' && before.is_none_or(|before| before.is_whitespace());
        (begins && at(index, tokens).is_none()).then_some(offset)
    };
    let offset = letters.iter().enumerate().find_map(begins)?;
    let is_alone = letters.iter().take(offset).all(|letter| letter.is_whitespace());
    Some((letters.iter().skip(offset + 1).collect(), is_alone))
}
