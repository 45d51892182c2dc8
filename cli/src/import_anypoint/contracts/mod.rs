//! `--contracts`: a contract document of a table.

mod columns;
mod table;

pub use columns::Columns;

use super::change::{At, Change, Kind, Notes, shown_name};
use crate::document::file::File;
use crate::document::node::Place;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use table::Cell;
pub use table::TableRow;
use tessera_core::contract::contract::{Contract, Status};
use tessera_core::contract::row::{Identity, Row};
use tessera_core::contract::writer::write_row;

/// A contract of a table, and the row that it is of.
#[derive(Debug)]
pub struct ImportedContract {
    pub row: Row,
    pub source: TableRow,
    /// As a gateway reads it.
    written: Value,
}

/// What tables say.
#[derive(Debug, Default)]
pub struct ContractTable {
    pub contracts: Vec<ImportedContract>,
    /// APIs as the tables call them.
    pub ids: BTreeSet<Box<str>>,
    /// Whether a row was there, be it of use or not.
    has_rows: bool,
    /// Where an API and a client were last named.
    seen: BTreeMap<(Box<str>, Box<str>), At>,
}

impl ContractTable {
    /// Nothing of what is there can be used.
    pub fn is_useless(&self) -> bool {
        self.has_rows && self.contracts.is_empty()
    }

    /// The contracts as a document.
    pub fn document(&self) -> Value {
        let rows: Vec<&Value> = self.contracts.iter().map(|contract| &contract.written).collect();
        json!({ "contracts": rows })
    }
}

/// What is made of the rows of a file.
struct Import<'a> {
    columns: &'a Columns,
    names: &'a [(String, String)],
    notes: &'a mut Notes,
    table: &'a mut ContractTable,
}

/// What the files say; of use only where there is no fault.
pub fn table(files: &[File], columns: &Columns, names: &[(String, String)], notes: &mut Notes) -> ContractTable {
    let mut table = ContractTable::default();
    for (index, file) in files.iter().enumerate() {
        let needed = [columns.api.as_str(), &columns.client_id];
        let rows = table::read((index, file), &needed, &columns.all(), notes);
        let columns = columns.of_rows(|column| rows.iter().any(|row| row.has(column)));
        if notes.faults.is_empty() {
            note_absent(&rows, &columns, notes);
        }
        table.has_rows |= !rows.is_empty();
        let mut import = Import { columns: &columns, names, notes, table: &mut table };
        rows.into_iter().for_each(|row| import.row(row));
    }
    table
}

/// A column that no row has: a mistake if it was asked for, since contracts would silently lack what it says.
fn note_absent(rows: &[TableRow], columns: &Columns, notes: &mut Notes) {
    let Some(first) = rows.first() else { return };
    let at = At { file: first.at.file, place: Place { line: 1, column: 1 } };
    let is_absent = |column: &str| !rows.iter().any(|row| row.has(column));
    for (field, _) in columns.mapped.iter().filter(|(_, column)| is_absent(column)) {
        notes.fault(at, format!("there is no column as --map names it for {field}"));
    }
    if is_absent(&columns.tier) && !columns.mapped.iter().any(|(_, column)| *column == columns.tier) {
        let (kind, policy, parameter, path) = (Kind::None, None, shown_name(&columns.tier).into(), String::new());
        let message = "there is no such column, so no contract has a tier: --map tier=… names another one".into();
        notes.changes.push(Change { kind, at, policy, parameter, path, message });
    }
}

impl Import<'_> {
    fn note(&mut self, kind: Kind, at: At, parameter: &str, member: &str, message: &str) {
        let path = if member.is_empty() {
            String::new()
        } else {
            format!("contracts[{}].{member}", self.table.contracts.len())
        };
        let parameter = shown_name(parameter).into();
        self.notes.changes.push(Change { kind, at, policy: None, parameter, path, message: message.into() });
    }

    fn row(&mut self, row: TableRow) {
        let columns = self.columns;
        let Some(api) = self.needed(&row, &columns.api) else { return };
        let Some(client_id) = self.needed(&row, &columns.client_id) else { return };
        self.table.ids.insert(api.clone());
        let api = self.names.iter().find(|(there, _)| **there == *api).map_or(api, |(_, here)| here.as_str().into());
        let identity = Identity { api, provider: None, client_id };
        let status = self.status(&row);
        let tier = self.optional(&row, &columns.tier, "tier");
        let name = self.optional(&row, &columns.name, "name");
        let contract = Contract { status, tier, name, not_before: None, expires_at: None };
        self.write(row, Row { identity, contract });
    }

    /// A value without which the row is nobody's.
    fn needed(&mut self, row: &TableRow, column: &str) -> Option<Box<str>> {
        match row.cell(column) {
            (Cell::Text(text), _) => Some(text.into()),
            (cell, at) => {
                let what = if cell == Cell::Empty { "is missing" } else { "is no text" };
                self.note(Kind::None, at, column, "", &format!("{what}: the row is left out"));
                None
            }
        }
    }

    fn optional(&mut self, row: &TableRow, column: &str, member: &str) -> Option<Box<str>> {
        match row.cell(column) {
            (Cell::Text(text), _) => Some(text.into()),
            (Cell::Empty, _) => None,
            (Cell::Other, at) => {
                self.note(Kind::None, at, column, member, "is no text: left out");
                None
            }
        }
    }

    fn status(&mut self, row: &TableRow) -> Status {
        let column = &self.columns.status;
        let (cell, at) = row.cell(column);
        let word = if let Cell::Text(text) = &cell { text.to_ascii_uppercase() } else { String::new() };
        match word.as_str() {
            "APPROVED" => Status::Active,
            "PENDING" => Status::Pending,
            "SUSPENDED" => Status::Suspended,
            "REVOKED" => Status::Revoked,
            _ => {
                let what = if cell == Cell::Empty { "is missing" } else { "is none that is known here" };
                self.note(Kind::Meaning, at, column, "status", &format!("{what}: revoked"));
                Status::Revoked
            }
        }
    }

    /// Adds the row, without what no reader would accept.
    fn write(&mut self, source: TableRow, mut row: Row) {
        let columns = self.columns;
        let text = loop {
            let (member, reason) = match write_row(&row) {
                Ok(text) => break text,
                Err(error) => (error.member, error.reason),
            };
            let column = match member {
                "tier" if row.contract.tier.take().is_some() => &columns.tier,
                "name" if row.contract.name.take().is_some() => &columns.name,
                _ => {
                    let column = if member == "api" { &columns.api } else { &columns.client_id };
                    return self.note(Kind::None, source.at, column, "", &format!("{reason}: the row is left out"));
                }
            };
            self.note(Kind::None, source.at, column, member, &format!("{reason}: left out"));
        };
        let key = (row.identity.api.clone(), row.identity.client_id.clone());
        if let Some(At { file, place }) = self.table.seen.insert(key, source.at) {
            let of = if file == source.at.file { "" } else { " of another file" };
            let message = format!("line {}{of} is about the same API and client: the last row counts", place.line);
            self.note(Kind::Meaning, source.at, &columns.client_id, "client_id", &message);
        }
        let written = serde_json::from_str::<Value>(&text).map(|written| ImportedContract { row, source, written });
        self.table.contracts.extend(written);
    }
}
