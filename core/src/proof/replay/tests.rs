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
    assert!(values.iter().all(|(_, value)| value.len() == WAYS * 24));
}

#[test]
fn each_size_has_its_own_sets() {
    let prefix = |entries| UsedProofs::new(entries).prefix;
    assert_eq!(&*prefix(10_000), "tessera/1/proofs/layout-1/139x20/");
    let sizes = [0, 5, 31, 32, 33, 64, 65, 10_000, 10_017, 1_000_000];
    let prefixes: std::collections::BTreeSet<_> = sizes.map(prefix).into_iter().collect();
    // 33 and 64 need two sets each, 10,000 and 10,016 as many as each other.
    assert_eq!(prefixes.len(), sizes.len() - 1, "{prefixes:?}");
    assert_eq!(prefix(10_000), prefix(10_016));
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
        bytes in prop::collection::vec(any::<u8>(), 0..900), entries in 0..200_usize,
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
