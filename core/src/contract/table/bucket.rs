//! One bucket: the rows of the pairs of API and client that hash to it.

use crate::base::hash::SipHash;
use crate::base::wire::{Malformed, Reader, put_varint};
use crate::contract::contract::Contract;
use crate::contract::identity::IdentityRef;
use crate::contract::row::{EVERY_PROVIDER, Row};
use crate::contract::table::row_codec::{StoredRow, encode, rows};
use crate::contract::table::seal::{self, FORMAT};

/// Most rows of one bucket. The hash spreads (api, client id) pairs evenly, so this is a bound on the rows of one
/// pair, which differ in their provider.
pub(crate) const MAX_ROWS: usize = 256;

/// Where a pair belongs, before it is reduced to the number of buckets. `seed` keeps clients from choosing names
/// that meet in one bucket.
pub(crate) fn hash(seed: u64, api: &str, client_id: &str) -> u64 {
    let mut hash = SipHash::new(seed);
    hash.write_u64(api.len() as u64);
    hash.write(api.as_bytes());
    hash.write(client_id.as_bytes());
    hash.finish()
}

/// The bucket of a hash among `buckets` (linear hashing: those that have been split already take one bit more).
pub(crate) fn address(hash: u64, buckets: u32) -> u32 {
    let round = u64::from(buckets).next_power_of_two();
    let wide = hash & (round - 1);
    let bucket = if wide < u64::from(buckets) { wide } else { wide & (round / 2 - 1) };
    u32::try_from(bucket).unwrap_or(0)
}

pub(crate) fn seal(bucket: u32, rows: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(rows.len() + 16);
    value.push(FORMAT);
    put_varint(&mut value, u64::from(bucket));
    value.extend_from_slice(rows);
    seal::seal(&mut value);
    value
}

/// The rows in the value of a slot; `None` when it was not written for that bucket by this format.
pub(crate) fn unseal(bucket: u32, value: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(seal::unseal(value)?);
    let ours = reader.u8() == Ok(FORMAT) && reader.varint() == Ok(u64::from(bucket));
    ours.then_some(reader.rest())
}

/// The result of putting a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Added,
    Replaced,
    Same,
    Full,
    Damaged,
}

/// Puts `row` in the place of the one with its identity, or at the end.
pub(crate) fn put(bucket: &mut Vec<u8>, row: &Row) -> Put {
    let mut count = 0;
    let mut found = None;
    for stored in rows(bucket) {
        let Ok(stored) = stored else { return Put::Damaged };
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

/// Puts `row` in the place of all rows of its API and client. Returns how many those were. Takes the bucket past
/// [`MAX_ROWS`] by one row of a pair at most.
///
/// # Errors
/// [`Malformed`] when the bucket's bytes are not rows.
pub(crate) fn put_alone(bucket: &mut Vec<u8>, row: &Row) -> Result<u64, Malformed> {
    let own = row.identity.as_ref();
    let (mut kept, mut replaced) = (Vec::with_capacity(bucket.len()), 0);
    for stored in rows(bucket) {
        let stored = stored?;
        if stored.identity.is_of_pair(own.api, own.client_id) {
            replaced += 1;
        } else {
            kept.extend_from_slice(bucket.get(stored.start..stored.end).ok_or(Malformed)?);
        }
    }
    kept.extend_from_slice(&encode(row));
    *bucket = kept;
    Ok(replaced)
}

/// Takes out the row of that identity. False when there is none.
pub(crate) fn remove(bucket: &mut Vec<u8>, identity: IdentityRef<'_>) -> bool {
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
/// [`Malformed`] when the bytes are not rows.
pub(crate) fn find(bytes: &[u8], api: &str, provider: &str, client_id: &str) -> Result<Option<Contract>, Malformed> {
    let (mut general, mut every) = (None, None);
    for stored in rows(bytes) {
        let stored = stored?;
        if !stored.identity.is_of_pair(api, client_id) {
            continue;
        }
        match stored.identity.provider {
            Some(own) if own == provider => return stored.contract().map(Some),
            Some(EVERY_PROVIDER) => every = Some(stored),
            Some(_) => {}
            None => general = Some(stored),
        }
    }
    every.or(general).map(StoredRow::contract).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::contract::table::row_codec::status;
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
                prop_assert_eq!(stored.unwrap().contract(), Ok(last.contract.clone()));
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
