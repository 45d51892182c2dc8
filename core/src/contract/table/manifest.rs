//! The table's own record: which generation is in force, and which slots contain it. Untrusted when read.

use crate::base::wire::{Malformed, Reader, put_bytes, put_u64, put_varint};
use crate::contract::table::keys::Slot;

/// Most buckets: 25 million contracts at [`ROWS_PER_BUCKET`].
///
/// [`ROWS_PER_BUCKET`]: crate::contract::table::draft::ROWS_PER_BUCKET
pub(crate) const MAX_BUCKETS: u32 = 1 << 20;

/// What is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Which set is in force; 0 when none has been loaded.
    pub generation: u64,
    /// Last number claimed by a writer. A generation is the draft that became current.
    pub draft: u64,
    /// Keys the hashes, that of the last document among them.
    pub seed: u64,
    /// Number of buckets of the current generation.
    pub buckets: u32,
    pub rows: u64,
    /// No bucket from this number on has ever held anything that was not cleared since.
    pub high: u32,
    /// One bit per bucket: set when the second slot is current.
    current: Vec<u8>,
}

impl Manifest {
    /// Which slot of a bucket is current; `None` for a bucket outside of the table.
    pub(crate) fn current(&self, bucket: u32) -> Option<Slot> {
        if bucket >= self.buckets {
            return None;
        }
        let byte = self.current.get(bucket as usize / 8)?;
        Some(if byte >> (bucket % 8) & 1 == 1 { Slot::Second } else { Slot::First })
    }

    /// Sets the number of buckets, and for each of them which slot is current.
    pub(crate) fn arrange(&mut self, buckets: u32, slot: impl Fn(u32) -> Slot) {
        let mut current = vec![0u8; buckets.div_ceil(8) as usize];
        for bucket in 0..buckets {
            if let (Slot::Second, Some(byte)) = (slot(bucket), current.get_mut(bucket as usize / 8)) {
                *byte |= 1 << (bucket % 8);
            }
        }
        self.buckets = buckets;
        self.current = current;
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for number in [self.generation, self.draft, self.seed] {
            put_u64(out, number);
        }
        for number in [u64::from(self.buckets), self.rows, u64::from(self.high)] {
            put_varint(out, number);
        }
        put_bytes(out, &self.current);
    }

    /// Reads what [`Self::write`] has written.
    ///
    /// # Errors
    /// [`Malformed`] when it is something else, or contradicts itself.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (generation, draft, seed) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let (buckets, rows, high) = (number(reader)?, reader.varint()?, number(reader)?);
        let current = reader.bytes()?.to_vec();
        let fits = current.len() == buckets.div_ceil(8) as usize
            && buckets.max(high) <= MAX_BUCKETS
            && (generation == 0 || buckets > 0);
        fits.then_some(Self { generation, draft, seed, buckets, rows, high, current }).ok_or(Malformed)
    }
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    u32::try_from(reader.varint()?).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(bucket: u32) -> Slot {
        if bucket.is_multiple_of(3) { Slot::Second } else { Slot::First }
    }

    fn read(manifest: &Manifest) -> Result<Manifest, Malformed> {
        let mut bytes = Vec::new();
        manifest.write(&mut bytes);
        Manifest::read(&mut Reader::new(&bytes))
    }

    #[test]
    fn every_bucket_has_the_slot_that_it_was_given() {
        for buckets in [1, 7, 8, 9, 20, 200] {
            let mut manifest = Manifest { generation: 3, draft: 4, seed: 5, rows: 6, high: 300, ..Manifest::default() };
            manifest.arrange(buckets, slot);
            let manifest = read(&manifest).unwrap();
            assert_eq!((manifest.generation, manifest.draft, manifest.seed), (3, 4, 5));
            assert_eq!((manifest.buckets, manifest.rows, manifest.high), (buckets, 6, 300));
            for bucket in 0..buckets {
                assert_eq!(manifest.current(bucket), Some(slot(bucket)), "{bucket} of {buckets}");
            }
            assert_eq!((manifest.current(buckets), manifest.current(u32::MAX)), (None, None));
        }
    }

    #[test]
    fn one_that_contradicts_itself_is_refused() {
        let of = |generation, buckets: u32, high, bytes| {
            let current = vec![0; bytes];
            read(&Manifest { generation, buckets, high, current, ..Manifest::default() }).is_ok()
        };
        let all = MAX_BUCKETS as usize / 8;
        assert!(of(0, 0, 0, 0) && of(0, 9, 9, 2) && of(1, 9, 0, 2) && of(1, MAX_BUCKETS, MAX_BUCKETS, all));
        assert!(!of(1, 0, 0, 0), "a set without a bucket");
        assert!(!of(1, 9, 9, 1) && !of(1, 9, 9, 3), "as many bits as buckets");
        assert!(!of(1, MAX_BUCKETS + 1, 0, all + 1) && !of(1, 9, MAX_BUCKETS + 1, 2));
    }
}
