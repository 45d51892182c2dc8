//! Comments of YAML.

use super::tokens::{Token, at};
use crate::document::source::Source;

/// What stands behind a `#`, to the end of its line.
#[derive(Debug)]
pub struct Comment {
    pub text: String,
    /// The index of the `#`.
    pub start: usize,
    /// Whether nothing else is on the line.
    pub is_alone: bool,
}

/// The comment on a line.
pub fn comment(line: usize, source: &Source, tokens: &[Token]) -> Option<Comment> {
    let start = source.start(line);
    let letters = source.line(line);
    let begins = |(offset, letter): (usize, &char)| {
        let before = offset.checked_sub(1).and_then(|before| letters.get(before));
        let begins = *letter == '#' && before.is_none_or(|before| before.is_whitespace());
        (begins && at(start + offset, tokens).is_none()).then_some(offset)
    };
    let offset = letters.iter().enumerate().find_map(begins)?;
    let is_alone = letters.iter().take(offset).all(|letter| letter.is_whitespace());
    Some(Comment { text: letters.iter().skip(offset + 1).collect(), start: start + offset, is_alone })
}
