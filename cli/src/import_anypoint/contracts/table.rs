//! Tables of contracts: a JSON array, an object that holds one, or CSV with a header line.

use super::super::change::{At, Notes, shown_name};
use super::Columns;
use crate::document::file::{Document, File};
use crate::document::node::{Node, Place, Value};
use crate::document::read::documents;

/// A row, and where it stands.
#[derive(Debug)]
pub struct TableRow {
    pub at: At,
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    Json(Node),
    Csv(Vec<(String, String)>),
}

/// What a column of a row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing, `null`, or no such column.
    Empty,
    Text(String),
    /// Something that is neither a text nor a number.
    Other,
}

impl TableRow {
    /// Whether it has the column, be it empty.
    pub fn has(&self, column: &str) -> bool {
        match &self.cells {
            Cells::Csv(cells) => cells.iter().any(|(name, _)| name == column),
            Cells::Json(row) => column.split('.').try_fold(row, |node, step| node.get(step)).is_some(),
        }
    }

    /// What is there beside the columns, in JSON.
    pub fn node(&self) -> Option<&Node> {
        if let Cells::Json(row) = &self.cells { Some(row) } else { None }
    }

    /// What the column holds, and where. In JSON a `.` steps into objects.
    pub fn cell(&self, column: &str) -> (Cell, At) {
        let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.into()) };
        match &self.cells {
            Cells::Csv(cells) => {
                let cell = cells.iter().find(|(name, _)| name == column);
                (cell.map_or(Cell::Empty, |(_, value)| text(value)), self.at)
            }
            Cells::Json(row) => {
                let mut node = row;
                for step in column.split('.') {
                    let mut members = node.members().iter().filter(|member| *member.key == *step);
                    let Some(member) = members.next() else { return (Cell::Empty, self.at) };
                    // Which of two counts is not known.
                    if members.next().is_some() {
                        return (Cell::Other, self.at);
                    }
                    node = &member.value;
                }
                let cell = match &node.value {
                    Value::Null => Cell::Empty,
                    Value::Text(value) => text(value.trim()),
                    Value::Number(number) => Cell::Text(number.to_string()),
                    _ => Cell::Other,
                };
                (cell, At::of(self.at.file, node))
            }
        }
    }
}

/// The rows of a file, of which these columns are needed, and those are used if they are there.
pub fn read((index, file): (usize, &File), needed: &[&str], used: &[&str], notes: &mut Notes) -> Vec<TableRow> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    if text.trim_start().starts_with(['[', '{']) {
        json_rows(index, file, notes)
    } else {
        csv_rows(index, text, (needed, used), notes)
    }
}

fn json_rows(index: usize, file: &File, notes: &mut Notes) -> Vec<TableRow> {
    let (documents, faults) = documents(index, file);
    for fault in &faults {
        notes.fault(At { file: index, place: fault.place }, fault.message.clone());
    }
    let [Document { root, .. }] = documents.as_slice() else {
        if faults.is_empty() {
            notes.fault(at_line(index, 1), "wants one JSON array, or an object that holds one");
        }
        return Vec::new();
    };
    let arrays: Vec<&Node> = match &root.value {
        Value::Array(_) => vec![root],
        _ => root
            .members()
            .iter()
            .map(|member| &member.value)
            .filter(|value| matches!(value.value, Value::Array(_)))
            .collect(),
    };
    let [array] = arrays.as_slice() else {
        notes.fault(At::of(index, root), "wants one JSON array, or an object that holds one");
        return Vec::new();
    };
    let row = |node: &Node| TableRow { at: At::of(index, node), cells: Cells::Json(node.clone()) };
    array.elements().iter().map(row).collect()
}

fn csv_rows(index: usize, text: &str, (needed, used): (&[&str], &[&str]), notes: &mut Notes) -> Vec<TableRow> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().map(|header| header.iter().map(Into::into).collect()).unwrap_or_default();
    for column in needed.iter().filter(|column| !header.iter().any(|name| name == **column)) {
        // What --map names is not repeated.
        let known = Columns::default();
        let shown = if known.all().contains(column) { column } else { "of that name" };
        notes.fault(at_line(index, 1), format!("there is no column {shown}: --map names another one"));
    }
    for column in used.iter().filter(|column| header.iter().filter(|name| name == *column).count() > 1) {
        notes.fault(at_line(index, 1), format!("the column {} is there twice", shown_name(column)));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let position = record.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position);
        let at = at_line(index, position.and_then(|position| usize::try_from(position.line()).ok()).unwrap_or(1));
        // What is read into the wrong column may be a secret: nothing is guessed.
        match record {
            Ok(record) if record.iter().any(|value| value.contains(['\n', '\r'])) => {
                notes.fault(at, "a value goes on in the next line: is a quotation mark missing?");
            }
            Ok(record) => {
                let cells = header.iter().cloned().zip(record.iter().map(|value| value.trim().into())).collect();
                rows.push(TableRow { at, cells: Cells::Csv(cells) });
            }
            Err(_) => notes.fault(at, "has another number of values than the header"),
        }
    }
    rows
}

fn at_line(file: usize, line: usize) -> At {
    At { file, place: Place { line, column: 1 } }
}
