//! What is printed.

use super::code::Severity;
use super::diagnostic::Diagnostic;
use super::excerpt::excerpt;
use super::input::Input;
use super::view::Views;
use serde_json::{Value, json};
use std::fmt::Write;
use tessera_core::base::printable::Printable;

/// Most characters of a path, and of a message.
const LONGEST: usize = 400;

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// How many mistakes and warnings there are.
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let mistakes = diagnostics.iter().filter(|one| one.code.severity() == Severity::Mistake).count();
    (mistakes, diagnostics.len() - mistakes)
}

/// All diagnostics as text; without the summary.
pub fn text(input: &Input, views: &Views, diagnostics: &[Diagnostic], color: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let _ = one(&mut text, input, views, diagnostic, color);
    }
    text
}

/// The last line.
pub fn summary(input: &Input, diagnostics: &[Diagnostic]) -> String {
    let (mistakes, warnings) = count(diagnostics);
    let [mistakes, warnings, configurations, files] = [
        (mistakes, "mistake"),
        (warnings, "warning"),
        (input.configurations.len(), "configuration"),
        (input.files.len(), "file"),
    ]
    .map(|(number, what)| format!("{number} {what}{}", if number == 1 { "" } else { "s" }));
    format!("{mistakes}, {warnings} in {configurations} of {files}\n")
}

fn one(text: &mut String, input: &Input, views: &Views, diagnostic: &Diagnostic, color: bool) -> std::fmt::Result {
    let severity = diagnostic.code.severity();
    let painted = |paint: &'static str| if color { (paint, PLAIN) } else { ("", "") };
    let (paint, plain) = painted(if severity == Severity::Mistake { RED } else { YELLOW });
    let (bold, _) = painted(BOLD);
    let file = input.files.get(diagnostic.file).map_or("", |file| &file.name);
    let file = Printable { text: file, limit: 400 };
    let (number, column) = (diagnostic.span.start.line, diagnostic.span.start.column);
    let (severity, code, message) = (severity.name(), diagnostic.code, line(&diagnostic.message));
    let path = path(input, diagnostic);
    let path = match path.as_str() {
        "" if diagnostic.configuration.is_some() => "configuration",
        "" => "document",
        path => path,
    };
    writeln!(
        text,
        "{bold}{file}:{number}:{column}:{plain} {paint}{severity}[{code}]{plain} {bold}{path}{plain}: {message}"
    )?;
    let gutter = number.to_string().len();
    if let Some(view) = views.of(input, diagnostic) {
        let excerpt = excerpt(diagnostic, view);
        let (before, caret) = (" ".repeat(excerpt.start), "^".repeat(excerpt.length));
        writeln!(text, "{:gutter$} |", "")?;
        writeln!(text, "{number} | {}", excerpt.text)?;
        writeln!(text, "{:gutter$} | {before}{paint}{caret}{plain}", "")?;
    }
    match &diagnostic.hint {
        Some(hint) => writeln!(text, "{:gutter$} = hint: {}", "", line(hint)),
        None => Ok(()),
    }
}

/// The path of a diagnostic, without what must not be shown.
fn path(input: &Input, diagnostic: &Diagnostic) -> String {
    let (secrets, path) = (&input.secrets, diagnostic.path.as_str());
    let shown = match (diagnostic.configuration, input.index_of(diagnostic.file, diagnostic.document)) {
        (Some(index), _) => secrets.path_in_configuration(index, path),
        (None, Some(index)) => secrets.path_in_document(index, path),
        (None, None) => path.into(),
    };
    line(&shown)
}

/// A part of one line.
fn line(text: &str) -> String {
    Printable { text, limit: LONGEST }.to_string()
}

/// The only object of `--json`.
pub fn json(input: &Input, diagnostics: &[Diagnostic]) -> Value {
    let (mistakes, warnings) = count(diagnostics);
    let file = |index: usize| input.files.get(index).map_or("", |file| &file.name);
    let configurations: Vec<Value> = input
        .configurations
        .iter()
        .map(|configuration| {
            let place = configuration.place().start;
            let document = input.document(configuration);
            json!({
                "file": document.map_or("", |document| file(document.file)),
                "document": document.map(|document| document.number),
                "line": place.line,
                "column": place.column,
                "kind": configuration.kind.name(),
                "path": input.secrets.path_in_document(configuration.document, &configuration.path),
                "name": configuration.name.as_ref().filter(|name| !input.secrets.hold(configuration.document, name)),
            })
        })
        .collect();
    let diagnostics: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code.name(),
                "severity": diagnostic.code.severity().name(),
                "file": file(diagnostic.file),
                "document": diagnostic.document,
                "line": diagnostic.span.start.line,
                "column": diagnostic.span.start.column,
                "configuration": diagnostic.configuration,
                "path": path(input, diagnostic),
                "message": line(&diagnostic.message),
                "hint": diagnostic.hint,
            })
        })
        .collect();
    json!({
        "version": 1,
        "configurations": configurations,
        "diagnostics": diagnostics,
        "mistakes": mistakes,
        "warnings": warnings,
    })
}
