//! YAML 1.2 with the place of each value.
//!
//! A file is taken apart at its document markers first, which no content can hold at the beginning of a line. So a
//! document that cannot be read hides no other.

mod builder;

use super::file::{Document, SyntaxFault};
use super::source::Source;
use builder::{Builder, Fault};
use saphyr_parser::{Event, Parser};
use tessera_core::base::printable::Printable;

/// The documents that can be read, and why the others cannot.
pub fn documents(file: usize, source: &Source) -> (Vec<Document>, Vec<SyntaxFault>) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    let mut number = 0;
    for (start, end) in chunks(source) {
        match read(source, start, end) {
            Ok(roots) => documents.extend(roots.into_iter().map(|root| {
                number += 1;
                Document { file, number, root }
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

/// From which character to which each document goes, with the directives before its marker.
fn chunks(source: &Source) -> Vec<(usize, usize)> {
    let (mut chunks, mut start, mut has_content) = (Vec::new(), 0, false);
    for number in 1..=source.lines() {
        let line = source.line(number);
        let marks =
            |marker: &[char]| line.starts_with(marker) && line.get(3).is_none_or(|letter| letter.is_whitespace());
        if marks(&['-'; 3]) && has_content {
            chunks.push((start, source.start(number)));
            start = source.start(number);
        } else if marks(&['.'; 3]) {
            chunks.push((start, source.start(number + 1)));
            (start, has_content) = (source.start(number + 1), false);
            continue;
        }
        has_content |=
            line.iter().find(|letter| !letter.is_whitespace()).is_some_and(|first| !matches!(first, '#' | '%'));
    }
    chunks.push((start, source.letters().len()));
    chunks
}

fn read(source: &Source, start: usize, end: usize) -> Result<Vec<super::node::Node>, Fault> {
    let text: String = source.between(start, end).iter().collect();
    let (mut builder, mut roots) = (Builder::new(source, start), Vec::new());
    for event in Parser::new_from_str(&text) {
        let (event, span) =
            event.map_err(|error| Fault { index: start + error.marker().index(), message: error.info().to_owned() })?;
        match event {
            Event::DocumentEnd => roots.extend(builder.take_root()),
            event => builder.take(event, start + span.start.index(), start + span.end.index())?,
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
