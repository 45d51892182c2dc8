//! Lines as a database: all of them or none, with a feed that is held until somebody releases it.

use std::io::{BufRead, Read};

use crate::domain::principal::{Caller, ROOT};
use crate::domain::time::Time;
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::feed_store::FeedChange;
use crate::use_case::record::all;
use crate::use_case::store::{StoreError, Stored, Table, Transaction};
use crate::use_case::tables::{AUDIT_ENTRIES, ENVIRONMENTS, GATEWAY_TOKENS, GROUPS, ORGANISATIONS, REGISTRY_TOKENS};
use crate::use_case::transfer::TransferError;
use crate::use_case::transfer::left::{left, take_over};
use crate::use_case::transfer::line::{FileLine, RowLine, VERSION, tables};
use crate::use_case::transfer::revoked::{end, revoked};

/// More than any line has.
const LINE_BYTES: u64 = 16 << 20;
/// What is written at once.
const RECORDS: usize = 200;
const RECORD_BYTES: usize = 1 << 20;
const ROWS: usize = 1000;
/// So many records of what every database has are read.
const FEW: u32 = 100;

/// How the file comes into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Import,
    Restore {
        /// Whatever is there already.
        replace: bool,
    },
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    pub lines: u64,
    /// Tokens that are valid again: those of the file, without those that the database knew to be revoked.
    pub tokens: usize,
    /// Those that it knew to be revoked.
    pub revoked: u64,
    /// That the database knew of at providers, and the file does not: clients, certain or possible.
    pub orphans: u64,
}

/// Fills the database. The feed gets a new epoch and is held. Tokens that were revoked, as the audit that is replaced
/// tells, stay so; clients at providers that only the database knew are orphans.
///
/// # Errors
/// A database that is not empty, a file that is not whole; those of the store.
pub async fn import(
    cx: &mut Context<'_>,
    file: &mut (dyn BufRead + Send),
    arrival: Arrival,
) -> Result<Transferred, TransferError> {
    // First: what is revoked while the rest is read would be revoked no longer.
    cx.tx.alone().await?;
    if arrival != (Arrival::Restore { replace: true }) && !is_empty(cx.tx).await? {
        return Err(TransferError::NotEmpty);
    }
    let subjects = revoked(cx.tx).await?;
    let left = left(cx.tx).await?;
    cx.tx.clear().await?;
    let mut lines = FileLines { file, read: 0 };
    let at = lines.begin()?;
    let mut filling = Filling::new(cx.now);
    loop {
        match lines.next()? {
            FileLine::TesseraRegistry { .. } => return Err(lines.invalid("it begins again")),
            FileLine::Record(line) => {
                let (table, stored) = line.stored().map_err(|why| lines.invalid(why))?;
                filling.record(cx.tx, table, stored).await.map_err(|error| lines.taken(error))?;
            }
            FileLine::Row(line) => {
                if !filling.row(cx.tx, line).await.map_err(|error| lines.taken(error))? {
                    return Err(lines.invalid("there is no such environment"));
                }
            }
            FileLine::End { lines: number } => {
                lines.end(number)?;
                break;
            }
        }
    }
    filling.flush(cx.tx).await.map_err(|error| lines.taken(error))?;
    hold(cx, at, arrival).await?;
    let revoked = end(cx, &subjects).await?;
    // What moves to another database has not been left behind in this one.
    let orphans = if arrival == Arrival::Import { 0 } else { take_over(cx, left).await? };
    let tokens = all(cx.tx, &REGISTRY_TOKENS).await?.len() + all(cx.tx, &GATEWAY_TOKENS).await?.len();
    Ok(Transferred { lines: lines.read, tokens, revoked, orphans })
}

/// Has nothing but what a database has from its first start.
async fn is_empty(tx: &mut dyn Transaction) -> Result<bool, StoreError> {
    for table in tables() {
        let records = tx.scan(table, None, FEW).await?;
        let is_given = |stored: &Stored| {
            let of = |name| table.columns.iter().zip(&stored.columns).find(|(column, _)| **column == name);
            let action = of("action").and_then(|(_, value)| value.as_deref()).unwrap_or_default();
            match table.name {
                name if name == ORGANISATIONS.name => true,
                name if name == GROUPS.name => stored.id == ROOT,
                name if name == AUDIT_ENTRIES.name => ["organisation.create", "group.create"].contains(&action),
                _ => false,
            }
        };
        if records.len() >= FEW as usize || !records.iter().all(is_given) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn hold(cx: &mut Context<'_>, at: Time, arrival: Arrival) -> Result<(), TransferError> {
    let mut bytes = [0; 8];
    cx.randomness.fill(&mut bytes);
    cx.tx.set_epoch(&format!("{:016x}", u64::from_be_bytes(bytes))).await?;
    cx.tx.set_held(Some(at)).await?;
    let action = if arrival == Arrival::Import { "registry.import" } else { "registry.restore" };
    audit_everywhere(cx, action, serde_json::json!({ "backup": at })).await
}

/// In the chain of every organisation.
///
/// # Errors
/// Those of the store.
pub async fn audit_everywhere(
    cx: &mut Context<'_>,
    action: &str,
    after: serde_json::Value,
) -> Result<(), TransferError> {
    for Stored { organisation, .. } in all(cx.tx, &ORGANISATIONS).await? {
        let caller = Caller::system(organisation);
        let mut inner = Context { tx: &mut *cx.tx, caller: &caller, ..*cx };
        let (kind, id, groups, after) = ("registry", "registry", [None, None], Some(after.clone()));
        record(&mut inner, Change { action, kind, id, groups, reason: None, before: None, after }).await?;
    }
    Ok(())
}

/// What is read and not yet written.
struct Filling {
    now: Time,
    table: &'static Table,
    records: Vec<Stored>,
    bytes: usize,
    feed: (String, String),
    rows: Vec<FeedChange>,
}

impl Filling {
    fn new(now: Time) -> Self {
        let feed = (String::new(), String::new());
        Self { now, table: &ORGANISATIONS, records: Vec::new(), bytes: 0, feed, rows: Vec::new() }
    }

    async fn record(
        &mut self,
        tx: &mut dyn Transaction,
        table: &'static Table,
        stored: Stored,
    ) -> Result<(), StoreError> {
        if *table != *self.table || self.records.len() >= RECORDS || self.bytes >= RECORD_BYTES {
            self.flush(tx).await?;
        }
        if *table == ENVIRONMENTS {
            tx.begin_feed(&stored.organisation, &stored.id).await?;
        }
        self.table = table;
        self.bytes += stored.body.len();
        self.records.push(stored);
        Ok(())
    }

    /// Whether its environment is there.
    async fn row(&mut self, tx: &mut dyn Transaction, line: RowLine) -> Result<bool, StoreError> {
        let feed = (line.organisation.clone(), line.environment.clone());
        if feed != self.feed || self.rows.len() >= ROWS {
            self.flush(tx).await?;
        }
        if feed != self.feed && tx.head(&feed.0, &feed.1).await?.is_none() {
            return Ok(false);
        }
        self.feed = feed;
        let (key, row) = line.parts();
        self.rows.push(FeedChange { key, row: Some(row) });
        Ok(true)
    }

    async fn flush(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        if !self.records.is_empty() {
            tx.insert_all(self.table, &self.records).await?;
            self.records.clear();
            self.bytes = 0;
        }
        if !self.rows.is_empty() {
            let (organisation, environment) = &self.feed;
            tx.publish(organisation, environment, &self.rows, self.now).await?;
            self.rows.clear();
        }
        Ok(())
    }
}

/// The file, line by line.
struct FileLines<'a> {
    file: &'a mut (dyn BufRead + Send),
    read: u64,
}

impl FileLines<'_> {
    fn begin(&mut self) -> Result<Time, TransferError> {
        match self.next()? {
            FileLine::TesseraRegistry { version: VERSION, at } => Ok(at),
            FileLine::TesseraRegistry { version, .. } => Err(self.invalid(format!("its form has version {version}"))),
            _ => Err(self.invalid("it does not begin as an export or a backup does")),
        }
    }

    fn next(&mut self) -> Result<FileLine, TransferError> {
        let mut bytes = Vec::new();
        (&mut self.file).take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
        self.read += 1;
        match bytes.pop() {
            Some(b'\n') => serde_json::from_slice(&bytes).map_err(|error| self.invalid(error.to_string())),
            None => Err(self.invalid("the end is missing")),
            Some(_) => Err(self.invalid("it is cut")),
        }
    }

    fn end(&mut self, lines: u64) -> Result<(), TransferError> {
        if lines != self.read - 1 {
            return Err(self.invalid(format!("there should be {lines} lines before it")));
        }
        if !self.file.fill_buf()?.is_empty() {
            return Err(self.invalid("something comes after the end"));
        }
        Ok(())
    }

    fn invalid(&self, why: impl Into<String>) -> TransferError {
        TransferError::Invalid { line: self.read, why: why.into() }
    }

    /// What is there twice, or before what it belongs to, is a fault of the file.
    fn taken(&self, error: StoreError) -> TransferError {
        match error {
            StoreError::Exists => self.invalid("here or shortly before, something is there twice"),
            error => error.into(),
        }
    }
}
