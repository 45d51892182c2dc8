//! Warnings that are allowed where they stand, by `# tessera: allow CODE`.

use super::code::{Code, Severity};
use super::diagnostic::Diagnostic;
use super::view::View;

/// Whether a comment at the end of its line, or alone on the lines before, allows it.
pub fn is_allowed(diagnostic: &Diagnostic, view: &View) -> bool {
    if diagnostic.code.severity() == Severity::Mistake {
        return false;
    }
    let number = diagnostic.span.start.line;
    let at = view.comment(number).into_iter();
    let before = (1..number)
        .rev()
        .map_while(|line| view.comment(line).filter(|comment| comment.is_alone && allowed(&comment.text).is_some()));
    at.chain(before).any(|comment| allowed(&comment.text).is_some_and(|codes| names(codes, diagnostic.code)))
}

/// The codes that a comment names.
fn allowed(comment: &str) -> Option<&str> {
    comment.trim_start().strip_prefix("tessera:")?.trim_start().strip_prefix("allow ")
}

fn names(codes: &str, code: Code) -> bool {
    codes.split([' ', '\t', ',']).any(|name| name == code.name())
}
