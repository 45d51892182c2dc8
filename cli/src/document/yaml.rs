//! YAML 1.2 with the place of each value.
//!
//! A file is taken apart at its document markers first, which no content can hold at the beginning of a line. So a
//! document that cannot be read hides no other.

mod builder;
mod tabs;

use super::file::{Document, Notation, SyntaxFault};
use super::source::Source;
use builder::{Builder, Built, Fault};
use saphyr_parser::{Event, Parser};
use tessera_core::base::printable::Printable;

/// The documents that can be read, and why the others cannot.
pub fn documents(file: usize, source: &Source) -> (Vec<Document>, Vec<SyntaxFault>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    let mut number = 0;
    for (start, end) in chunks(source) {
        match read(source, start, end) {
            Ok(built) => documents.extend(built.into_iter().map(|Built { root, tags }| {
                number += 1;
                Document { file, number, root, notation: Notation::Yaml(tags) }
            })),
            Err(fault) => {
                number += 1;
                let message = format!("is no YAML: {}", Printable { text: &fault.message, limit: 200 });
                faults.push(SyntaxFault { document: number, place: source.place(fault.index.min(end)), message });
            }
        }
    }
    (documents, faults)
}

/// What a document may begin with wherever it stands in a stream (YAML 1.2.2 §5.2).
const BYTE_ORDER_MARK: char = '\u{feff}';

/// From which character to which each document goes, with the directives before its marker.
fn chunks(source: &Source) -> Vec<(usize, usize)> {
    let (mut chunks, mut start, mut has_content_before) = (Vec::new(), 0, false);
    for number in 1..=source.lines() {
        let line = source.line(number);
        let line = line.strip_prefix(&[BYTE_ORDER_MARK]).unwrap_or(line);
        if is_marker(line, '-') && has_content_before {
            chunks.push((start, source.start(number)));
            start = source.start(number);
        } else if is_marker(line, '.') {
            chunks.push((start, source.start(number + 1)));
            (start, has_content_before) = (source.start(number + 1), false);
            continue;
        }
        has_content_before |= has_content(line);
    }
    chunks.push((start, source.letters().len()));
    chunks
}

/// Whether a line begins with three of these.
fn is_marker(line: &[char], sign: char) -> bool {
    line.starts_with(&[sign; 3]) && line.get(3).is_none_or(|letter| letter.is_whitespace())
}

/// Whether more is on a line than a comment, or than a directive.
fn has_content(line: &[char]) -> bool {
    line.iter().find(|letter| !letter.is_whitespace()).is_some_and(|first| !matches!(first, '#' | '%'))
}

fn read(source: &Source, start: usize, end: usize) -> Result<Vec<Built>, Fault> {
    let mut letters = source.between(start, end).to_vec();
    pass_over_byte_order_marks(&mut letters);
    match build(source, start, &letters) {
        Err(fault) if tabs::are_refused(&fault) => build(source, start, &tabs::as_spaces(&letters)),
        read => read,
    }
}

/// Before the first content; those in it are content. Every character keeps its index.
fn pass_over_byte_order_marks(letters: &mut [char]) {
    for line in letters.split_inclusive_mut(|letter| matches!(letter, '\n' | '\r')) {
        let mark = line.first_mut().filter(|first| **first == BYTE_ORDER_MARK);
        mark.into_iter().for_each(|mark| *mark = '\n');
        if !is_marker(line, '-') && has_content(line) {
            return;
        }
    }
}

fn build(source: &Source, start: usize, letters: &[char]) -> Result<Vec<Built>, Fault> {
    let text: String = letters.iter().collect();
    let (mut builder, mut built) = (Builder::new(source, start), Vec::new());
    for event in Parser::new_from_str(&text) {
        let (event, span) =
            event.map_err(|error| Fault { index: start + error.marker().index(), message: error.info().to_owned() })?;
        match event {
            Event::DocumentEnd => built.extend(builder.take_built()),
            event => builder.take(event, start + span.start.index(), start + span.end.index())?,
        }
    }
    Ok(built)
}

#[cfg(test)]
mod tests;
