//! The database as lines, in one order, from one moment.

use std::io::Write;

use crate::domain::time::Time;
use crate::use_case::feed_store::FeedScope;
use crate::use_case::record::all;
use crate::use_case::store::{Stored, Table, Transaction};
use crate::use_case::tables::{DOCUMENTS, ENVIRONMENTS};
use crate::use_case::transfer::TransferError;
use crate::use_case::transfer::line::{FileLine, RecordLine, RowLine, VERSION, tables};

/// What is read at once: a document may have a mebibyte, and what the others may have is less.
const RECORDS: u32 = 500;
const LARGE_RECORDS: u32 = 8;
const ROWS: u32 = 1000;

/// Writes everything that the transaction sees, and says in how many lines. What is held already is as old as it was.
///
/// # Errors
/// Those of the store and the file.
pub async fn export(tx: &mut dyn Transaction, now: Time, out: &mut (dyn Write + Send)) -> Result<u64, TransferError> {
    let mut writer = Writer { out, lines: 0 };
    let at = tx.held().await?.unwrap_or(now);
    writer.write(&FileLine::TesseraRegistry { version: VERSION, at })?;
    for table in tables() {
        let mut after = None;
        while let Some(last) = records(tx, table, after.as_ref(), &mut writer).await? {
            after = Some(last);
        }
    }
    feeds(tx, &mut writer).await?;
    let lines = writer.lines;
    writer.write(&FileLine::End { lines })?;
    writer.out.flush()?;
    Ok(writer.lines)
}

struct Writer<'a> {
    out: &'a mut (dyn Write + Send),
    lines: u64,
}

impl Writer<'_> {
    fn write(&mut self, line: &FileLine) -> Result<(), TransferError> {
        serde_json::to_writer(&mut *self.out, line).map_err(std::io::Error::from)?;
        self.out.write_all(b"\n")?;
        self.lines += 1;
        Ok(())
    }
}

/// The next records of a table, and which was the last.
async fn records(
    tx: &mut dyn Transaction,
    table: &'static Table,
    after: Option<&(String, String)>,
    writer: &mut Writer<'_>,
) -> Result<Option<(String, String)>, TransferError> {
    let limit = if *table == DOCUMENTS { LARGE_RECORDS } else { RECORDS };
    let after = after.map(|(organisation, id)| (organisation.as_str(), id.as_str()));
    let mut last = None;
    for stored in tx.scan(table, after, limit).await? {
        last = Some((stored.organisation.clone(), stored.id.clone()));
        writer.write(&FileLine::Record(RecordLine::of(table, stored)?))?;
    }
    Ok(last)
}

async fn feeds(tx: &mut dyn Transaction, writer: &mut Writer<'_>) -> Result<(), TransferError> {
    for Stored { organisation, id: environment, .. } in all(tx, &ENVIRONMENTS).await? {
        feed(tx, FeedScope { organisation, environment, apis: None }, writer).await?;
    }
    Ok(())
}

async fn feed(tx: &mut dyn Transaction, scope: FeedScope, writer: &mut Writer<'_>) -> Result<(), TransferError> {
    let mut after = None;
    loop {
        let rows = tx.snapshot(&scope, after.as_ref(), ROWS).await?;
        after = rows.last().map(|last| last.key.clone());
        if after.is_none() {
            return Ok(());
        }
        for row in rows {
            if let Some(line) = RowLine::of(&scope.organisation, &scope.environment, row) {
                writer.write(&FileLine::Row(line))?;
            }
        }
    }
}
