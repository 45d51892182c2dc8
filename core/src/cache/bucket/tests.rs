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

fn draft<'a>(set: &'a [u8], digest: &Digest, limits: &'a Limits) -> Draft<'a> {
    Draft::new(set, digest, limits, NOW, 0)
}

fn queues(place: &Claim<'_>) -> Vec<u32> {
    place.followers().collect()
}

#[test]
fn a_set_is_one_buffer_sized_once() {
    let limits = limits();
    let entry = codec::encode(&samples::good("portal", NOW, 60_000), &DIGEST);
    let set = Draft::new(&[], &DIGEST, &limits, NOW, entry.len());
    let room = set.bytes.capacity();
    let place = Claim::led_by(1, &DIGEST, NOW).followed_by(5);
    let set = set.finish(Some(place), Kept::new(&entry)).unwrap();
    assert_eq!(set.capacity(), room);
    // All but the bytes that shorter lengths save.
    assert!(set.len() + LENGTH_BYTES >= room, "{} of {room}", set.len());
}

#[test]
fn a_place_cut_short_or_with_half_a_queue_is_none() {
    let limits = limits();
    let place = Claim::led_by(1, &DIGEST, NOW).followed_by(5);
    let set = draft(&[], &DIGEST, &limits).finish(Some(place), None).unwrap();
    assert_eq!(draft(&set, &DIGEST, &limits).place.map(|place| queues(&place)), Some(vec![5]));
    for end in 0..set.len() {
        assert_eq!(draft(&set[..end], &DIGEST, &limits).place, None, "{end}");
    }
    for length in (0..claim::HEAD).chain([claim::HEAD + 1, claim::HEAD + 3]) {
        let mut set = vec![FORMAT];
        put_varint(&mut set, length as u64);
        set.resize(2 + length, claim::KIND);
        assert_eq!(draft(&set, &[0; 32], &limits).place, None, "{length}");
    }
}

#[test]
fn of_what_a_stranger_wrote_no_more_is_kept_than_a_set_may_hold() {
    let limits = limits();
    let mut set = vec![FORMAT];
    let digest = |number: usize| [number as u8; 32];
    for number in 0..60 {
        let entry = codec::encode(&samples::good("portal", NOW, 60_000), &digest(number));
        put_bytes(&mut set, &entry);
    }
    for number in 0..90 {
        put_varint(&mut set, claim::HEAD as u64);
        set.push(claim::KIND);
        set.extend_from_slice(&digest(number));
        set.extend_from_slice(&1_u64.to_le_bytes());
        set.extend_from_slice(&NOW.plus(LEASE).as_millis().to_le_bytes());
    }
    assert!(set.len() <= limits.max_bytes());
    let left = draft(&set, &DIGEST, &limits).finish(None, None).unwrap();
    let (places, entries): (Vec<_>, Vec<_>) =
        limits.records(&left).partition(|(_, record)| Claim::read(record).is_some());
    assert_eq!((places.len(), entries.len()), (MAX_PLACES / (claim::HEAD + LENGTH_BYTES), limits.good));
}

#[test]
fn a_set_that_a_stranger_wrote_never_grows_past_what_a_set_may_take() {
    let limits = limits();
    let live = NOW.plus(LEASE).as_millis().to_le_bytes();
    let negative = |number: u8, padding: usize| {
        let mut entry = codec::encode(&samples::negative(NOW, 60_000), &[number; 32]);
        entry.resize(entry.len() + padding, 0);
        entry
    };
    // A length may be written longer than it has to be.
    let lengthily = |set: &mut Vec<u8>, record: &[u8]| {
        set.extend_from_slice(&[record.len() as u8 & 0x7f | 0x80, (record.len() >> 7) as u8 | 0x80, 0]);
        set.extend_from_slice(record);
    };
    let padded = |set: &mut Vec<u8>| (0..2).for_each(|number| lengthily(set, &negative(number, 7_000)));
    let many = |set: &mut Vec<u8>| (0..64).for_each(|number| lengthily(set, &negative(number, 0)));
    let places = |set: &mut Vec<u8>| {
        for number in 0..80 {
            let place = [&[claim::KIND], &[number; 32][..], &1_u64.to_le_bytes(), &live].concat();
            lengthily(set, &place);
        }
    };
    let short = |set: &mut Vec<u8>| {
        let entry = negative(1, 7_000);
        put_bytes(set, &entry);
    };
    for stranger in [&padded as &dyn Fn(&mut Vec<u8>), &many, &places, &short] {
        let mut set = vec![FORMAT];
        stranger(&mut set);
        for number in 100..110 {
            let digest = [number; 32];
            let entry = codec::encode(&samples::good(&"x".repeat(1_980), NOW, 60_000), &digest);
            set = Draft::new(&set, &digest, &limits, NOW, entry.len()).finish(None, Kept::new(&entry)).unwrap();
            assert!(limits.find(&set, &digest).is_some());
        }
        for number in 100..180 {
            let digest = [number; 32];
            let entry = codec::encode(&samples::negative(NOW, 60_000), &digest);
            let draft = Draft::new(&set, &digest, &limits, NOW, entry.len());
            let old = draft.entry;
            set = draft.finish(None, old.or(Kept::new(&entry))).unwrap();
            assert!(set.len() <= limits.max_bytes(), "{} of {}", set.len(), limits.max_bytes());
        }
        for number in 100..180 {
            let draft = Draft::new(&set, &[number; 32], &limits, NOW, 0);
            let old = draft.entry;
            set = draft.finish(Some(Claim::led_by(1, &[number; 32], NOW)), old).unwrap_or(set.clone());
            assert!(set.len() <= limits.max_bytes(), "{} of {}", set.len(), limits.max_bytes());
        }
    }
}

proptest! {
    /// Places and entries of several tokens: each draft gives its own token's apart and keeps the others'.
    #[test]
    fn a_set_reads_back_as_it_was_written(
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
        let mut set = Vec::new();
        for (digest, (place, entry)) in &tokens {
            let bytes = entry.as_ref().map(|entry| codec::encode(entry, digest)).unwrap_or_default();
            let draft = Draft::new(&set, digest, &limits, NOW, bytes.len());
            prop_assert_eq!((draft.place, draft.entry), (None, None));
            let begun = |left| NOW.plus(Duration::from_millis(left)).minus(LEASE);
            let place = place.as_ref().map(|(leader, left, _)| Claim::led_by(*leader, digest, begun(*left)));
            let entry = Kept::new(&bytes);
            set = draft.finish(place, entry).unwrap();
        }
        for (digest, (place, _)) in &tokens {
            for queue in place.iter().flat_map(|(_, _, queues)| queues) {
                let draft = draft(&set, digest, &limits);
                let (place, entry) = (draft.place.unwrap(), draft.entry);
                set = draft.finish(Some(place.followed_by(*queue)), entry).unwrap();
            }
        }
        for (digest, (place, entry)) in &tokens {
            let found = draft(&set, digest, &limits).place;
            let found = found.map(|place| (*place.digest, place.leader, place.until, queues(&place)));
            let written = place.as_ref().map(|(leader, left, queues)| {
                (*digest, *leader, NOW.plus(Duration::from_millis(*left)), queues.clone())
            });
            prop_assert_eq!(found, written);
            let lives = |entry: &&Remembered| entry.freshness(NOW) != Freshness::Expired;
            let found = limits.find(&set, digest);
            prop_assert_eq!(found.as_ref().filter(lives), entry.as_ref().filter(lives));
        }
    }

    #[test]
    fn any_records_are_read_and_written_anew(
        records in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
    ) {
        let limits = limits();
        let mut set = vec![FORMAT];
        for (is_place, record) in &records {
            put_varint(&mut set, (record.len() + 1) as u64);
            set.push(if *is_place { claim::KIND } else { codec::VERSION });
            set.extend_from_slice(record);
        }
        let draft = draft(&set, &DIGEST, &limits);
        let (place, entry) = (draft.place, draft.entry);
        let anew = draft.finish(place, entry).unwrap();
        prop_assert!(anew.len() <= set.len());
    }
}
