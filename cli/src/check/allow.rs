//! Warnings that are allowed where they stand, by `# tessera: allow CODE`.

use super::code::{Code, Severity};
use super::diagnostic::Diagnostic;
use super::tokens::{Token, comment};
use crate::document::source::Source;

/// Whether a comment at the end of its line, or alone on the lines before, allows it.
pub fn is_allowed(diagnostic: &Diagnostic, source: &Source, tokens: &[Token]) -> bool {
    if diagnostic.code.severity() == Severity::Mistake {
        return false;
    }
    let number = diagnostic.span.start.line;
    let at = comment(number, source, tokens).into_iter();
    let before = (1..number).rev().map_while(|line| {
        comment(line, source, tokens).filter(|(text, is_alone)| *is_alone && allowed(text).is_some())
    });
    at.chain(before).any(|(text, _)| allowed(&text).is_some_and(|codes| names(codes, diagnostic.code)))
}

/// The codes that a comment names.
fn allowed(comment: &str) -> Option<&str> {
    comment.trim_start().strip_prefix("tessera:")?.trim_start().strip_prefix("allow ")
}

fn names(codes: &str, code: Code) -> bool {
    codes.split([' ', '\t', ',']).any(|name| name == code.name())
}
