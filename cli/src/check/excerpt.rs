//! The line at which a diagnostic stands, without any value but the one that it is about.

use super::concealed::may_hold_credentials;
use super::diagnostic::Diagnostic;
use super::tokens::{Token, at, comment};
use crate::document::source::Source;
use tessera_core::base::printable::Printable;

/// Longest line that is shown whole; of a longer one, what is around the place.
const LONGEST: usize = 120;

/// A line, and the columns of it that the diagnostic is about, from 0.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    pub start: usize,
    pub length: usize,
}

pub fn excerpt(diagnostic: &Diagnostic, source: &Source, tokens: &[Token]) -> Excerpt {
    let number = diagnostic.span.start.line;
    let (from, to) = (source.index(diagnostic.span.start), source.index(diagnostic.span.end));
    let mut line = Line { text: String::new(), width: 0, start: None, end: None };
    let begin = source.start(number);
    let end = begin + shown_length(number, source, tokens);
    let mut index = begin;
    while index < end {
        line.pass(index, from, to);
        match at(index, tokens) {
            Some(token) => {
                let behind = token.end.min(end);
                let raw: String = source.between(index, behind).iter().collect();
                let may_be_secret = diagnostic.secret || may_hold_credentials(&raw);
                let is_shown = token.is_key || (token.start == from && !may_be_secret);
                line.push(if is_shown { &raw } else { "…" });
                index = behind;
            }
            None => {
                let rest = source.between(index, end).iter();
                let other = match source.get(index).is_some_and(is_structure) {
                    true => 0,
                    false => rest.take_while(|letter| !letter.is_whitespace() && !",]}".contains(**letter)).count(),
                };
                let next = tokens.partition_point(|token| token.start <= index);
                let before_token = tokens.get(next).map(|token| token.start);
                let other = other.min(before_token.map_or(other, |start| start - index));
                match source.get(index).filter(|_| other == 0) {
                    Some(letter) => line.push(&if letter.is_whitespace() { ' ' } else { letter }.to_string()),
                    None => line.push("…"),
                }
                index += other.max(1);
            }
        }
    }
    line.pass(index, from, to);
    line.finish()
}

/// How much of a line is before its comment and the space there.
fn shown_length(number: usize, source: &Source, tokens: &[Token]) -> usize {
    let letters = source.line(number);
    let comment = comment(number, source, tokens).map_or(0, |(text, _)| text.chars().count() + 1);
    let letters = letters.get(..letters.len().saturating_sub(comment)).unwrap_or_default();
    letters.len() - letters.iter().rev().take_while(|letter| letter.is_whitespace()).count()
}

/// What stands between keys and values.
fn is_structure(letter: char) -> bool {
    letter.is_whitespace() || "-:,[]{}?|>+\"'".contains(letter)
}

/// A line that is being written.
struct Line {
    text: String,
    width: usize,
    start: Option<usize>,
    end: Option<usize>,
}

impl Line {
    fn push(&mut self, text: &str) {
        let text = Printable { text, limit: usize::MAX }.to_string();
        self.width += text.chars().count();
        self.text.push_str(&text);
    }

    /// Notes where the reported value begins and ends.
    fn pass(&mut self, index: usize, from: usize, to: usize) {
        if index >= from {
            self.start.get_or_insert(self.width);
        }
        if index >= to {
            self.end.get_or_insert(self.width);
        }
    }

    fn finish(self) -> Excerpt {
        let start = self.start.unwrap_or(self.width);
        let length = self.end.unwrap_or(self.width).saturating_sub(start).max(1);
        if self.width <= LONGEST {
            return Excerpt { text: self.text, start, length };
        }
        let cut = start.saturating_sub(LONGEST / 3);
        let (lead, shift) = if cut > 0 { ("…", 1) } else { ("", 0) };
        let mut rest = self.text.chars().skip(cut);
        let middle: String = rest.by_ref().take(LONGEST).collect();
        let tail = if rest.next().is_some() { "…" } else { "" };
        let start = start - cut + shift;
        Excerpt {
            text: format!("{lead}{middle}{tail}"),
            start,
            length: length.min((LONGEST + shift).saturating_sub(start)).max(1),
        }
    }
}
