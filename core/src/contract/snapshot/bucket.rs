//! The rows of one bucket as one byte string.
//!
//! Each row is a length and then: a byte of status and presence bits, api, client id, and what is present of
//! provider, tier, name, start and end. An empty provider is that of a denial about every one.

use std::hash::{DefaultHasher, Hasher};

use crate::base::time::Timestamp;
use crate::contract::identity::IdentityRef;
use crate::contract::row::{EVERY_PROVIDER, Row};
use crate::contract::snapshot::wire::{self, FORMAT, Reader, put_bytes, put_number};
use crate::contract::terms::{Contract, Status};

/// Most rows of one bucket. The hash spreads (api, client id) pairs evenly, so this is a bound on the rows of one
/// pair, which differ in their provider.
pub const MAX_ROWS: usize = 256;

const STATUS: u8 = 0b0000_0111;
const PROVIDER: u8 = 0b0000_1000;
const TIER: u8 = 0b0001_0000;
const NAME: u8 = 0b0010_0000;
const NOT_BEFORE: u8 = 0b0100_0000;
const EXPIRES_AT: u8 = 0b1000_0000;

/// Where a pair belongs, before it is reduced to the number of buckets. `seed` keeps clients from choosing names
/// that meet in one bucket.
pub fn hash(seed: u64, api: &str, client_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    hasher.write_usize(api.len());
    hasher.write(api.as_bytes());
    hasher.write(client_id.as_bytes());
    hasher.finish()
}

/// The bucket of a hash among `buckets` (linear hashing: those that have been split already take one bit more).
pub fn address(hash: u64, buckets: u32) -> u32 {
    let round = u64::from(buckets).next_power_of_two();
    let wide = hash & (round - 1);
    let bucket = if wide < u64::from(buckets) { wide } else { wide & (round / 2 - 1) };
    u32::try_from(bucket).unwrap_or(0)
}

/// The value of a slot.
pub fn seal(bucket: u32, rows: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(rows.len() + 16);
    value.push(FORMAT);
    put_number(&mut value, u64::from(bucket));
    value.extend_from_slice(rows);
    wire::seal(&mut value);
    value
}

/// The rows in the value of a slot; `None` when it was not written for that bucket by this format.
pub fn unseal(bucket: u32, value: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(wire::unseal(value)?);
    (reader.byte()? == FORMAT && reader.number()? == u64::from(bucket)).then_some(reader.0)
}

/// One row of a bucket, not yet read to its end.
pub struct Stored<'a> {
    /// Where it begins, its length included.
    pub start: usize,
    /// Where the next one begins.
    pub end: usize,
    /// Whom it is for.
    pub identity: IdentityRef<'a>,
    flags: u8,
    rest: Reader<'a>,
}

impl Stored<'_> {
    /// What was agreed; `None` when the bytes do not say.
    pub fn contract(mut self) -> Option<Contract> {
        let rest = &mut self.rest;
        let has = |flag| self.flags & flag != 0;
        Some(Contract {
            status: status(self.flags & STATUS)?,
            tier: if has(TIER) { Some(rest.text()?.into()) } else { None },
            name: if has(NAME) { Some(rest.text()?.into()) } else { None },
            not_before: if has(NOT_BEFORE) { Some(Timestamp::from_millis(rest.number()?)) } else { None },
            expires_at: if has(EXPIRES_AT) { Some(Timestamp::from_millis(rest.number()?)) } else { None },
        })
    }
}

/// The rows of a bucket in order. An item is `None`, and the last, when the bytes are no row.
pub fn rows(bytes: &[u8]) -> Rows<'_> {
    Rows { all: bytes.len(), rest: Reader(bytes) }
}

/// See [`rows`].
pub struct Rows<'a> {
    all: usize,
    rest: Reader<'a>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Option<Stored<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.0.is_empty() {
            return None;
        }
        let row = self.row();
        if row.is_none() {
            self.rest = Reader(&[]);
        }
        Some(row)
    }
}

impl<'a> Rows<'a> {
    fn row(&mut self) -> Option<Stored<'a>> {
        let start = self.all - self.rest.0.len();
        let mut rest = Reader(self.rest.bytes()?);
        let flags = rest.byte()?;
        let api = rest.text()?;
        let client_id = rest.text()?;
        let provider = if flags & PROVIDER != 0 { Some(rest.text()?) } else { None };
        Some(Stored {
            start,
            end: self.all - self.rest.0.len(),
            identity: IdentityRef { api, provider, client_id },
            flags,
            rest,
        })
    }
}

/// What became of a row that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Added,
    /// It differs from what it replaced.
    Replaced,
    /// It was there already, exactly so.
    Same,
    /// The bucket has [`MAX_ROWS`] rows.
    Full,
    /// The bucket's bytes are no rows.
    Damaged,
}

/// Puts `row` in the place of the one with its identity, or at the end.
pub fn put(bucket: &mut Vec<u8>, row: &Row) -> Put {
    let mut count = 0;
    let mut found = None;
    for stored in rows(bucket) {
        let Some(stored) = stored else {
            return Put::Damaged;
        };
        count += 1;
        if stored.identity == row.identity.as_ref() {
            found = Some(stored.start..stored.end);
            break;
        }
    }
    match found {
        Some(range) => {
            let new = encode(row);
            if bucket.get(range.clone()) == Some(&new[..]) {
                return Put::Same;
            }
            bucket.splice(range, new);
            Put::Replaced
        }
        None if count >= MAX_ROWS => Put::Full,
        None => {
            bucket.extend_from_slice(&encode(row));
            Put::Added
        }
    }
}

/// Puts `row` in the place of all rows of its API and client. Returns how many those were; `None` when the bucket's
/// bytes are no rows. Takes the bucket past [`MAX_ROWS`] by one row of a pair at most.
pub fn put_alone(bucket: &mut Vec<u8>, row: &Row) -> Option<u64> {
    let own = row.identity.as_ref();
    let (mut kept, mut replaced) = (Vec::with_capacity(bucket.len()), 0);
    for stored in rows(bucket) {
        let stored = stored?;
        if stored.identity.is_of_pair(own.api, own.client_id) {
            replaced += 1;
        } else {
            kept.extend_from_slice(bucket.get(stored.start..stored.end)?);
        }
    }
    kept.extend_from_slice(&encode(row));
    *bucket = kept;
    Some(replaced)
}

/// Takes out the row of that identity. False when there is none.
pub fn remove(bucket: &mut Vec<u8>, identity: IdentityRef<'_>) -> bool {
    let found =
        rows(bucket).flatten().find(|stored| stored.identity == identity).map(|stored| stored.start..stored.end);
    let Some(range) = found else {
        return false;
    };
    bucket.drain(range);
    true
}

/// The row for a token from `provider`: the one limited to it, else the one about every provider, else the one that
/// is not limited.
///
/// # Errors
/// The unit error when the bytes are no rows.
pub fn find(bytes: &[u8], api: &str, provider: &str, client_id: &str) -> Result<Option<Contract>, ()> {
    let (mut general, mut every) = (None, None);
    for stored in rows(bytes) {
        let stored = stored.ok_or(())?;
        if !stored.identity.is_of_pair(api, client_id) {
            continue;
        }
        match stored.identity.provider {
            Some(own) if own == provider => return stored.contract().map(Some).ok_or(()),
            Some(EVERY_PROVIDER) => every = Some(stored),
            Some(_) => {}
            None => general = Some(stored),
        }
    }
    match every.or(general) {
        None => Ok(None),
        Some(stored) => stored.contract().map(Some).ok_or(()),
    }
}

fn encode(row: &Row) -> Vec<u8> {
    let (identity, contract) = (&row.identity, &row.contract);
    let flag = |present: bool, flag: u8| if present { flag } else { 0 };
    let flags = status_code(contract.status)
        | flag(identity.provider.is_some(), PROVIDER)
        | flag(contract.tier.is_some(), TIER)
        | flag(contract.name.is_some(), NAME)
        | flag(contract.not_before.is_some(), NOT_BEFORE)
        | flag(contract.expires_at.is_some(), EXPIRES_AT);
    let mut body = Vec::with_capacity(96);
    body.push(flags);
    put_bytes(&mut body, identity.api.as_bytes());
    put_bytes(&mut body, identity.client_id.as_bytes());
    for text in [&identity.provider, &contract.tier, &contract.name].into_iter().flatten() {
        put_bytes(&mut body, text.as_bytes());
    }
    for date in [contract.not_before, contract.expires_at].into_iter().flatten() {
        put_number(&mut body, date.as_millis());
    }
    let mut bytes = Vec::with_capacity(body.len() + 2);
    put_bytes(&mut bytes, &body);
    bytes
}

fn status_code(status: Status) -> u8 {
    match status {
        Status::Active => 1,
        Status::Pending => 2,
        Status::Suspended => 3,
        Status::Revoked => 4,
        Status::Unknown => 5,
    }
}

fn status(code: u8) -> Option<Status> {
    Some(match code {
        1 => Status::Active,
        2 => Status::Pending,
        3 => Status::Suspended,
        4 => Status::Revoked,
        5 => Status::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        "[a-cü]{1,3}|x{200}"
    }

    fn row() -> impl Strategy<Value = Row> {
        let option = || prop::option::of(text());
        let date = || prop::option::of(any::<u64>());
        (text(), option(), text(), 1u8..6, option(), option(), date(), date()).prop_map(
            |(api, provider, client_id, code, tier, name, start, end)| Row {
                identity: IdentityRef { api: &api, provider: provider.as_deref(), client_id: &client_id }.to_identity(),
                contract: Contract {
                    status: status(code).unwrap(),
                    tier: tier.map(Into::into),
                    name: name.map(Into::into),
                    not_before: start.map(Timestamp::from_millis),
                    expires_at: end.map(Timestamp::from_millis),
                },
            },
        )
    }

    proptest! {
        #[test]
        fn rows_come_back(rows in prop::collection::vec(row(), 1..20)) {
            let mut bucket = Vec::new();
            for row in &rows {
                put(&mut bucket, row);
            }
            let value = seal(9, &bucket);
            prop_assert_eq!(unseal(8, &value), None);
            let bytes = unseal(9, &value).unwrap();
            for row in &rows {
                let identity = row.identity.as_ref();
                let last = rows.iter().rfind(|other| other.identity.as_ref() == identity).unwrap();
                let stored = super::rows(bytes).flatten().find(|stored| stored.identity == identity);
                prop_assert_eq!(stored.unwrap().contract(), Some(last.contract.clone()));
                prop_assert_eq!(put(&mut bucket, last), Put::Same);
            }
            for row in &rows {
                remove(&mut bucket, row.identity.as_ref());
                prop_assert!(!remove(&mut bucket, row.identity.as_ref()));
            }
            prop_assert!(bucket.is_empty());
        }

        #[test]
        fn nonsense_does_no_harm(bytes: Vec<u8>, row in row()) {
            let _ = find(&bytes, "a", "b", "c");
            let mut bucket = bytes;
            remove(&mut bucket, row.identity.as_ref());
            put(&mut bucket, &row);
        }

        #[test]
        fn growing_moves_rows_of_one_bucket_only(hash: u64, buckets in 1u32..5000) {
            let (before, after) = (address(hash, buckets), address(hash, buckets + 1));
            let split = buckets - (1 << buckets.ilog2());
            prop_assert!(before < buckets);
            prop_assert!(after == before || (before == split && after == buckets));
        }
    }
}
