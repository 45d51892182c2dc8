//! Things as records: what the store keeps of each kind, and typed access to it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::use_case::ports::Randomness;
use crate::use_case::store::{Query, StoreError, Stored, Table, Transaction};

/// A thing of a kind that is kept.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync {
    const TABLE: &'static Table;

    /// Unique in its organisation and table.
    fn id(&self) -> String;

    /// In the order of the table's.
    fn columns(&self) -> Vec<Option<String>>;
}

/// A thing with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<T> {
    pub organisation: String,
    pub revision: i64,
    pub thing: T,
}

impl<T: Record> Kept<T> {
    fn read(stored: Stored) -> Result<Self, StoreError> {
        let thing = serde_json::from_str(&stored.body)
            .map_err(|error| StoreError::Broken(format!("{} {}: {error}", T::TABLE.name, stored.id)))?;
        Ok(Self { organisation: stored.organisation, revision: stored.revision, thing })
    }

    fn write(&self) -> Result<Stored, StoreError> {
        let body = serde_json::to_string(&self.thing)
            .map_err(|error| StoreError::Broken(format!("{} {}: {error}", T::TABLE.name, self.thing.id())))?;
        Ok(Stored {
            organisation: self.organisation.clone(),
            id: self.thing.id(),
            revision: self.revision,
            columns: self.thing.columns(),
            body,
        })
    }
}

pub async fn get<T: Record>(
    tx: &mut dyn Transaction,
    organisation: &str,
    id: &str,
) -> Result<Option<Kept<T>>, StoreError> {
    tx.get(T::TABLE, organisation, id).await?.map(Kept::read).transpose()
}

pub async fn lock<T: Record>(
    tx: &mut dyn Transaction,
    organisation: &str,
    id: &str,
) -> Result<Option<Kept<T>>, StoreError> {
    tx.lock(T::TABLE, organisation, id).await?.map(Kept::read).transpose()
}

/// By a column that is unique over all organisations.
pub async fn find<T: Record>(
    tx: &mut dyn Transaction,
    column: &'static str,
    value: &str,
) -> Result<Option<Kept<T>>, StoreError> {
    tx.find(T::TABLE, column, value).await?.map(Kept::read).transpose()
}

pub async fn list<T: Record>(
    tx: &mut dyn Transaction,
    organisation: &str,
    query: &Query,
) -> Result<Vec<Kept<T>>, StoreError> {
    tx.list(T::TABLE, organisation, query).await?.into_iter().map(Kept::read).collect()
}

pub async fn insert<T: Record>(tx: &mut dyn Transaction, organisation: &str, thing: T) -> Result<Kept<T>, StoreError> {
    insert_as(tx, organisation, thing, 1).await
}

/// A thing whose name another one may have had: its first revision is none of that one's.
pub async fn insert_named<T: Record>(
    tx: &mut dyn Transaction,
    organisation: &str,
    thing: T,
    randomness: &dyn Randomness,
) -> Result<Kept<T>, StoreError> {
    // Few enough bits for whoever takes it for a number of JSON.
    let mut bytes = [0; 6];
    randomness.fill(&mut bytes);
    let random = bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    insert_as(tx, organisation, thing, random + 1).await
}

async fn insert_as<T: Record>(
    tx: &mut dyn Transaction,
    organisation: &str,
    thing: T,
    revision: i64,
) -> Result<Kept<T>, StoreError> {
    let kept = Kept { organisation: organisation.to_owned(), revision, thing };
    tx.insert(T::TABLE, &kept.write()?).await?;
    Ok(kept)
}

/// Writes it under the next revision, which it then has.
pub async fn update<T: Record>(tx: &mut dyn Transaction, kept: &mut Kept<T>) -> Result<(), StoreError> {
    kept.revision = kept.revision.saturating_add(1);
    tx.update(T::TABLE, &kept.write()?).await
}

/// Writes what is no change of state, such as when it was last used: its revision stays.
pub async fn note<T: Record>(tx: &mut dyn Transaction, kept: &Kept<T>) -> Result<(), StoreError> {
    tx.update(T::TABLE, &kept.write()?).await
}

/// Of all organisations, beyond that organisation and identifier.
pub async fn scan<T: Record>(
    tx: &mut dyn Transaction,
    after: Option<(&str, &str)>,
    limit: u32,
) -> Result<Vec<Kept<T>>, StoreError> {
    tx.scan(T::TABLE, after, limit).await?.into_iter().map(Kept::read).collect()
}

/// Records that are read at once.
const CHUNK: u32 = 1000;

/// Every record of a table that has few, of all organisations.
pub async fn all(tx: &mut dyn Transaction, table: &'static Table) -> Result<Vec<Stored>, StoreError> {
    let mut records: Vec<Stored> = Vec::new();
    loop {
        let after = records.last().map(|last| (last.organisation.as_str(), last.id.as_str()));
        let chunk = tx.scan(table, after, CHUNK).await?;
        let is_last = chunk.len() < CHUNK as usize;
        records.extend(chunk);
        if is_last {
            return Ok(records);
        }
    }
}
