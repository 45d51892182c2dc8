//! The proofs that were used, so that none is used twice (RFC 9449 §11.1): a fixed number of places in shared data.
//!
//! A proof is named by a digest of its key and its `jti`, which picks a set; a set is one shared value with at most
//! [`WAYS`] proofs, the oldest first, each with the end of its validity. What has ended goes at the next write; where
//! that leaves no room, the oldest goes before its time and could be used again. A proof costs one read and one write.
//!
//! The sets are those of the process and not of a configuration: a reload does not forget.

use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::base::wire::{Malformed, Reader, put_time};
use crate::port::{Expect, HostFailure, SharedStore, WriteError};
use crate::token::confirmation::Thumbprint;

/// Proofs in one set.
const WAYS: usize = 32;
/// Bytes that name a proof: two that are not the same have the same name once in 2⁶⁴.
const NAME: usize = 16;
/// Changes with the layout.
const VERSION: u8 = 1;
/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 16;

type ProofName = [u8; NAME];

/// The proofs of this process, as one worker reaches them.
#[derive(Clone, Debug)]
pub struct UsedProofs {
    prefix: Box<str>,
    sets: u64,
    ways: usize,
}

impl UsedProofs {
    /// Room for about `entries` proofs.
    pub fn new(entries: usize) -> Self {
        let ways = entries.clamp(1, WAYS);
        let sets = (entries as u64).div_ceil(ways as u64).max(1);
        Self { prefix: [&numbered("tessera/1/proofs/", sets), "/"].concat().into(), sets, ways }
    }

    /// Takes note of a proof that is valid until `until`. Whether it is the first time.
    ///
    /// # Errors
    /// [`HostFailure`] when that cannot be told.
    pub fn is_first_use(
        &self,
        store: &dyn SharedStore,
        (key, jti): (&Thumbprint, &str),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, HostFailure> {
        let digest = hmac_sha256::Hash::hash(&[&key[..], jti.as_bytes()].concat());
        let [name, place] = digest.as_chunks::<NAME>().0 else { return Err(HostFailure) };
        let number = place.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head));
        let set = numbered(&self.prefix, number.checked_rem(self.sets).unwrap_or_default());
        for _ in 0..ATTEMPTS {
            let found = store.get(&set);
            // What cannot be read is nobody's proof.
            let mut proofs = found.as_ref().and_then(|found| read(&found.value).ok()).unwrap_or_default();
            proofs.retain(|(_, until)| now <= *until);
            if proofs.iter().any(|(other, _)| other == name) {
                return Ok(false);
            }
            proofs.push((*name, until));
            let newest = proofs.len().saturating_sub(self.ways);
            let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(&set, &written(proofs.get(newest..).unwrap_or_default()), expect) {
                Ok(()) => return Ok(true),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Err(HostFailure),
            }
        }
        Err(HostFailure)
    }
}

fn read(bytes: &[u8]) -> Result<Vec<(ProofName, Timestamp)>, Malformed> {
    let mut reader = Reader::new(bytes);
    if bytes.len() > 1 + WAYS * (NAME + 8) || reader.u8()? != VERSION {
        return Err(Malformed);
    }
    let mut proofs = Vec::new();
    while !reader.rest().is_empty() {
        proofs.push((*reader.array()?, reader.time()?));
    }
    Ok(proofs)
}

fn written(proofs: &[(ProofName, Timestamp)]) -> Vec<u8> {
    let mut out = vec![VERSION];
    for (name, until) in proofs {
        out.extend_from_slice(name);
        put_time(&mut out, *until);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Versioned;
    use crate::port::memory::MemoryStore;
    use proptest::prelude::*;
    use std::cell::Cell;

    const KEY: Thumbprint = [1; 32];

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn used(entries: usize) -> impl Fn(&dyn SharedStore, &str, u64) -> Result<bool, HostFailure> {
        let proofs = UsedProofs::new(entries);
        move |store, jti, now| proofs.is_first_use(store, (&KEY, jti), at(now + 100), at(now))
    }

    #[test]
    fn a_proof_is_used_once_by_a_key_until_it_ends() {
        let (store, used) = (MemoryStore::default(), used(100));
        assert_eq!(used(&store, "a", 0), Ok(true));
        assert_eq!(used(&store, "a", 0), Ok(false));
        assert_eq!(used(&store, "a", 100), Ok(false), "valid until then");
        assert_eq!(used(&store, "b", 0), Ok(true));
        assert_eq!(used(&store, "a", 101), Ok(true));
        let other = UsedProofs::new(100).is_first_use(&store, (&[2; 32], "a"), at(300), at(101));
        assert_eq!(other, Ok(true), "another key's");
    }

    #[test]
    fn of_a_full_set_the_oldest_goes() {
        let (store, used) = (MemoryStore::default(), used(2));
        for jti in ["a", "b", "c"] {
            assert_eq!(used(&store, jti, 0), Ok(true));
        }
        assert_eq!((used(&store, "c", 0), used(&store, "b", 0)), (Ok(false), Ok(false)));
        assert_eq!(used(&store, "a", 0), Ok(true));
    }

    #[test]
    fn the_sets_are_fixed_and_their_size_is_bounded() {
        let (store, used) = (MemoryStore::default(), used(100));
        for jti in 0..2_000 {
            assert_eq!(used(&store, &jti.to_string(), 0), Ok(true));
        }
        let values = store.dump();
        assert_eq!(values.len(), 4);
        assert!(values.iter().all(|(_, value)| value.len() == 1 + WAYS * 24));
    }

    /// A store in which others write first so often, or that refuses.
    struct Contended(MemoryStore, Cell<usize>, WriteError);

    impl SharedStore for Contended {
        fn get(&self, key: &str) -> Option<Versioned> {
            self.0.get(key)
        }

        fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
            match self.1.get().checked_sub(1) {
                None => self.0.set(key, value, expect),
                Some(left) => {
                    self.1.set(left);
                    Err(self.2)
                }
            }
        }
    }

    #[test]
    fn a_store_that_fails_is_no_first_use() {
        let contended = |times, error| Contended(MemoryStore::default(), Cell::new(times), error);
        let used = used(100);
        assert_eq!(used(&contended(ATTEMPTS - 1, WriteError::Conflict), "a", 0), Ok(true));
        assert_eq!(used(&contended(ATTEMPTS, WriteError::Conflict), "a", 0), Err(HostFailure));
        assert_eq!(used(&contended(1, WriteError::Unavailable), "a", 0), Err(HostFailure));
    }

    proptest! {
        #[test]
        fn whatever_is_there_a_proof_is_used_once(
            bytes in prop::collection::vec(prop_oneof![Just(VERSION), any::<u8>()], 0..900), entries in 0..200_usize,
        ) {
            let (store, used) = (MemoryStore::default(), used(entries));
            for set in 0..8 {
                let key = numbered(&UsedProofs::new(entries).prefix, set);
                store.set(&key, &bytes, Expect::Anything).unwrap();
            }
            prop_assert_eq!(used(&store, "a", 0), Ok(true));
            prop_assert_eq!(used(&store, "a", 0), Ok(false));
        }
    }
}
