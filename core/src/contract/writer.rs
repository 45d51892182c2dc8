//! Writes contract documents, beside what reads them: what is written here is never a row that a reader skips.

use crate::base::date;
use crate::contract::document::{DocumentKind, MAX_CURSOR};
use crate::contract::entry::{Entry, RawRow};
use crate::contract::row::{Identity, Row, RowError};
use crate::contract::scan::Scan;
use serde_json::{Map, Value};

const UNWRITABLE: RowError = RowError { member: "", reason: "would be read as something else" };

/// A row as JSON.
///
/// # Errors
/// The first member that a reader would refuse; a status that is none.
pub fn write_row(row: &Row) -> Result<String, RowError> {
    let status =
        row.contract.status.word().ok_or(RowError { member: "status", reason: "is not one that is written" })?;
    let mut members = identity(&row.identity);
    let mut add = |name: &str, value: Option<String>| value.map(|value| members.insert(name.to_owned(), value.into()));
    add("status", Some(status.to_owned()));
    add("tier", row.contract.tier.as_deref().map(str::to_owned));
    add("name", row.contract.name.as_deref().map(str::to_owned));
    for (name, time) in [("not_before", row.contract.not_before), ("expires_at", row.contract.expires_at)] {
        if let Some(time) = time {
            add(name, Some(date::written(time).ok_or(RowError { member: name, reason: "is after the year 9999" })?));
        }
    }
    let text = Value::Object(members).to_string();
    match Row::from_json(text.as_bytes())? {
        read if read == *row => Ok(text),
        _ => Err(UNWRITABLE),
    }
}

/// A row of changes that says that a contract is gone, as JSON.
///
/// # Errors
/// The first member that a reader would refuse.
pub fn write_removal(gone: &Identity) -> Result<String, RowError> {
    let mut members = identity(gone);
    members.insert("status".to_owned(), "removed".into());
    let text = Value::Object(members).to_string();
    match RawRow::read(&mut Scan::new(text.as_bytes(), 0)).map(|raw| raw.entry()) {
        Ok(Entry::Removed(read)) if read == *gone => Ok(text),
        Ok(Entry::Unreadable(unreadable)) => Err(unreadable.error),
        _ => Err(UNWRITABLE),
    }
}

/// A document, or a page of one, from rows that [`write_row`] and [`write_removal`] have written. `None` for a cursor
/// that is too long for a reader.
pub fn write_document(
    kind: DocumentKind,
    rows: impl IntoIterator<Item = impl AsRef<str>>,
    cursor: Option<&str>,
) -> Option<String> {
    let mut text = String::from(match kind {
        DocumentKind::Snapshot => "{\"contracts\":[",
        DocumentKind::Delta => "{\"changes\":[",
    });
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(row.as_ref());
    }
    text.push(']');
    if let Some(cursor) = cursor {
        if cursor.len() > MAX_CURSOR {
            return None;
        }
        text.push_str(",\"cursor\":");
        text.push_str(&Value::from(cursor).to_string());
    }
    text.push('}');
    Some(text)
}

fn identity(identity: &Identity) -> Map<String, Value> {
    let members = [
        ("api", Some(&*identity.api)),
        ("client_id", Some(&*identity.client_id)),
        ("provider", identity.provider.as_deref()),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

#[cfg(test)]
mod tests;
