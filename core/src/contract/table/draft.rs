//! The next generation while it is being put together, in one worker's memory.
//!
//! Linear hashing: the table grows by splitting one bucket at a time, in order, so that no single step is long.

use hashbrown::hash_map::Entry;

use crate::contract::identity::IdentityRef;
use crate::contract::row::{EVERY_PROVIDER, Identity, Row};
use crate::contract::table::bucket::{self, Put, address, hash};
use crate::contract::table::manifest::{MAX_BUCKETS, Manifest};
use crate::contract::table::row_codec::rows;

/// Rows per bucket above which the table grows.
pub(crate) const ROWS_PER_BUCKET: u64 = 24;

/// A bucket of the generation that the draft starts from cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// The result of applying an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Yes,
    /// There are too many contracts of this pair of API and client: none of those there were grants any more.
    Full,
}

/// Reads a bucket of the generation that the draft starts from.
pub(crate) type Load<'a> = dyn Fn(u32) -> Option<Vec<u8>> + 'a;

/// A set of contracts in preparation.
#[derive(Debug)]
pub(crate) struct TableDraft {
    seed: u64,
    buckets: u32,
    rows: u64,
    from_nothing: bool,
    touched: hashbrown::HashMap<u32, Touched, foldhash::fast::RandomState>,
}

#[derive(Debug, Default)]
struct Touched {
    rows: Vec<u8>,
    changed: bool,
}

impl TableDraft {
    pub(crate) fn from_nothing(seed: u64) -> Self {
        Self { seed, buckets: 1, rows: 0, from_nothing: true, touched: hashbrown::HashMap::default() }
    }

    pub(crate) fn from_manifest(manifest: &Manifest) -> Self {
        Self {
            seed: manifest.seed,
            buckets: manifest.buckets,
            rows: manifest.rows,
            from_nothing: false,
            touched: hashbrown::HashMap::default(),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn buckets(&self) -> u32 {
        self.buckets
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// True when nothing of what is in force carries over.
    pub(crate) fn replaces_everything(&self) -> bool {
        self.from_nothing
    }

    /// True when it differs from what it started from.
    pub(crate) fn changes_anything(&self) -> bool {
        self.touched.values().any(|touched| touched.changed)
    }

    /// The numbers of the buckets that have to be written.
    pub(crate) fn to_write(&self) -> Vec<u32> {
        if self.from_nothing {
            return (0..self.buckets).collect();
        }
        let changed = self.touched.iter().filter(|(_, touched)| touched.changed);
        changed.map(|(bucket, _)| *bucket).collect()
    }

    /// The rows of a bucket that has to be written. They are gone from the draft after that.
    pub(crate) fn take_rows(&mut self, bucket: u32) -> Vec<u8> {
        self.touched.remove(&bucket).unwrap_or_default().rows
    }

    /// Puts a contract in, over the one of the same identity; one that is about every provider over all of its API and
    /// client.
    ///
    /// # Errors
    /// [`Damaged`] when its bucket cannot be loaded.
    pub(crate) fn put(&mut self, row: &Row, load: &Load<'_>) -> Result<Applied, Damaged> {
        if row.identity.is_of_every_provider() {
            return self.put_alone(row, load).map(|()| Applied::Yes);
        }
        let touched = self.touch(self.place_of(&row.identity), load)?;
        match bucket::put(&mut touched.rows, row) {
            Put::Same => {}
            Put::Replaced => touched.changed = true,
            Put::Added => {
                touched.changed = true;
                self.rows = self.rows.saturating_add(1);
                self.grow(load)?;
            }
            Put::Full => {
                self.put_alone(&Row::denial(row.identity.clone().of_every_provider()), load)?;
                return Ok(Applied::Full);
            }
            Put::Damaged => return Err(Damaged),
        }
        Ok(Applied::Yes)
    }

    fn put_alone(&mut self, row: &Row, load: &Load<'_>) -> Result<(), Damaged> {
        let touched = self.touch(self.place_of(&row.identity), load)?;
        let replaced = bucket::put_alone(&mut touched.rows, row).map_err(|_| Damaged)?;
        touched.changed = true;
        self.rows = self.rows.saturating_sub(replaced).saturating_add(1);
        self.grow(load)
    }

    /// Whether a denial about every provider is in force for the API and client of `identity`.
    ///
    /// # Errors
    /// [`Damaged`] when its bucket cannot be loaded.
    pub(crate) fn denies_every_provider(&mut self, identity: &Identity, load: &Load<'_>) -> Result<bool, Damaged> {
        let denial = IdentityRef { provider: Some(EVERY_PROVIDER), ..identity.as_ref() };
        let touched = self.touch(self.place_of(identity), load)?;
        Ok(rows(&touched.rows).flatten().any(|stored| stored.identity == denial))
    }

    fn place_of(&self, identity: &Identity) -> u32 {
        address(hash(self.seed, &identity.api, &identity.client_id), self.buckets)
    }

    /// Takes a contract out, if it is there.
    ///
    /// # Errors
    /// [`Damaged`] when its bucket cannot be loaded.
    pub(crate) fn remove(&mut self, identity: &Identity, load: &Load<'_>) -> Result<(), Damaged> {
        let touched = self.touch(self.place_of(identity), load)?;
        if bucket::remove(&mut touched.rows, identity.as_ref()) {
            touched.changed = true;
            self.rows = self.rows.saturating_sub(1);
        }
        Ok(())
    }

    fn touch(&mut self, bucket: u32, load: &Load<'_>) -> Result<&mut Touched, Damaged> {
        match self.touched.entry(bucket) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(place) => {
                let rows = if self.from_nothing { Vec::new() } else { load(bucket).ok_or(Damaged)? };
                Ok(place.insert(Touched { rows, changed: false }))
            }
        }
    }

    /// Splits the next bucket in turn when the table has become too full.
    fn grow(&mut self, load: &Load<'_>) -> Result<(), Damaged> {
        if self.rows <= u64::from(self.buckets) * ROWS_PER_BUCKET || self.buckets >= MAX_BUCKETS {
            return Ok(());
        }
        let new = self.buckets;
        let halved = new - (1 << new.ilog2());
        self.buckets = new + 1;
        let (seed, buckets) = (self.seed, self.buckets);
        let old = self.touch(halved, load)?;
        let (mut stay, mut go) = (Vec::with_capacity(old.rows.len()), Vec::new());
        for stored in rows(&old.rows) {
            let stored = stored.map_err(|_| Damaged)?;
            let hash = hash(seed, stored.identity.api, stored.identity.client_id);
            let side = if address(hash, buckets) == new { &mut go } else { &mut stay };
            side.extend_from_slice(old.rows.get(stored.start..stored.end).ok_or(Damaged)?);
        }
        *old = Touched { rows: stay, changed: true };
        self.touched.insert(new, Touched { rows: go, changed: true });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn row(api: u8, client: u16, tier: u8) -> Row {
        let json = format!(r#"{{"api":"{api}","client_id":"{client}","tier":"{tier}"}}"#);
        Row::from_json(json.as_bytes()).unwrap()
    }

    fn nothing(_: u32) -> Option<Vec<u8>> {
        None
    }

    proptest! {
        #[test]
        fn a_draft_is_a_map(seed: u64, steps in prop::collection::vec((0u8..2, 0u16..300, prop::option::of(0u8..3)), 0..900)) {
            let mut draft = TableDraft::from_nothing(seed);
            let mut model = BTreeMap::new();
            for (api, client, tier) in steps {
                match tier {
                    Some(tier) => {
                        let row = row(api, client, tier);
                        prop_assert_eq!(draft.put(&row, &nothing), Ok(Applied::Yes));
                        model.insert(row.identity.clone(), row);
                    }
                    None => {
                        let identity = row(api, client, 0).identity;
                        prop_assert_eq!(draft.remove(&identity, &nothing), Ok(()));
                        model.remove(&identity);
                    }
                }
            }
            prop_assert_eq!(draft.rows(), model.len() as u64);
            let buckets = draft.buckets();
            let stored: Vec<_> = draft.to_write().into_iter().map(|b| draft.take_rows(b)).collect();
            let count: usize = stored.iter().map(|bytes| super::rows(bytes).count()).sum();
            prop_assert_eq!(count, model.len());
            for row in model.values() {
                let (api, client) = (&row.identity.api, &row.identity.client_id);
                let at = address(hash(seed, api, client), buckets) as usize;
                prop_assert_eq!(bucket::find(&stored[at], api, "x", client), Ok(Some(row.contract.clone())));
            }
        }
    }

    #[test]
    fn rows_spread_evenly() {
        let mut draft = TableDraft::from_nothing(7);
        for client in 0..20_000 {
            draft.put(&row(1, client, 0), &nothing).unwrap();
        }
        let buckets = draft.buckets();
        assert_eq!(buckets, 20_000u32.div_ceil(24));
        for bucket in 0..buckets {
            let bytes = draft.take_rows(bucket);
            assert!(rows(&bytes).count() < 100);
        }
    }

    #[test]
    fn the_rows_of_one_pair_are_bounded() {
        let mut draft = TableDraft::from_nothing(7);
        let with = |provider: usize| {
            let json = format!(r#"{{"api":"a","client_id":"c","provider":"{provider}"}}"#);
            Row::from_json(json.as_bytes()).unwrap()
        };
        for provider in 0..bucket::MAX_ROWS {
            assert_eq!(draft.put(&with(provider), &nothing), Ok(Applied::Yes));
        }
        assert_eq!(draft.put(&with(9999), &nothing), Ok(Applied::Full));
        assert_eq!(draft.put(&with(3), &nothing), Ok(Applied::Yes));
    }
}
