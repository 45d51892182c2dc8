//! From the events of the parser to values.

use super::super::node::{Member, Node, Place, Span, Value};
use super::super::readers::TextTag;
use super::super::scalar;
use super::super::source::Source;
use saphyr_parser::{Event, ScalarStyle};
use std::collections::HashMap;

/// How deep values may be nested, those that aliases stand for included.
const DEEPEST: usize = 200;

/// How much aliases may stand for in one document, in about bytes.
const MOST_BY_ALIASES: usize = 16 << 20;

/// Why a document cannot be read, and the index of the character where it is so.
#[derive(Debug)]
pub struct Fault {
    pub index: usize,
    pub message: String,
}

/// A document, and the tags in it that make texts of what follows them.
pub struct Built {
    pub root: Node,
    pub tags: HashMap<Place, TextTag>,
}

/// Builds the value of a document.
pub struct Builder<'a> {
    source: &'a Source,
    open: Vec<Open>,
    root: Option<Node>,
    tags: HashMap<Place, TextTag>,
    anchors: HashMap<usize, Node>,
    by_aliases: usize,
    /// The index of the character behind what was read last.
    behind: usize,
}

/// An array or object that has not ended.
struct Open {
    anchor: usize,
    /// The index of its bracket; in block style it has none.
    bracket: Option<usize>,
    /// The index of what is first in it, in block style.
    start: usize,
    content: Content,
}

enum Content {
    Array(Vec<Node>),
    /// With the key whose value is next.
    Object(Vec<Member>, Option<(Box<str>, Span)>),
}

impl<'a> Builder<'a> {
    pub fn new(source: &'a Source, start: usize) -> Self {
        let (open, tags, anchors) = Default::default();
        Self { source, open, root: None, tags, anchors, by_aliases: 0, behind: start }
    }

    /// A document that has ended.
    pub fn take_built(&mut self) -> Option<Built> {
        self.anchors.clear();
        self.by_aliases = 0;
        let tags = std::mem::take(&mut self.tags);
        Some(Built { root: self.root.take()?, tags })
    }

    /// Takes an event that goes from one character to another.
    pub fn take(&mut self, event: Event<'_>, start: usize, end: usize) -> Result<(), Fault> {
        let fault = |message: &str| Err(Fault { index: start, message: message.to_owned() });
        let is_key = matches!(self.open.last(), Some(Open { content: Content::Object(_, None), .. }));
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) | Event::Alias(_) if is_key => {
                return fault("a key must be a scalar");
            }
            Event::MappingStart(anchor, _) => self.open(anchor, start, end, Content::Object(Vec::new(), None))?,
            Event::SequenceStart(anchor, _) => self.open(anchor, start, end, Content::Array(Vec::new()))?,
            Event::MappingEnd | Event::SequenceEnd => self.close(end),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    self.by_aliases += weight(&node);
                    if self.by_aliases > MOST_BY_ALIASES || self.open.len() + depth(&node) > DEEPEST {
                        return fault("aliases stand for too much");
                    }
                    self.add(node);
                }
                None => return fault("an alias stands for what it is part of"),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.scalar_span(
                    style,
                    start,
                    if text.is_empty() && style == ScalarStyle::Plain { start } else { end },
                );
                if style == ScalarStyle::Plain {
                    self.tags.extend(tag.as_deref().and_then(scalar::text_tag).map(|tag| (span.start, tag)));
                }
                if is_key {
                    self.key(&text, span);
                } else {
                    let node = Node { value: scalar::value(&text, style, tag.as_deref()), span };
                    self.note(anchor, &node);
                    self.add(node);
                }
            }
            _ => {}
        }
        self.behind = end;
        Ok(())
    }

    fn open(&mut self, anchor: usize, start: usize, end: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(Fault { index: start, message: "values are nested too deeply".to_owned() });
        }
        // Of a flow collection the span ends behind the bracket, whatever anchor or tag stands before it.
        let last = end.checked_sub(1).filter(|last| *last >= start);
        let bracket = last.filter(|last| matches!(self.source.get(*last), Some('{' | '[')));
        self.open.push(Open { anchor, bracket, start: end, content });
        Ok(())
    }

    fn close(&mut self, end: usize) {
        let Some(Open { anchor, bracket, start, content }) = self.open.pop() else { return };
        let (value, first, last) = match content {
            Content::Array(elements) => {
                let [first, last] = [elements.first(), elements.last()].map(|node| node.map(|node| node.span));
                (Value::Array(elements), first, last)
            }
            Content::Object(members, _) => {
                let first = members.first().map(|member| member.key_span);
                let last = members.last().map(|member| member.value.span);
                (Value::Object(members), first, last)
            }
        };
        let begin = self.source.place(start);
        let span = match bracket {
            Some(bracket) => Span { start: self.source.place(bracket), end: self.source.place(end) },
            None => Span { start: first.map_or(begin, |first| first.start), end: last.map_or(begin, |last| last.end) },
        };
        let node = Node { value, span };
        self.note(anchor, &node);
        self.add(node);
    }

    /// Without anchor and tag, from the quote or from the `|` of a block on, without what follows it.
    fn scalar_span(&self, style: ScalarStyle, start: usize, end: usize) -> Span {
        let (start, end) = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let text = self.source.between(start, end);
                let after = text.iter().rev().take_while(|letter| letter.is_whitespace()).count();
                let header = self.block_header(end).unwrap_or(start);
                (header, (end - after).max(header + 1))
            }
            ScalarStyle::Plain => {
                let start = self.behind_properties(start, end);
                // A value that is not there is behind the colon.
                let is_absent = start == end && self.source.get(start) == Some(':');
                (start + usize::from(is_absent), end.max(start + usize::from(is_absent)))
            }
            _ => {
                let start = self.behind_properties(start, end);
                (start, self.behind_quotes(start, end))
            }
        };
        Span { start: self.source.place(start), end: self.source.place(end) }
    }

    fn behind_properties(&self, start: usize, end: usize) -> usize {
        let mut index = start;
        while index < end && matches!(self.source.get(index), Some('!' | '&')) {
            let rest = self.source.between(index, end);
            let length = rest.iter().position(|letter| letter.is_whitespace()).unwrap_or(rest.len());
            let space = rest.iter().skip(length).take_while(|letter| letter.is_whitespace()).count();
            index += length + space;
        }
        index
    }

    /// The index behind the quote that ends what begins at `start`.
    fn behind_quotes(&self, start: usize, end: usize) -> usize {
        let quote = self.source.get(start);
        let mut index = start + 1;
        while index < end {
            let (letter, next) = (self.source.get(index), self.source.get(index + 1));
            let is_escape = if quote == Some('"') { letter == Some('\\') } else { letter == quote && next == quote };
            match is_escape {
                true => index += 2,
                false if letter == quote => return index + 1,
                false => index += 1,
            }
        }
        end
    }

    /// The index of the `|` or `>` of the block whose content ends at `end`: the first behind what was read last.
    fn block_header(&self, end: usize) -> Option<usize> {
        let mut index = self.behind;
        while index < end {
            let (before, letter) = (index.checked_sub(1).and_then(|at| self.source.get(at)), self.source.get(index)?);
            let begins = before.is_none_or(char::is_whitespace);
            if begins && letter == '#' {
                index = self.source.start(self.source.place(index).line + 1);
                continue;
            }
            if begins && matches!(letter, '|' | '>') {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    fn key(&mut self, text: &str, span: Span) {
        if let Some(Open { content: Content::Object(_, key), .. }) = self.open.last_mut() {
            *key = Some((text.into(), span));
        }
    }

    fn note(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            Some(Content::Array(elements)) => elements.push(node),
            Some(Content::Object(members, key)) => {
                if let Some((key, key_span)) = key.take() {
                    members.push(Member { key, key_span, value: node });
                }
            }
            None => self.root = Some(node),
        }
    }
}

fn depth(node: &Node) -> usize {
    let deepest = match &node.value {
        Value::Array(elements) => elements.iter().map(depth).max(),
        Value::Object(members) => members.iter().map(|member| depth(&member.value)).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or_default()
}

fn weight(node: &Node) -> usize {
    let content: usize = match &node.value {
        Value::Text(text) => text.len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|member| member.key.len() + 64 + weight(&member.value)).sum(),
        _ => 0,
    };
    content + size_of::<Node>()
}
