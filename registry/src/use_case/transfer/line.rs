//! A line of the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::time::Time;
use crate::use_case::feed_store::{FeedKey, FeedRow};
use crate::use_case::store::{StoreError, Stored, Table};
use crate::use_case::tables::{IDEMPOTENCY_KEYS, TABLES};

/// Of the form of the file, not of the schema.
pub(super) const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FileLine {
    /// The first: when the database was as the file says.
    TesseraRegistry {
        version: u32,
        at: Time,
    },
    Record(RecordLine),
    Row(RowLine),
    /// The last: how many lines there are before it.
    End {
        lines: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordLine {
    table: String,
    organisation: String,
    id: String,
    revision: i64,
    /// Those that are not null.
    columns: BTreeMap<String, String>,
    body: Value,
}

/// A row of the feed that is not gone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowLine {
    pub(super) organisation: String,
    pub(super) environment: String,
    api: String,
    provider: String,
    client_id: String,
    /// JSON in a text, so that it comes back byte by byte.
    row: String,
}

/// Everything but first answers to requests, which may have shown more than is kept.
pub(super) fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.into_iter().filter(|table| **table != IDEMPOTENCY_KEYS)
}

impl RecordLine {
    pub(super) fn of(table: &'static Table, stored: Stored) -> Result<Self, StoreError> {
        let body = serde_json::from_str(&stored.body)
            .map_err(|error| StoreError::Broken(format!("{} {}: {error}", table.name, stored.id)))?;
        let named = table.columns.iter().zip(stored.columns);
        Ok(Self {
            table: table.name.to_owned(),
            organisation: stored.organisation,
            id: stored.id,
            revision: stored.revision,
            columns: named.filter_map(|(name, value)| Some(((*name).to_owned(), value?))).collect(),
            body,
        })
    }

    pub(super) fn stored(mut self) -> Result<(&'static Table, Stored), String> {
        let Some(table) = tables().find(|table| table.name == self.table) else {
            return Err(format!("there is no table {:?}", self.table));
        };
        let columns = table.columns.iter().map(|name| self.columns.remove(*name)).collect();
        if let Some(name) = self.columns.keys().next() {
            return Err(format!("there is no column {name:?} of {}", table.name));
        }
        let Self { organisation, id, revision, body, .. } = self;
        if revision < 1 || !body.is_object() {
            return Err("no revision, or no body".to_owned());
        }
        Ok((table, Stored { organisation, id, revision, columns, body: body.to_string() }))
    }
}

impl RowLine {
    pub(super) fn of(organisation: &str, environment: &str, row: FeedRow) -> Option<Self> {
        let FeedKey { api, provider, client_id } = row.key;
        let (organisation, environment) = (organisation.to_owned(), environment.to_owned());
        Some(Self { organisation, environment, api, provider, client_id, row: row.row? })
    }

    pub(super) fn parts(self) -> (FeedKey, String) {
        (FeedKey { api: self.api, provider: self.provider, client_id: self.client_id }, self.row)
    }
}
