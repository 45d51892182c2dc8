use crate::base::wire::put_bytes;
use std::cell::{Cell, RefCell};

use super::*;
use crate::cache::bucket::{MAX_CLAIMS, MAX_GOOD, NEGATIVE_BYTES};
use crate::cache::claim::LEASE;
use crate::cache::codec::{EntryHead, MAX_ENTRY};
use crate::cache::lifetime::Lifetime;
use crate::cache::samples;
use crate::port::Versioned;
use crate::port::memory::MemoryStore;
use crate::token::digest::token_digest;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn later(millis: u64) -> Timestamp {
    NOW.plus(Duration::from_millis(millis))
}

fn settings(entries: usize) -> CacheSettings {
    CacheSettings { entries, stale_if_error: Duration::from_secs(60), ..CacheSettings::default() }
}

fn cache(entries: usize) -> SharedCache {
    worker(entries, 1)
}

fn worker(entries: usize, number: u32) -> SharedCache {
    SharedCache::new("tessera/f1", &settings(entries), u64::from(number), 10 + number)
}

impl SharedCache {
    fn get(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Option<Remembered> {
        self.read(store, digest, now).0
    }

    /// Shares an answer as a worker does that has asked alone.
    fn put(&self, store: &dyn SharedStore, digest: &Digest, remembered: &Remembered, now: Timestamp) {
        assert_eq!(self.publish(store, digest, Some(remembered), false, now), [0; 0]);
    }

    /// The same; says whether the others find it.
    fn stores(&self, store: &dyn SharedStore, digest: &Digest, remembered: &Remembered, now: Timestamp) -> bool {
        self.put(store, digest, remembered, now);
        self.get(store, digest, now).as_ref() == Some(remembered)
    }

    /// The entries of a bucket.
    fn entries<'a>(&self, bucket: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.limits.records(bucket).filter(|record| record[0] != 0)
    }
}

fn digest(number: usize) -> Digest {
    token_digest("main", format!("token-{number}").as_bytes())
}

fn good(millis: u64) -> Remembered {
    samples::good("portal", NOW, millis)
}

/// A store in whose calls other things happen.
struct Watched<F> {
    inner: MemoryStore,
    reads: Cell<usize>,
    writes: Cell<usize>,
    /// Runs between a read and the write that follows it.
    meanwhile: RefCell<F>,
    refuses: bool,
}

impl<F: FnMut(&MemoryStore)> Watched<F> {
    fn new(inner: &MemoryStore, meanwhile: F) -> Self {
        Self {
            inner: inner.clone(),
            reads: Cell::new(0),
            writes: Cell::new(0),
            meanwhile: RefCell::new(meanwhile),
            refuses: false,
        }
    }

    fn calls(&self) -> (usize, usize) {
        (self.reads.take(), self.writes.take())
    }
}

impl<F: FnMut(&MemoryStore)> SharedStore for Watched<F> {
    fn get(&self, key: &str) -> Option<Versioned> {
        self.reads.set(self.reads.get() + 1);
        self.inner.get(key)
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        self.writes.set(self.writes.get() + 1);
        (self.meanwhile.borrow_mut())(&self.inner);
        if self.refuses {
            return Err(WriteError::Unavailable);
        }
        self.inner.set(key, value, expect)
    }
}

mod asking;

#[test]
fn what_one_worker_stored_another_finds() {
    let store = MemoryStore::default();
    let (one, other) = (cache(1_000), cache(1_000));
    assert_eq!(one.get(&store, &digest(1), NOW), None);
    assert!(one.stores(&store, &digest(1), &good(5_000), NOW));
    assert_eq!(other.get(&store, &digest(1), later(4_999)), Some(good(5_000)));
    assert_eq!(other.get(&store, &digest(1), later(5_000)), None);
    assert_eq!(other.get(&store, &digest(2), NOW), None);
}

#[test]
fn a_stale_entry_is_found_until_it_expires() {
    let store = MemoryStore::default();
    let mut entry = good(5_000);
    entry.lifetime.stale_until = later(8_000);
    cache(1_000).put(&store, &digest(1), &entry, NOW);
    let found = cache(1_000).get(&store, &digest(1), later(7_999));
    assert_eq!(found.unwrap().freshness(later(7_999)), Freshness::Stale);
    assert_eq!(cache(1_000).get(&store, &digest(1), later(8_000)), None);
}

#[test]
fn calls_are_few() {
    let store = Watched::new(&MemoryStore::default(), |_| ());
    let cache = cache(1_000);
    cache.get(&store, &digest(1), NOW);
    assert_eq!(store.calls(), (1, 0), "nothing found");
    cache.put(&store, &digest(1), &good(5_000), NOW);
    assert_eq!(store.calls(), (1, 1), "good answer stored");
    cache.get(&store, &digest(1), NOW);
    assert_eq!(store.calls(), (1, 0), "hit");
    cache.put(&store, &digest(2), &samples::negative(NOW, 5_000), NOW);
    assert_eq!(store.calls(), (1, 1), "negative answer stored");
    cache.get(&store, &digest(2), NOW);
    assert_eq!(store.calls(), (1, 0), "negative hit");
}

#[test]
fn without_entries_nothing_is_kept() {
    let store = Watched::new(&MemoryStore::default(), |_| ());
    let cache = cache(0);
    cache.put(&store, &digest(1), &good(5_000), NOW);
    cache.put(&store, &digest(1), &samples::negative(NOW, 5_000), NOW);
    assert_eq!(store.calls(), (0, 0));
    assert_eq!(cache.get(&store, &digest(1), NOW), None);
    // Nor is an entry taken from whoever stored one.
    let mut bucket = vec![2];
    put_entry(&mut bucket, &codec::encode(&good(5_000), &digest(1)));
    plant(&store.inner, &cache, &bucket);
    assert_eq!(cache.get(&store, &digest(1), NOW), None);
}

#[test]
fn a_negative_answer_takes_the_good_one_out() {
    let store = MemoryStore::default();
    let cache = cache(1_000);
    cache.put(&store, &digest(1), &good(60_000), NOW);
    let bad = samples::negative(later(100), 5_000);
    cache.put(&store, &digest(1), &bad, later(100));
    assert_eq!(cache.get(&store, &digest(1), later(200)), Some(bad));
    assert_eq!(cache.get(&store, &digest(1), later(6_000)), None);
}

#[test]
fn a_good_answer_wins_over_an_older_negative_one() {
    let store = MemoryStore::default();
    let cache = cache(1_000);
    cache.put(&store, &digest(1), &samples::negative(NOW, 9_000), NOW);
    let entry = samples::good("portal", later(100), 5_000);
    cache.put(&store, &digest(1), &entry, later(100));
    assert_eq!(cache.get(&store, &digest(1), later(200)), Some(entry));
    assert_eq!(cache.get(&store, &digest(1), later(5_100)), None);
}

#[test]
fn an_older_answer_never_replaces_a_newer_one() {
    let store = MemoryStore::default();
    let cache = cache(1_000);
    let newer = samples::good("portal", later(500), 5_000);
    assert!(cache.stores(&store, &digest(1), &newer, later(500)));
    assert!(!cache.stores(&store, &digest(1), &good(60_000), later(500)));
    cache.put(&store, &digest(1), &samples::negative(NOW, 9_000), later(500));
    assert_eq!(cache.get(&store, &digest(1), later(500)), Some(newer));

    let bad = samples::negative(later(600), 5_000);
    cache.put(&store, &digest(1), &bad, later(700));
    assert!(!cache.stores(&store, &digest(1), &good(60_000), later(700)));
    assert_eq!(cache.get(&store, &digest(1), later(700)), Some(bad));
}

#[test]
fn tokens_that_share_a_bucket_live_side_by_side_and_then_the_first_to_expire_goes() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    for number in 0..WAYS {
        let millis = 60_000 - 1_000 * (number as u64 * 3 % 8);
        cache.put(&store, &digest(number), &good(millis), NOW);
    }
    assert_eq!(store.dump().len(), 1);
    for number in 0..WAYS {
        assert!(cache.get(&store, &digest(number), NOW).is_some());
    }
    cache.put(&store, &digest(99), &good(10_000), NOW);
    assert!(cache.get(&store, &digest(99), NOW).is_some());
    let lost: Vec<_> = (0..WAYS).filter(|number| cache.get(&store, &digest(*number), NOW).is_none()).collect();
    // 3 × 5 % 8 = 7: the shortest life.
    assert_eq!(lost, [5]);
}

#[test]
fn expired_entries_make_room_first() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    cache.put(&store, &digest(0), &good(1_000), NOW);
    for number in 1..WAYS {
        cache.put(&store, &digest(number), &good(60_000), NOW);
    }
    let now = later(1_000);
    cache.put(&store, &digest(50), &samples::good("x", now, 500), now);
    assert!((1..WAYS).all(|number| cache.get(&store, &digest(number), now).is_some()));
    assert!(cache.get(&store, &digest(50), now).is_some());
}

#[test]
fn a_flood_of_negatives_leaves_the_good_ones() {
    let store = MemoryStore::default();
    let cache = cache(80);
    for number in 0..20 {
        cache.put(&store, &digest(number), &good(60_000), NOW);
    }
    let known = |number: &usize| cache.get(&store, &digest(*number), NOW).is_some();
    let before: Vec<_> = (0..20).filter(known).collect();
    for number in 1_000..3_000 {
        cache.put(&store, &digest(number), &samples::negative(NOW, 9_000), NOW);
    }
    assert_eq!((0..20).filter(known).collect::<Vec<_>>(), before);
    assert!(before.len() > 15);
}

#[test]
fn keys_and_bytes_stay_within_the_formula() {
    let store = MemoryStore::default();
    let cache = cache(64);
    for number in 0..2_000 {
        let entry = samples::good(&"x".repeat(number * 4), NOW, 60_000 + number as u64);
        cache.put(&store, &digest(number), &entry, NOW);
        let bad = samples::negative(NOW, 9_000);
        cache.put(&store, &digest(10_000 + number), &bad, NOW);
    }
    let dump = store.dump();
    assert_eq!(dump.len(), 8);
    let bytes: usize = dump.iter().map(|(_, value)| value.len()).sum();
    assert!(bytes <= 64 * 2_048 + 64 * NEGATIVE_BYTES + 8);
    assert!(bytes > 64 * 1_024, "the test fills the buckets");
    for (_, value) in &dump {
        let negative = cache.entries(value).filter(|bytes| !EntryHead::read(bytes).unwrap().is_active());
        assert_eq!(negative.map(|bytes| bytes.len() + 1).collect::<Vec<_>>(), [NEGATIVE_BYTES; 8]);
    }
}

#[test]
fn all_buckets_at_their_fullest_take_what_the_formula_says() {
    for entries in [1, 7, 8, 9, 64, 1_000, 10_000, 99_999] {
        let cache = cache(entries);
        let entries = entries.max(8);
        let formula = entries * 2_560 + (settings(entries).negative_entries() + entries / 8) * 60;
        let most = cache.limits.max_bytes() * cache.buckets as usize;
        assert!(most <= formula && most > formula / 10 * 9, "{entries}: {most} of {formula}");
    }
}

#[test]
fn no_more_entries_than_configured() {
    for entries in [1, 3, 7, 8, 9, 15, 16] {
        let store = MemoryStore::default();
        let cache = cache(entries);
        for number in 0..200 {
            cache.put(&store, &digest(number), &good(60_000), NOW);
        }
        let kept = (0..200).filter(|n| cache.get(&store, &digest(*n), NOW).is_some());
        let kept = kept.count();
        assert!(kept <= entries && kept > entries / 2, "{kept} of {entries}");
    }
}

#[test]
fn an_entry_over_the_bound_is_not_stored() {
    let store = MemoryStore::default();
    let entry = samples::good(&"x".repeat(MAX_ENTRY), NOW, 60_000);
    assert!(!cache(100).stores(&store, &digest(1), &entry, NOW));
    assert!(store.dump().is_empty());
}

#[test]
fn a_write_that_meets_another_is_tried_again_and_loses_nothing() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    let mut once = true;
    let racing = Watched::new(&store, |inner| {
        if std::mem::take(&mut once) {
            assert!(cache.stores(inner, &digest(2), &good(60_000), NOW));
        }
    });
    cache.put(&racing, &digest(1), &good(60_000), NOW);
    assert_eq!(racing.calls(), (2, 2));
    assert!(cache.get(&store, &digest(1), NOW).is_some());
    assert!(cache.get(&store, &digest(2), NOW).is_some());
}

#[test]
fn a_write_that_always_meets_another_is_given_up() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    let mut number = 100;
    let racing = Watched::new(&store, |inner| {
        number += 1;
        cache.put(inner, &digest(number), &good(60_000), NOW);
    });
    cache.put(&racing, &digest(1), &good(60_000), NOW);
    assert_eq!(racing.calls(), (ATTEMPTS, ATTEMPTS));
    assert_eq!(cache.get(&store, &digest(1), NOW), None);
}

#[test]
fn a_host_that_refuses_is_asked_once() {
    let mut store = Watched::new(&MemoryStore::default(), |_| ());
    store.refuses = true;
    cache(8).put(&store, &digest(1), &good(60_000), NOW);
    assert_eq!(store.calls(), (1, 1));
}

#[test]
fn a_clock_that_goes_backwards_makes_the_future_a_miss() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    cache.put(&store, &digest(1), &good(60_000), NOW);
    let before = NOW.minus(Duration::from_secs(30));
    assert_eq!(cache.get(&store, &digest(1), before), None);
    let entry = samples::good("portal", before, 5_000);
    assert!(cache.stores(&store, &digest(1), &entry, before));
    assert_eq!(cache.get(&store, &digest(1), before), Some(entry));
}

#[test]
fn another_configuration_over_the_same_store_starts_empty() {
    let store = MemoryStore::default();
    cache(100).put(&store, &digest(1), &good(60_000), NOW);
    let other = SharedCache::new("tessera/f2", &settings(100), 1, 11);
    assert_eq!(other.get(&store, &digest(1), NOW), None);
    other.put(&store, &digest(1), &samples::negative(NOW, 5_000), NOW);
    assert!(cache(100).get(&store, &digest(1), NOW).unwrap().is_active());
}

#[test]
fn a_shorter_max_ttl_holds_for_what_is_already_there() {
    let store = MemoryStore::default();
    cache(100).put(&store, &digest(1), &good(200_000), NOW);
    let shorter = CacheSettings { max_ttl: Duration::from_secs(5), stale_if_error: Duration::ZERO, ..settings(100) };
    let shorter = SharedCache::new("tessera/f1", &shorter, 1, 11);
    assert!(shorter.get(&store, &digest(1), later(4_999)).is_some());
    assert_eq!(shorter.get(&store, &digest(1), later(5_000)), None);
}

#[test]
fn no_token_is_in_keys_or_values() {
    let store = MemoryStore::default();
    for number in 0..20 {
        let token = format!("raw-token-of-someone-{number}");
        let digest = token_digest("main", token.as_bytes());
        cache(16).put(&store, &digest, &good(60_000), NOW);
        let bad = samples::negative(later(1), 9_000);
        cache(16).put(&store, &digest, &bad, later(1));
    }
    for (key, value) in store.dump() {
        let value = String::from_utf8_lossy(&value);
        assert!(!key.contains("raw-token") && !value.contains("raw-token"));
    }
}

/// Writes `value` below every key that the cache use.
fn plant(store: &MemoryStore, cache: &SharedCache, value: &[u8]) {
    for bucket in 0..cache.buckets {
        store.set(&format!("{}{bucket:x}", cache.prefix), value, Expect::Anything).unwrap();
    }
}

fn put_entry(bucket: &mut Vec<u8>, entry: &[u8]) {
    put_bytes(bucket, entry);
}

#[test]
fn a_foreign_value_is_a_miss_and_gives_way() {
    let cache = cache(16);
    let immortal = {
        let lifetime = Lifetime { asked_at: later(1_000), fresh_until: Timestamp::MAX, stale_until: Timestamp::MAX };
        let entry = Remembered { lifetime, ..good(0) };
        let mut bucket = vec![2];
        for number in 0..WAYS {
            put_entry(&mut bucket, &codec::encode(&entry, &digest(500 + number)));
        }
        bucket
    };
    let mut other_version = vec![2];
    let mut entry = codec::encode(&good(60_000), &digest(1));
    entry[0] = 99;
    put_entry(&mut other_version, &entry);
    let mut other_format = vec![1];
    put_entry(&mut other_format, &codec::encode(&good(60_000), &digest(1)));
    let without_format = &other_format[1..];
    let mut huge = vec![2];
    put_entry(&mut huge, &codec::encode(&good(60_000), &digest(1)));
    huge.resize(cache.limits.max_bytes() + 1, 0);
    let values: [&[u8]; 9] =
        [b"", b"\0", b"hello", &[0xff; 40], &other_version, &other_format, without_format, &huge, &immortal];
    for value in values {
        let store = MemoryStore::default();
        plant(&store, &cache, value);
        assert_eq!(cache.get(&store, &digest(1), NOW), None);
        assert!(cache.stores(&store, &digest(1), &good(60_000), NOW));
        assert_eq!(cache.get(&store, &digest(1), NOW), Some(good(60_000)));
        let much_later = later(10_000_000);
        cache.put(&store, &digest(1), &samples::good("x", much_later, 9), much_later);
        let key = cache.snapshot(&store, &digest(1)).key;
        let left = cache.entries(&store.get(&key).unwrap().value).count();
        assert_eq!(left, 1, "nothing foreign stays for ever");
    }
}

#[test]
fn one_corrupt_entry_does_not_hide_its_neighbours() {
    let store = MemoryStore::default();
    let cache = cache(WAYS);
    for number in 0..3 {
        cache.put(&store, &digest(number), &good(60_000), NOW);
    }
    let key = cache.snapshot(&store, &digest(0)).key;
    let mut value = store.get(&key).unwrap().value;
    let second = 1 + usize::from(value[1]) + 1;
    let version = second + 1;
    value[version] = 77;
    store.set(&key, &value, Expect::Anything).unwrap();
    let known = |n: &usize| cache.get(&store, &digest(*n), NOW).is_some();
    assert_eq!((0..3).filter(known).count(), 2);
}

proptest! {
    #[test]
    fn any_stored_bytes_are_a_miss_and_writable(mut value in prop::collection::vec(any::<u8>(), 0..600), ours: bool) {
        if ours {
            value.insert(0, 2);
        }
        let store = MemoryStore::default();
        let cache = cache(WAYS);
        plant(&store, &cache, &value);
        prop_assert_eq!(cache.get(&store, &digest(1), NOW), None);
        prop_assert!(cache.stores(&store, &digest(1), &good(60_000), NOW));
        prop_assert_eq!(cache.get(&store, &digest(1), NOW), Some(good(60_000)));
    }

    /// Two workers over one store, whose answers may arrive late: what is found is an answer that was stored for that
    /// very token, within its life, and never an older one than another that still lives.
    #[test]
    fn workers_find_the_newest_answer_or_none(
        steps in prop::collection::vec(
            (any::<[bool; 2]>(), 0..WAYS, 0..3_000_u64, 0..900_u64, 901..20_000_u64), 1..100),
    ) {
        let store = MemoryStore::default();
        let workers = [cache(16), cache(16)];
        let mut stored: Vec<Vec<Remembered>> = vec![Vec::new(); WAYS];
        let mut now = NOW;
        for ([worker, is_good], token, pause, late, life) in steps {
            now = now.plus(Duration::from_millis(pause));
            let asked = now.minus(Duration::from_millis(late));
            let entry = match is_good {
                true => samples::good(&format!("client-{token}"), asked, life),
                false => samples::negative(asked, life.min(9_000)),
            };
            workers[usize::from(worker)].put(&store, &digest(token), &entry, now);
            stored[token].push(entry.clone());
            let living = stored[token].iter().filter(|e| e.freshness(now) == Freshness::Fresh);
            let newest = living.map(|e| e.lifetime.asked_at).max().unwrap();
            let found = workers[usize::from(!worker)].get(&store, &digest(token), now);
            if let Some(found) = &found {
                prop_assert!(stored[token].contains(found));
                prop_assert_eq!(found.freshness(now), Freshness::Fresh);
                prop_assert!(found.lifetime.asked_at >= newest);
            }
            if entry.lifetime.asked_at == newest {
                prop_assert_eq!(found, Some(entry));
            }
        }
        let dump = store.dump();
        prop_assert!(dump.len() <= 2);
        prop_assert!(dump.iter().all(|(_, value)| value.len() <= 1 + MAX_GOOD + 64 * NEGATIVE_BYTES));
    }
}
