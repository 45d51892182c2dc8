//! The line at which a diagnostic stands, without any value but the one that it is about.

use super::credential::may_hold_credentials;
use super::diagnostic::Diagnostic;
use super::secrets::HIDDEN;
use super::tokens::{Token, TokenKind, at};
use super::view::View;
use super::window::window;
use tessera_core::base::printable::Printable;

/// Longest line that is shown whole; of a longer one, what is around the place.
pub const LONGEST: usize = 120;

/// A line, and the columns of it that the diagnostic is about, from 0.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    pub start: usize,
    pub length: usize,
}

pub fn excerpt(diagnostic: &Diagnostic, view: &View) -> Excerpt {
    let View { source, tokens, .. } = view;
    let number = diagnostic.span.start.line;
    let (from, to) = (source.index(diagnostic.span.start), source.index(diagnostic.span.end));
    let (first, last) = (source.start(number), source.start(number) + shown_length(number, view));
    let (begin, end) = window(from, (first, last), tokens, LONGEST);
    let mut line = Line { text: String::new(), width: 0, start: None, end: None };
    let mut index = begin;
    while index < end {
        line.pass(index, from, to);
        match at(index, tokens) {
            Some(token) => {
                let behind = token.end.min(end);
                // Not a text that has the value somewhere within.
                let is_reported = (token.start, token.end) == (from, to) && !diagnostic.secret;
                line.push(&shown(token, source.between(index, behind), is_reported));
                index = behind;
            }
            None => {
                let next = tokens.get(tokens.partition_point(|token| token.start <= index));
                let end = next.map_or(end, |token| token.start.min(end));
                index += line.push_other(source.between(index, end));
            }
        }
    }
    line.pass(index, from, to);
    line.finish(begin > first, end < last)
}

/// What of a token is shown, of what is written for it: not much more than there is room for.
fn shown(token: &Token, written: &[char], is_reported: bool) -> String {
    let is_shown = match token.kind {
        TokenKind::Key => true,
        TokenKind::HiddenKey => false,
        TokenKind::Value => is_reported && !may_hold_credentials(&written.iter().collect::<String>()),
    };
    if is_shown { written.iter().take(2 * LONGEST).collect() } else { HIDDEN.to_owned() }
}

/// How much of a line is before its comment and the space there.
fn shown_length(number: usize, view: &View) -> usize {
    let letters = view.source.line(number);
    let comment = view.comment(number).map(|comment| comment.start - view.source.start(number));
    let letters = letters.get(..comment.unwrap_or(letters.len())).unwrap_or_default();
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

    /// Writes the next of what stands between tokens; how many characters that was.
    fn push_other(&mut self, letters: &[char]) -> usize {
        let Some(first) = letters.first() else { return 1 };
        if is_structure(*first) {
            self.push(&if first.is_whitespace() { ' ' } else { *first }.to_string());
            return 1;
        }
        self.push(HIDDEN);
        let is_other = |letter: &&char| !letter.is_whitespace() && !",]}".contains(**letter);
        letters.iter().take_while(is_other).count().max(1)
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

    /// `leads` and `trails`: whether there is more before, and behind.
    fn finish(self, leads: bool, trails: bool) -> Excerpt {
        let start = self.start.unwrap_or(self.width);
        let length = self.end.unwrap_or(self.width).saturating_sub(start).max(1);
        let is_long = leads || trails || self.width > LONGEST;
        let cut = if is_long { start.saturating_sub(LONGEST / 3) } else { 0 };
        let (lead, shift) = if leads || cut > 0 { (HIDDEN, 1) } else { ("", 0) };
        let mut rest = self.text.chars().skip(cut);
        let middle: String = rest.by_ref().take(LONGEST).collect();
        let tail = if trails || rest.next().is_some() { HIDDEN } else { "" };
        let start = start - cut + shift;
        Excerpt {
            text: format!("{lead}{middle}{tail}"),
            start,
            length: length.min((LONGEST + shift).saturating_sub(start)).max(1),
        }
    }
}
