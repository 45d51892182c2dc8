use super::*;
use crate::port::Versioned;
use crate::port::memory::{FixedRandom, MemoryStore};
use proptest::prelude::*;

const KEY: Thumbprint = [1; 32];

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn of<'a>(key: &'a Thumbprint, jti: &'a str, now: u64) -> Use<'a> {
    Use { key, jti, issued_at: at(now), lifetime: Duration::from_millis(100), now: at(now) }
}

/// Its sets, without the salt.
fn sets(store: &MemoryStore) -> Vec<(String, Vec<u8>)> {
    store.dump().into_iter().filter(|(key, _)| key != SALT_KEY).collect()
}

fn used(entries: usize) -> impl Fn(&dyn SharedStore, &str, u64) -> Result<bool, HostFailure> {
    let proofs = UsedProofs::new(entries);
    move |store, jti, now| proofs.is_first_use(store, &FixedRandom(7), of(&KEY, jti, now))
}

/// So many proofs that fall into one set.
fn of_one_set(count: usize) -> Vec<String> {
    let place = |jti: &str| {
        let store = MemoryStore::default();
        used(1)(&store, jti, 0).unwrap();
        sets(&store).pop().unwrap().0
    };
    let first = place("0");
    (0..).map(|number: u32| number.to_string()).filter(|jti| place(jti) == first).take(count).collect()
}

#[test]
fn a_proof_is_used_once_by_a_key_while_it_is_good() {
    let (store, used) = (MemoryStore::default(), used(100));
    assert_eq!(used(&store, "a", 0), Ok(true));
    assert_eq!(used(&store, "a", 0), Ok(false));
    assert_eq!(used(&store, "a", 100), Ok(false), "good until then");
    assert_eq!(used(&store, "b", 0), Ok(true));
    assert_eq!(used(&store, "a", 101), Ok(true));
    let other = UsedProofs::new(100).is_first_use(&store, &FixedRandom(8), of(&[2; 32], "a", 101));
    assert_eq!(other, Ok(true), "another key's");
}

#[test]
fn of_a_full_set_the_oldest_goes() {
    let (store, used) = (MemoryStore::default(), used(SETS * LEAST));
    let proofs = of_one_set(LEAST + 1);
    for jti in &proofs {
        assert_eq!(used(&store, jti, 0), Ok(true));
    }
    for jti in proofs.iter().skip(1) {
        assert_eq!(used(&store, jti, 0), Ok(false));
    }
    assert_eq!(used(&store, &proofs[0], 0), Ok(true));
    assert_eq!(used(&store, &proofs[1], 0), Ok(true));
}

#[test]
fn the_sets_are_fixed_and_their_size_is_bounded() {
    for (entries, room) in
        [(0, 8), (1, 8), (2_048, 8), (2_049, 9), (10_000, 40), (1_000_000, 3_907), (usize::MAX, 4_096)]
    {
        assert_eq!(UsedProofs::new(entries).room, room, "{entries}");
    }
    let (store, used) = (MemoryStore::default(), used(1));
    for jti in 0..10_000 {
        assert_eq!(used(&store, &jti.to_string(), 0), Ok(true));
    }
    let values = sets(&store);
    assert_eq!(values.len(), SETS);
    assert!(values.iter().all(|(_, value)| value.len() == LEAST * PROOF));
}

#[test]
fn half_as_many_as_there_is_room_for_are_remembered_all() {
    let (store, used) = (MemoryStore::default(), used(10_000));
    for jti in 0..5_000 {
        assert_eq!(used(&store, &jti.to_string(), 0), Ok(true));
    }
    assert!((0..5_000).all(|jti| used(&store, &jti.to_string(), 0) == Ok(false)));
}

#[test]
fn a_proof_that_one_configuration_has_used_is_used_for_every_other() {
    let sizes = [1, 100, 10_000, 1_000_000];
    let proofs = of_one_set(LEAST);
    for (first, then) in sizes.iter().flat_map(|first| sizes.iter().map(move |then| (*first, *then))) {
        let store = MemoryStore::default();
        // It is too old for the first one when that uses others.
        for (jti, now) in proofs.iter().zip([0].into_iter().chain(200..)) {
            assert_eq!(used(first)(&store, jti, now), Ok(true));
        }
        let again = |now| {
            let used = Use { lifetime: Duration::from_secs(60), now: at(now), ..of(&KEY, &proofs[0], 0) };
            UsedProofs::new(then).is_first_use(&store, &FixedRandom(8), used)
        };
        assert_eq!([0, 101, 60_000, 60_001].map(again), [Ok(false), Ok(false), Ok(false), Ok(true)], "{first} {then}");
    }
}

#[test]
fn a_configuration_with_less_room_makes_room_for_its_own_only() {
    let store = MemoryStore::default();
    let proofs = of_one_set(2 * LEAST + 1);
    let (own, others) = proofs.split_last().unwrap();
    for jti in others {
        assert_eq!(used(1_000_000)(&store, jti, 0), Ok(true));
    }
    assert_eq!(used(1)(&store, own, 0), Ok(true));
    let forgotten = others.iter().filter(|jti| used(1_000_000)(&store, jti, 0) == Ok(true));
    assert_eq!(forgotten.count(), 1);
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
        for set in 0..SETS as u64 {
            store.set(&numbered(PREFIX, set), &bytes, Expect::Anything).unwrap();
        }
        prop_assert_eq!(used(&store, "a", 0), Ok(true));
        prop_assert_eq!(used(&store, "a", 0), Ok(false));
    }
}

#[test]
fn what_is_longer_than_any_set_is_none() {
    let (store, used) = (MemoryStore::default(), used(1));
    for set in 0..SETS as u64 {
        store.set(&numbered(PREFIX, set), &[7; (MOST + 1) * PROOF], Expect::Anything).unwrap();
    }
    assert_eq!(used(&store, "a", 0), Ok(true));
    assert!(sets(&store).iter().any(|(_, value)| value.len() == PROOF));
}
