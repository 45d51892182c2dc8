use std::collections::HashSet;

use super::*;
use crate::base::time::Timestamp;
use crate::cache::samples;
use crate::token::confirmation::Confirmation;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn tokens(entries: usize) -> LocalCache {
    let settings = CacheSettings { entries, ..CacheSettings::default() };
    LocalCache::new(&settings, 42)
}

fn good() -> Remembered {
    samples::good("portal", NOW, 1_000)
}

fn bad() -> Remembered {
    samples::negative(NOW, 1_000)
}

fn name(kind: &str, number: usize) -> Vec<u8> {
    format!("{kind}-{number}").into_bytes()
}

/// Each cache is sound, and no token is known twice.
fn check(tokens: &LocalCache) {
    let mut distinct = HashSet::new();
    for (negative, sieve) in [(false, &tokens.good), (true, &tokens.negative)] {
        let known = sieve.checked();
        assert_eq!(known.len(), sieve.len());
        let costs = known.iter().map(|known| cost(&known.token, &known.remembered).unwrap() as usize);
        assert_eq!(costs.sum::<usize>(), sieve.cost());
        assert!(known.iter().all(|known| known.remembered.is_active() != negative));
        distinct.extend(known.iter().map(|known| (known.route, known.token.clone())));
    }
    assert_eq!(distinct.len(), tokens.len());
}

#[test]
fn a_token_is_known_on_its_route_only() {
    let mut tokens = tokens(10);
    let stored = good();
    tokens.insert(1, b"token", stored.clone());
    assert_eq!(*tokens.get(1, b"token").unwrap().remembered, stored);
    assert!(tokens.get(2, b"token").is_none());
    assert!(tokens.get(1, b"toke").is_none());
    assert!(tokens.get(1, b"tokeN").is_none());
    assert!(tokens.get(1, b"").is_none());
}

#[test]
fn uses_count_from_each_answer_on() {
    let mut tokens = tokens(10);
    tokens.insert(0, b"token", good());
    assert_eq!(tokens.get(0, b"token").unwrap().uses, 1);
    assert_eq!(tokens.get(0, b"token").unwrap().uses, 2);
    tokens.insert(0, b"token", good());
    assert_eq!(tokens.get(0, b"token").unwrap().uses, 1);
    assert_eq!(tokens.len(), 1);
}

#[test]
fn a_newer_answer_replaces_the_older_one_across_caches() {
    let mut tokens = tokens(10);
    for (second, answer) in [good(), bad(), good(), bad()].into_iter().enumerate() {
        let answer = samples::asked_at(answer, Timestamp::from_secs(second as u64));
        tokens.insert(0, b"token", answer.clone());
        let hit = tokens.get(0, b"token").unwrap();
        assert_eq!(*hit.remembered, answer);
        assert_eq!(tokens.len(), 1);
        check(&tokens);
    }
}

#[test]
fn a_removed_token_is_unknown() {
    let mut tokens = tokens(10);
    tokens.insert(0, b"token", good());
    assert!(tokens.remove(0, b"token"));
    assert!(!tokens.remove(0, b"token"));
    assert!(tokens.get(0, b"token").is_none());
    assert!(tokens.is_empty());
    assert_eq!(tokens.bytes(), 0);
}

#[test]
fn forgotten_routes_lose_every_token_and_no_other_route_does() {
    let mut tokens = tokens(10);
    for route in 0..4 {
        tokens.insert(route, b"good", good());
        tokens.insert(route, b"bad", bad());
    }
    tokens.forget(&[1, 3, 9]);
    for route in 0..4 {
        let kept = [&b"good"[..], b"bad"].map(|token| tokens.get(route, token).is_some());
        assert_eq!(kept, [route % 2 == 0; 2], "{route}");
    }
    check(&tokens);
    tokens.forget(&[]);
    assert_eq!(tokens.len(), 4);
}

#[test]
fn the_seed_the_route_and_the_token_make_the_hash() {
    let mut hashes = HashSet::new();
    for seed in [0, 1, u64::MAX] {
        let tokens = LocalCache::new(&CacheSettings::default(), seed);
        for route in 0..16 {
            hashes.extend([&b"t"[..], b"token", b"other"].map(|token| tokens.hash(route, token)));
        }
    }
    assert_eq!(hashes.len(), 3 * 16 * 3);
}

#[test]
fn of_two_tokens_with_one_hash_neither_is_taken_for_the_other() {
    let mut tokens = tokens(10);
    let hash = tokens.hash(1, b"token");
    for (route, token) in [(2, &b"token"[..]), (1, b"other")] {
        let known = Known { route, token: token.into(), remembered: good(), uses: 0 };
        tokens.good.insert(hash, known, 1, false);
        assert!(tokens.get(1, b"token").is_none(), "{route}");
        assert!(!tokens.remove(1, b"token"), "{route}");
    }
    tokens.insert(1, b"token", good());
    assert!(tokens.get(1, b"token").is_some());
    assert_eq!(tokens.len(), 3);
}

#[test]
fn the_bytes_are_those_of_both_caches() {
    let mut tokens = tokens(10);
    tokens.insert(0, b"good", good());
    let of_good = tokens.bytes();
    tokens.insert(0, b"bad", bad());
    let both = [cost(b"good", &good()), cost(b"bad", &bad())].map(|cost| cost.unwrap() as usize);
    assert_eq!((of_good, tokens.bytes()), (both[0], both[0] + both[1]));
}

/// What so many bytes take with what the allocator adds.
fn allocated(bytes: usize) -> usize {
    bytes + 16
}

#[test]
fn a_token_counts_for_what_it_takes_up_to_64_kib() {
    let beside = Sieve::<Known>::OVERHEAD + allocated(0);
    assert_eq!(cost(b"token", &bad()), Some(beside as u32 + 5));
    let longest = vec![b'x'; 65_536 - beside];
    assert_eq!(cost(&longest, &bad()), Some(65_536));
    assert_eq!(cost(&[&longest[..], b"x"].concat(), &bad()), None);
    let TokenState::Active(facts) = good().state else { panic!("not active") };
    assert_eq!(cost(b"token", &good()), Some((beside + 5 + facts_size(&facts)) as u32));
}

#[test]
fn each_fact_counts_for_what_it_takes() {
    type Say = fn(&mut Facts);
    let pointer = mem::size_of::<Box<str>>();
    let text = |length| pointer + allocated(length);
    // One allocation with two counts, and one for each list.
    let itself = allocated(2 * mem::size_of::<usize>() + mem::size_of::<Facts>()) + 4 * allocated(0);
    assert_eq!(facts_size(&Facts::default()), itself);
    let kinds: [(&str, usize, Say); 13] = [
        ("client_id", text(1), |facts| facts.client_id = Some("a".into())),
        ("subject", text(2), |facts| facts.subject = Some("ab".into())),
        ("username", text(0), |facts| facts.username = Some("".into())),
        ("issuer", text(3), |facts| facts.issuer = Some("abc".into())),
        ("scope", text(1) + text(2), |facts| facts.scope = vec!["a".into(), "ab".into()]),
        ("audience", text(4), |facts| facts.audience = vec!["abcd".into()]),
        ("expires_at", 0, |facts| facts.expires_at = Some(NOW)),
        ("not_before", 0, |facts| facts.not_before = Some(NOW)),
        ("confirmation", allocated(mem::size_of::<Confirmation>()), |facts| {
            facts.confirmation = Some(Box::new(Confirmation::Unprovable));
        }),
        ("introspection_jwt", text(5), |facts| facts.introspection_jwt = Some("a.b.c".into())),
        ("signed_by", allocated(32), |facts| facts.signed_by = Some(Box::new([1; 32]))),
        ("claims", text(2) + text(1), |facts| facts.claims = vec![("/a".into(), "1".into())]),
        ("said", 2 * (text(2) + text(1)), |facts| {
            facts.said = vec![("/a".into(), "1".into()), ("/b".into(), "2".into())];
        }),
    ];
    let (mut all, mut sum) = (Facts::default(), itself);
    for (kind, size, say) in kinds {
        let mut facts = Facts::default();
        say(&mut facts);
        assert_eq!(facts_size(&facts), itself + size, "{kind}");
        say(&mut all);
        sum += size;
        assert_eq!(facts_size(&all), sum, "with {kind}");
    }
}

#[test]
fn without_entries_nothing_is_kept() {
    let mut tokens = tokens(0);
    tokens.insert(0, b"good", good());
    tokens.insert(0, b"bad", bad());
    assert!(tokens.is_empty());
    check(&tokens);
}

#[test]
fn hot_tokens_survive_a_scan_of_ten_times_the_capacity() {
    let mut tokens = tokens(100);
    for number in 0..50 {
        tokens.insert(0, &name("hot", number), good());
        tokens.get(0, &name("hot", number));
    }
    for number in 0..1_000 {
        tokens.insert(0, &name("scan", number), good());
        assert!(tokens.len() <= 100);
    }
    let kept = (0..50).filter(|number| tokens.get(0, &name("hot", *number)).is_some());
    assert_eq!(kept.count(), 50);
    check(&tokens);
}

#[test]
fn a_renewed_hot_token_stays_hot() {
    let mut tokens = tokens(10);
    tokens.insert(0, b"hot", good());
    tokens.get(0, b"hot");
    tokens.insert(0, b"hot", good());
    for number in 0..100 {
        tokens.insert(0, &name("scan", number), good());
    }
    assert!(tokens.get(0, b"hot").is_some());
}

#[test]
fn a_cold_entry_goes_before_any_hot_one() {
    for cold in 0..10 {
        let mut tokens = tokens(10);
        for number in 0..10 {
            tokens.insert(0, &name("token", number), good());
        }
        for number in (0..10).filter(|number| *number != cold) {
            tokens.get(0, &name("token", number));
        }
        tokens.insert(0, b"new", good());
        for number in 0..10 {
            let known = tokens.get(0, &name("token", number)).is_some();
            assert_eq!(known, number != cold, "{number} with {cold} cold");
        }
    }
}

#[test]
fn when_all_are_hot_one_still_goes() {
    let mut tokens = tokens(10);
    for number in 0..30 {
        tokens.insert(0, &name("token", number), good());
        tokens.get(0, &name("token", number));
        assert!(tokens.len() <= 10);
    }
    check(&tokens);
}

#[test]
fn a_flood_of_bad_tokens_pushes_no_good_one_out() {
    let mut tokens = tokens(100);
    for number in 0..100 {
        tokens.insert(0, &name("good", number), good());
    }
    for number in 0..10_000 {
        tokens.insert(0, &name("bad", number), bad());
        tokens.get(0, &name("bad", number));
    }
    assert_eq!(tokens.len(), 164);
    let kept = (0..100).filter(|number| tokens.get(0, &name("good", *number)).is_some());
    assert_eq!(kept.count(), 100);
    check(&tokens);
}

#[test]
fn long_tokens_are_bounded_by_bytes() {
    let mut tokens = tokens(100);
    for number in 0..1_000 {
        let mut token = name("bad", number);
        token.resize(8_192, b'x');
        tokens.insert(0, &token, bad());
        tokens.insert(0, &token[1..], good());
    }
    assert!(tokens.bytes() <= (100 + 64) * BYTES_PER_ENTRY);
    assert!(tokens.len() >= 30);
    check(&tokens);
}

#[test]
fn a_giant_entry_is_not_kept_nor_its_older_answer() {
    let mut tokens = tokens(100);
    tokens.insert(0, b"other", good());
    tokens.insert(0, b"token", good());
    let giant = samples::good(&"x".repeat(MAX_COST), NOW, 1_000);
    tokens.insert(0, b"token", giant);
    assert!(tokens.get(0, b"token").is_none());
    assert!(tokens.get(0, b"other").is_some());
    check(&tokens);
}

#[test]
fn equal_means_equal_in_every_byte() {
    for length in 0..40 {
        let one = vec![7; length];
        assert!(are_equal(&one, &one.clone()));
        for position in 0..length {
            let mut other = one.clone();
            other[position] ^= 0x80;
            assert!(!are_equal(&one, &other), "{position} of {length}");
        }
        assert!(!are_equal(&one, &[&one[..], &[7]].concat()));
    }
}

#[derive(Clone, Debug)]
enum Action {
    Insert(u16, u8, usize, bool),
    Get(u16, u8),
    Remove(u16, u8),
}

fn step() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..2_u16, 0..90_u8, 0..5_000_usize, any::<bool>())
            .prop_map(|(route, token, size, good)| Action::Insert(route, token, size, good)),
        3 => (0..2_u16, 0..90_u8).prop_map(|(route, token)| Action::Get(route, token)),
        1 => (0..2_u16, 0..90_u8).prop_map(|(route, token)| Action::Remove(route, token)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_sequence_breaks_the_bounds_or_invents_an_answer(
        entries in 0..40_usize, steps in prop::collection::vec(step(), 0..300),
    ) {
        let mut tokens = tokens(entries);
        let mut last = std::collections::HashMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Action::Insert(route, token, size, is_good) => {
                    let state = match is_good {
                        true => samples::good(&"x".repeat(size), NOW, 1),
                        false => samples::negative(NOW, size as u64),
                    };
                    // No two answers are equal.
                    let answer = samples::asked_at(state, Timestamp::from_secs(number as u64));
                    tokens.insert(route, &[token; 20], answer.clone());
                    last.insert((route, token), answer);
                }
                Action::Get(route, token) => {
                    if let Some(hit) = tokens.get(route, &[token; 20]) {
                        prop_assert_eq!(hit.remembered, &last[&(route, token)]);
                    }
                }
                Action::Remove(route, token) => {
                    tokens.remove(route, &[token; 20]);
                    last.remove(&(route, token));
                }
            }
            prop_assert!(tokens.good.len() <= entries);
            let negatives = if entries == 0 { 0 } else { 64 };
            prop_assert!(tokens.negative.len() <= negatives);
            check(&tokens);
        }
    }

    /// What was used since the last eviction is never evicted while something else was not.
    #[test]
    fn eviction_spares_what_was_just_used(uses in prop::collection::vec(any::<bool>(), 20)) {
        let mut tokens = tokens(20);
        for number in 0..20 {
            tokens.insert(0, &name("token", number), good());
        }
        for (number, used) in uses.iter().enumerate() {
            if *used {
                tokens.get(0, &name("token", number));
            }
        }
        let cold = uses.iter().filter(|used| !**used).count();
        for number in 0..cold {
            tokens.insert(0, &name("new", number), good());
        }
        for (number, used) in uses.iter().enumerate() {
            prop_assert_eq!(tokens.get(0, &name("token", number)).is_some(), *used);
        }
    }
}
