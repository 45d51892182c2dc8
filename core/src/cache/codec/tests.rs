use super::*;
use crate::base::time::Timestamp;
use crate::cache::samples;
use crate::token::confirmation::Confirmation;
use crate::token::facts::Facts;
use proptest::prelude::*;

const DIGEST: Digest = [7; 32];

fn sample() -> Remembered {
    samples::good("portal", Timestamp::from_secs(1_000), 60_000)
}

#[test]
fn a_round_trip_keeps_everything() {
    let bytes = encode(&sample(), &DIGEST);
    assert_eq!(decode(&bytes, &DIGEST), Ok(Some(sample())));
}

#[test]
fn a_binding_that_names_nothing_stays_a_binding() {
    let bound_to = |confirmation| {
        let mut entry = sample();
        let TokenState::Active(facts) = &mut entry.state else { panic!("the sample is active") };
        std::rc::Rc::make_mut(facts).confirmation = Some(Box::new(confirmation));
        entry
    };
    let bytes = encode(&bound_to(Confirmation::Of { key: None, certificate: None }), &DIGEST);
    assert_eq!(decode(&bytes, &DIGEST), Ok(Some(bound_to(Confirmation::Unprovable))));
}

#[test]
fn another_tokens_entry_is_not_an_answer() {
    let bytes = encode(&sample(), &DIGEST);
    let mut near = DIGEST;
    near[31] ^= 1;
    assert_eq!(decode(&bytes, &near), Ok(None));
}

#[test]
fn another_version_is_refused() {
    for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
        let mut bytes = encode(&sample(), &DIGEST);
        bytes[0] = version;
        assert_eq!(decode(&bytes, &DIGEST), Err(Malformed));
    }
}

#[test]
fn what_is_cut_short_or_goes_on_is_refused() {
    let bytes = encode(&sample(), &DIGEST);
    for end in 0..bytes.len() {
        assert_eq!(decode(&bytes[..end], &DIGEST), Err(Malformed), "{end}");
    }
    let longer = [bytes.as_slice(), b"\0"].concat();
    assert_eq!(decode(&longer, &DIGEST), Err(Malformed));
}

#[test]
fn an_entry_without_the_flag_of_an_active_token_has_no_facts() {
    let inactive = encode(&samples::negative(Timestamp::from_secs(1_000), 60_000), &DIGEST);
    let mut bytes = encode(&sample(), &DIGEST);
    // The flags come last in the head, which is all that an inactive token has.
    let flags = inactive.len() - 1;
    assert_eq!((inactive[flags], bytes[flags] & ACTIVE), (0, ACTIVE));
    bytes[flags] ^= ACTIVE;
    assert_ne!(bytes[flags], 0);
    assert_eq!(decode(&bytes, &DIGEST), Err(Malformed));
}

#[test]
fn the_largest_entry_is_read_and_a_larger_one_is_not() {
    let mut bytes = encode(&sample(), &DIGEST);
    bytes.resize(8 * 1024, 0);
    assert!(EntryHead::read(&bytes).is_ok());
    bytes.push(0);
    assert_eq!(EntryHead::read(&bytes), Err(Malformed));
}

#[test]
fn contradicting_times_are_refused() {
    let broken: [fn(&mut Remembered); 3] = [
        |entry| entry.lifetime.fresh_until = Timestamp::from_secs(999),
        |entry| entry.lifetime.stale_until = Timestamp::from_secs(1_059),
        |entry| {
            let TokenState::Active(facts) = &mut entry.state else { panic!("the sample is active") };
            std::rc::Rc::make_mut(facts).expires_at = Some(Timestamp::from_secs(1_059));
        },
    ];
    for spoil in broken {
        let mut entry = sample();
        spoil(&mut entry);
        assert_eq!(decode(&encode(&entry, &DIGEST), &DIGEST), Err(Malformed));
    }
}

#[test]
fn an_empty_client_id_is_refused() {
    let entry = samples::good("", Timestamp::from_secs(1), 1);
    assert_eq!(decode(&encode(&entry, &DIGEST), &DIGEST), Err(Malformed));
}

#[test]
fn a_claim_that_is_not_a_legal_header_is_refused() {
    for (name, value) in [("a", "b\r\nx: y"), ("a", " b"), ("a", "é"), ("A", "b"), ("", "b"), ("a b", "c")] {
        let claims = vec![(name.into(), value.into())];
        let entry = Remembered { state: TokenState::Active(Facts { claims, ..Facts::default() }.into()), ..sample() };
        assert_eq!(decode(&encode(&entry, &DIGEST), &DIGEST), Err(Malformed), "{name:?} {value:?}");
    }
}

#[test]
fn a_lying_list_length_is_refused() {
    let entry = Remembered { state: TokenState::Active(Facts::default().into()), ..sample() };
    let mut bytes = encode(&entry, &DIGEST);
    let scope = bytes.len() - 4;
    bytes.splice(scope..=scope, [0xff, 0xff, 0x7f]);
    assert_eq!(decode(&bytes, &DIGEST), Err(Malformed));
}

#[test]
fn an_entry_over_the_bound_is_refused() {
    let entry = samples::good(&"x".repeat(MAX_ENTRY), Timestamp::from_secs(1), 1);
    assert_eq!(decode(&encode(&entry, &DIGEST), &DIGEST), Err(Malformed));
}

#[test]
fn a_negative_entry_is_58_bytes() {
    let entry = samples::negative(Timestamp::from_secs(1), 1);
    assert_eq!(encode(&entry, &DIGEST).len(), 58);
}

proptest! {
    #[test]
    fn any_entry_survives_the_round_trip(entry in samples::remembered(), digest: [u8; 32]) {
        let bytes = encode(&entry, &digest);
        prop_assert!(bytes.len() <= MAX_ENTRY);
        prop_assert_eq!(*EntryHead::read(&bytes).unwrap().digest, digest);
        prop_assert_eq!(decode(&bytes, &digest), Ok(Some(entry)));
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!matches!(decode(&bytes, &DIGEST), Ok(Some(_))));
    }

    /// Random facts behind an honest head reach every branch of the decoder.
    #[test]
    fn any_facts_are_read(flags: u8, tail in prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..300)) {
        let mut bytes = encode(&samples::negative(Timestamp::default(), 0), &DIGEST);
        bytes.pop();
        bytes.push(flags);
        bytes.extend(tail);
        if let Ok(Some(entry)) = decode(&bytes, &DIGEST) {
            prop_assert_eq!(decode(&encode(&entry, &DIGEST), &DIGEST), Ok(Some(entry)));
        }
    }

    #[test]
    fn a_changed_byte_never_breaks_the_reader(entry in samples::remembered(), at: prop::sample::Index, to: u8) {
        let mut bytes = encode(&entry, &DIGEST);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode(&bytes, &DIGEST);
    }
}
