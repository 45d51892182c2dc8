//! The proofs that were used, so that none is used twice (RFC 9449 §11.1): a fixed number of places in shared data.
//!
//! A proof is named by a digest of a salt, its key and its `jti`, which picks a set; a set is one shared value with at
//! most [`WAYS`] proofs, the oldest first, each with the end of its validity. What has ended goes at the next write;
//! where that leaves no room, the oldest goes before its time and could be used again. A proof costs one read and one
//! write.
//!
//! The salt is the process's own: whoever makes proofs cannot choose their set, and has to fill them all to push one
//! proof out. It is written once to shared data, by the first who needs it, and read once by each worker.
//!
//! The sets are those of the process and not of a configuration: a reload does not forget.

use crate::base::shared_key::numbered;
use crate::base::time::Timestamp;
use crate::base::wire::{Malformed, Reader, put_time};
use crate::port::{Expect, HostFailure, Random, SharedStore, WriteError};
use crate::token::confirmation::Thumbprint;
use std::cell::Cell;

/// Proofs in one set.
const WAYS: usize = 32;
/// Bytes that name a proof: two that are not the same have the same name once in 2⁶⁴.
const NAME: usize = 16;
/// Changes with the layout.
const VERSION: u8 = 1;
/// Bytes of the salt.
const SALT: usize = 16;
/// How often a write is tried when other workers are faster.
const ATTEMPTS: usize = 16;

const SALT_KEY: &str = "tessera/1/proofs/salt";

type ProofName = [u8; NAME];

/// The proofs of this process, as one worker reaches them.
#[derive(Clone, Debug)]
pub struct UsedProofs {
    prefix: Box<str>,
    sets: u64,
    ways: usize,
    /// As it was read, once it was.
    salt: Cell<Option<[u8; SALT]>>,
}

/// A proof that is to be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use<'a> {
    pub key: &'a Thumbprint,
    pub jti: &'a str,
    /// The last moment at which it is valid.
    pub until: Timestamp,
    pub now: Timestamp,
}

impl UsedProofs {
    /// Room for about `entries` proofs.
    pub fn new(entries: usize) -> Self {
        let ways = entries.clamp(1, WAYS);
        let sets = (entries as u64).div_ceil(ways as u64).max(1);
        Self { prefix: [&numbered("tessera/1/proofs/", sets), "/"].concat().into(), sets, ways, salt: Cell::default() }
    }

    /// Takes note of a proof. Whether it is the first time.
    ///
    /// # Errors
    /// [`HostFailure`] when that cannot be told.
    pub(super) fn is_first_use(
        &self,
        store: &dyn SharedStore,
        random: &dyn Random,
        Use { key, jti, until, now }: Use<'_>,
    ) -> Result<bool, HostFailure> {
        let salt = self.salt(store, random)?;
        let digest = hmac_sha256::Hash::hash(&[&salt[..], key, jti.as_bytes()].concat());
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

    fn salt(&self, store: &dyn SharedStore, random: &dyn Random) -> Result<[u8; SALT], HostFailure> {
        if let Some(salt) = self.salt.get() {
            return Ok(salt);
        }
        for _ in 0..ATTEMPTS {
            let found = store.get(SALT_KEY);
            if let Some(salt) = found.as_ref().and_then(|found| found.value.as_slice().try_into().ok()) {
                self.salt.set(Some(salt));
                return Ok(salt);
            }
            let mut salt = [0; SALT];
            random.fill(&mut salt)?;
            let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(SALT_KEY, &salt, expect) {
                // Read back: all workers have what is there.
                Ok(()) | Err(WriteError::Conflict) => {}
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
    use crate::port::memory::{FixedRandom, MemoryStore};
    use proptest::prelude::*;

    const KEY: Thumbprint = [1; 32];

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn of<'a>(key: &'a Thumbprint, jti: &'a str, now: u64) -> Use<'a> {
        Use { key, jti, until: at(now + 100), now: at(now) }
    }

    /// Its sets, without the salt.
    fn sets(store: &MemoryStore) -> Vec<(String, Vec<u8>)> {
        store.dump().into_iter().filter(|(key, _)| key != SALT_KEY).collect()
    }

    fn used(entries: usize) -> impl Fn(&dyn SharedStore, &str, u64) -> Result<bool, HostFailure> {
        let proofs = UsedProofs::new(entries);
        move |store, jti, now| proofs.is_first_use(store, &FixedRandom(7), of(&KEY, jti, now))
    }

    #[test]
    fn a_proof_is_used_once_by_a_key_until_it_ends() {
        let (store, used) = (MemoryStore::default(), used(100));
        assert_eq!(used(&store, "a", 0), Ok(true));
        assert_eq!(used(&store, "a", 0), Ok(false));
        assert_eq!(used(&store, "a", 100), Ok(false), "valid until then");
        assert_eq!(used(&store, "b", 0), Ok(true));
        assert_eq!(used(&store, "a", 101), Ok(true));
        let other = UsedProofs::new(100).is_first_use(&store, &FixedRandom(8), of(&[2; 32], "a", 101));
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
        let values = sets(&store);
        assert_eq!(values.len(), 4);
        assert!(values.iter().all(|(_, value)| value.len() == 1 + WAYS * 24));
    }

    #[test]
    fn the_salt_of_the_process_chooses_the_sets_and_is_read_once() {
        let (store, random) = (MemoryStore::default(), FixedRandom(7));
        let workers = [(); 2].map(|()| UsedProofs::new(1_000_000));
        assert_eq!(workers[0].is_first_use(&store, &random, of(&KEY, "a", 0)), Ok(true));
        assert_eq!(workers[1].is_first_use(&store, &FixedRandom(8), of(&KEY, "a", 0)), Ok(false), "one salt for all");
        let salt = store.get(SALT_KEY).unwrap();
        assert_eq!(salt.value, [7; SALT]);
        store.set(SALT_KEY, b"garbage", Expect::Anything).unwrap();
        assert_eq!(workers[1].is_first_use(&store, &FixedRandom(8), of(&KEY, "a", 0)), Ok(false));
        // Another process's.
        let other = MemoryStore::default();
        assert_eq!(UsedProofs::new(1_000_000).is_first_use(&other, &FixedRandom(8), of(&KEY, "a", 0)), Ok(true));
        assert_ne!(sets(&other), sets(&store));
    }

    #[test]
    fn without_a_salt_nothing_can_be_told() {
        struct NoRandom;
        impl Random for NoRandom {
            fn fill(&self, _: &mut [u8]) -> Result<(), HostFailure> {
                Err(HostFailure)
            }
        }
        let store = MemoryStore::default();
        let proofs = UsedProofs::new(100);
        assert_eq!(proofs.is_first_use(&store, &NoRandom, of(&KEY, "a", 0)), Err(HostFailure));
        assert_eq!(store.dump(), []);
        store.set(SALT_KEY, b"garbage", Expect::Anything).unwrap();
        assert_eq!(proofs.is_first_use(&store, &FixedRandom(7), of(&KEY, "a", 0)), Ok(true));
        assert_eq!(proofs.is_first_use(&store, &NoRandom, of(&KEY, "a", 0)), Ok(false));
        assert_eq!(store.get(SALT_KEY).unwrap().value, [7; SALT]);
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
        let salted = used(100);
        assert_eq!(salted(&MemoryStore::default(), "b", 0), Ok(true));
        // With the salt there, and before.
        for (used, least) in [(salted, 0), (used(100), 1)] {
            assert_eq!(used(&contended(1, WriteError::Unavailable), "a", 0), Err(HostFailure));
            assert_eq!(used(&contended(ATTEMPTS, WriteError::Conflict), "a", 0), Err(HostFailure));
            assert_eq!(used(&contended(ATTEMPTS - 1 - least, WriteError::Conflict), "a", 0), Ok(true));
        }
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
