use super::*;
use crate::cache::claim::LEASE;
use crate::cache::samples;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_000);
const DIGEST: Digest = [7; 32];

fn limits() -> Limits {
    let settings = CacheSettings { max_ttl: Duration::MAX, negative_ttl: Duration::MAX, ..CacheSettings::default() };
    Limits::new(8, 64, &settings)
}

fn read<'a>(bucket: &'a [u8], digest: &Digest, limits: &Limits) -> Bucket<'a> {
    Bucket::read(bucket, digest, limits, NOW)
}

fn queues(claim: &Claim<'_>) -> Vec<u32> {
    claim.followers().collect()
}

#[test]
fn a_bucket_is_one_buffer_sized_once() {
    let limits = limits();
    let entry = codec::encode(&samples::good("portal", NOW, 60_000), &DIGEST);
    let claim = Claim::led_by(1, &DIGEST, NOW).followed_by(5);
    let bucket = read(&[], &DIGEST, &limits).write(Some(claim), EntryRecord::new(&entry)).unwrap();
    let room = bucket.capacity();
    // All but the bytes that shorter lengths save.
    assert!(bucket.len() + LENGTH_BYTES >= room, "{} of {room}", bucket.len());

    let entry = codec::encode(&samples::good(&"x".repeat(200), NOW, 60_000), &DIGEST);
    let mut bucket = Vec::new();
    for queue in 0..40 {
        let before = read(&bucket, &DIGEST, &limits);
        let claim = before.claim.unwrap_or_else(|| Claim::led_by(1, &DIGEST, NOW)).followed_by(queue);
        bucket = before.write(Some(claim), EntryRecord::new(&entry)).unwrap();
    }
    assert_eq!(bucket.len(), bucket.capacity());
}

#[test]
fn the_largest_bucket_is_read_and_a_larger_value_is_none_of_ours() {
    let limits = limits();
    let mut bucket = vec![FORMAT];
    put_bytes(&mut bucket, &codec::encode(&samples::good("portal", NOW, 60_000), &DIGEST));
    // Records of no bytes.
    bucket.resize(1 + 4 * 1024 + 8 * 2 * 1024 + 64 * 59, 0);
    assert!(limits.find(&bucket, &DIGEST).is_some() && read(&bucket, &DIGEST, &limits).entry.is_some());
    bucket.push(0);
    assert!(limits.find(&bucket, &DIGEST).is_none() && read(&bucket, &DIGEST, &limits).entry.is_none());
}

#[test]
fn a_claim_cut_short_or_with_half_a_queue_is_none() {
    let limits = limits();
    let claim = Claim::led_by(1, &DIGEST, NOW).followed_by(5);
    let bucket = read(&[], &DIGEST, &limits).write(Some(claim), None).unwrap();
    assert_eq!(read(&bucket, &DIGEST, &limits).claim.map(|claim| queues(&claim)), Some(vec![5]));
    for end in 0..bucket.len() {
        assert_eq!(read(&bucket[..end], &DIGEST, &limits).claim, None, "{end}");
    }
    for length in (0..claim::HEAD).chain([claim::HEAD + 1, claim::HEAD + 3]) {
        let mut bucket = vec![FORMAT];
        put_varint(&mut bucket, length as u64);
        bucket.resize(2 + length, claim::KIND);
        assert_eq!(read(&bucket, &[0; 32], &limits).claim, None, "{length}");
    }
}

#[test]
fn of_what_a_stranger_wrote_no_more_is_kept_than_a_bucket_may_hold() {
    let limits = limits();
    let mut bucket = vec![FORMAT];
    let digest = |number: usize| [number as u8; 32];
    for number in 0..60 {
        let entry = codec::encode(&samples::good("portal", NOW, 60_000), &digest(number));
        put_bytes(&mut bucket, &entry);
    }
    for number in 0..90 {
        put_varint(&mut bucket, claim::HEAD as u64);
        bucket.push(claim::KIND);
        bucket.extend_from_slice(&digest(number));
        bucket.extend_from_slice(&1_u64.to_le_bytes());
        bucket.extend_from_slice(&NOW.plus(LEASE).as_millis().to_le_bytes());
    }
    assert!(bucket.len() <= limits.max_bytes());
    let left = read(&bucket, &DIGEST, &limits).write(None, None).unwrap();
    let (claims, entries): (Vec<_>, Vec<_>) = limits.records(&left).partition(|record| Claim::read(record).is_some());
    assert_eq!((claims.len(), entries.len()), (MAX_CLAIMS / (claim::HEAD + LENGTH_BYTES), limits.good));
}

#[test]
fn a_bucket_that_a_stranger_wrote_never_grows_past_what_a_bucket_may_take() {
    let limits = limits();
    let live = NOW.plus(LEASE).as_millis().to_le_bytes();
    let negative = |number: u8, padding: usize| {
        let mut entry = codec::encode(&samples::negative(NOW, 60_000), &[number; 32]);
        entry.resize(entry.len() + padding, 0);
        entry
    };
    // A length may be written longer than it has to be.
    let lengthily = |bucket: &mut Vec<u8>, record: &[u8]| {
        bucket.extend_from_slice(&[record.len() as u8 & 0x7f | 0x80, (record.len() >> 7) as u8 | 0x80, 0]);
        bucket.extend_from_slice(record);
    };
    let padded = |bucket: &mut Vec<u8>| (0..2).for_each(|number| lengthily(bucket, &negative(number, 7_000)));
    let many = |bucket: &mut Vec<u8>| (0..64).for_each(|number| lengthily(bucket, &negative(number, 0)));
    let claims = |bucket: &mut Vec<u8>| {
        for number in 0..80 {
            let claim = [&[claim::KIND], &[number; 32][..], &1_u64.to_le_bytes(), &live].concat();
            lengthily(bucket, &claim);
        }
    };
    let short = |bucket: &mut Vec<u8>| {
        let entry = negative(1, 7_000);
        put_bytes(bucket, &entry);
    };
    for stranger in [&padded as &dyn Fn(&mut Vec<u8>), &many, &claims, &short] {
        let mut bucket = vec![FORMAT];
        stranger(&mut bucket);
        for number in 100..110 {
            let digest = [number; 32];
            let entry = codec::encode(&samples::good(&"x".repeat(1_980), NOW, 60_000), &digest);
            bucket = read(&bucket, &digest, &limits).write(None, EntryRecord::new(&entry)).unwrap();
            assert!(limits.find(&bucket, &digest).is_some());
        }
        for number in 100..180 {
            let digest = [number; 32];
            let entry = codec::encode(&samples::negative(NOW, 60_000), &digest);
            let before = read(&bucket, &digest, &limits);
            let old = before.entry;
            bucket = before.write(None, old.or(EntryRecord::new(&entry))).unwrap();
            assert!(bucket.len() <= limits.max_bytes(), "{} of {}", bucket.len(), limits.max_bytes());
        }
        for number in 100..180 {
            let before = read(&bucket, &[number; 32], &limits);
            let old = before.entry;
            bucket = before.write(Some(Claim::led_by(1, &[number; 32], NOW)), old).unwrap_or(bucket.clone());
            assert!(bucket.len() <= limits.max_bytes(), "{} of {}", bucket.len(), limits.max_bytes());
        }
    }
}

proptest! {
    /// Claims and entries of several tokens: each rewrite gets its own token's apart and keeps the others'.
    #[test]
    fn a_bucket_reads_back_as_it_was_written(
        tokens in prop::collection::btree_map(
            any::<[u8; 32]>(),
            (
                prop::option::of((any::<u64>(), 1..=1_000_u64, prop::collection::vec(any::<u32>(), 0..20))),
                prop::option::of(samples::remembered()),
            ),
            1..8,
        ),
    ) {
        let limits = limits();
        let mut bucket = Vec::new();
        for (digest, (claim, entry)) in &tokens {
            let bytes = entry.as_ref().map(|entry| codec::encode(entry, digest)).unwrap_or_default();
            let before = read(&bucket, digest, &limits);
            prop_assert_eq!((before.claim, before.entry), (None, None));
            let begun = |left| NOW.plus(Duration::from_millis(left)).minus(LEASE);
            let claim = claim.as_ref().map(|(leader, left, _)| Claim::led_by(*leader, digest, begun(*left)));
            let entry = EntryRecord::new(&bytes);
            bucket = before.write(claim, entry).unwrap();
        }
        for (digest, (claim, _)) in &tokens {
            for queue in claim.iter().flat_map(|(_, _, queues)| queues) {
                let before = read(&bucket, digest, &limits);
                let (claim, entry) = (before.claim.unwrap(), before.entry);
                bucket = before.write(Some(claim.followed_by(*queue)), entry).unwrap();
            }
        }
        for (digest, (claim, entry)) in &tokens {
            let found = read(&bucket, digest, &limits).claim;
            let found = found.map(|claim| (*claim.digest, claim.leader, claim.until, queues(&claim)));
            let written = claim.as_ref().map(|(leader, left, queues)| {
                (*digest, *leader, NOW.plus(Duration::from_millis(*left)), queues.clone())
            });
            prop_assert_eq!(found, written);
            let lives = |entry: &&Remembered| entry.freshness(NOW) != Freshness::Expired;
            let found = limits.find(&bucket, digest);
            prop_assert_eq!(found.as_ref().filter(lives), entry.as_ref().filter(lives));
        }
    }

    #[test]
    fn any_records_are_read_and_written_anew(
        records in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
    ) {
        let limits = limits();
        let mut bucket = vec![FORMAT];
        for (is_claim, record) in &records {
            put_varint(&mut bucket, (record.len() + 1) as u64);
            bucket.push(if *is_claim { claim::KIND } else { codec::VERSION });
            bucket.extend_from_slice(record);
        }
        let before = read(&bucket, &DIGEST, &limits);
        let (claim, entry) = (before.claim, before.entry);
        let anew = before.write(claim, entry).unwrap();
        prop_assert!(anew.len() <= bucket.len());
    }
}
