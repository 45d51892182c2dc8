//! Who asks, who waits, and what becomes of that when somebody dies, is late, or writes nonsense.

use super::*;
use crate::base::wire::put_bytes;
use std::collections::BTreeMap;

fn workers() -> (MemoryStore, [SharedCache; 3]) {
    (MemoryStore::default(), [1, 2, 3].map(|number| worker(1_000, number)))
}

impl SharedCache {
    /// Begins to ask as one does that has not looked before.
    fn begin(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Role {
        self.join(store, digest, None, now)
    }

    /// Looks, finds nothing and begins to ask.
    fn miss(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Role {
        let (known, snapshot) = self.read(store, digest, now);
        assert_eq!(known, None);
        self.join(store, digest, Some(snapshot), now)
    }

    /// Gives up the lead without an answer.
    fn leave(&self, store: &dyn SharedStore, digest: &Digest, now: Timestamp) -> Vec<u32> {
        self.publish(store, digest, None, true, now)
    }

    /// How many claims the token's bucket has.
    fn claims(&self, store: &dyn SharedStore, digest: &Digest) -> usize {
        let snapshot = self.snapshot(store, digest);
        self.limits.records(snapshot.bytes()).filter(|record| record[0] == 0).count()
    }
}

fn follow(until: u64) -> Role {
    Role::Follow { until: later(until) }
}

#[test]
fn the_first_leads_the_others_follow_and_get_the_answer() {
    let (store, [one, two, three]) = workers();
    assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(one.begin(&store, &digest(1), NOW), Role::Lead);
    for follower in [&two, &three, &two] {
        assert_eq!(follower.miss(&store, &digest(1), later(1)), follow(1000));
    }
    assert!(two.leave(&store, &digest(1), later(1)).is_empty(), "only the leader can end it");
    assert_eq!(one.publish(&store, &digest(1), Some(&good(5_000)), true, later(1)), [12, 13]);
    assert_eq!(two.get(&store, &digest(1), later(2)), Some(good(5_000)));
    assert_eq!(two.begin(&store, &digest(1), later(2)), Role::Lead);
    assert!(one.leave(&store, &digest(1), later(2)).is_empty());
}

#[test]
fn a_miss_costs_two_reads_and_two_writes() {
    let store = Watched::new(&MemoryStore::default(), |_| ());
    let answers = [Some(good(60_000)), Some(samples::negative(NOW, 5_000)), Some(good(0)), None];
    for entries in [1_000, 8, 0] {
        let cache = cache(entries);
        for (number, learned) in answers.iter().enumerate() {
            assert_eq!(cache.miss(&store, &digest(number), NOW), Role::Lead);
            assert_eq!(store.calls(), (1, 1));
            cache.publish(&store, &digest(number), learned.as_ref(), true, NOW);
            assert_eq!(store.calls(), (1, 1));
        }
    }
}

#[test]
fn who_asks_alone_touches_no_claim() {
    let (store, [one, two, _]) = workers();
    let watched = Watched::new(&store, |_| ());
    assert_eq!(one.begin(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(two.begin(&store, &digest(1), NOW), follow(1000));
    // Not even its own: the claim may be of an earlier flight that others wait for.
    for cache in [&one, &two] {
        cache.publish(&watched, &digest(1), None, false, NOW);
        assert_eq!(watched.calls(), (0, 0), "nothing is learned");
        cache.publish(&watched, &digest(1), Some(&good(0)), false, NOW);
        assert_eq!(watched.calls(), (1, 0), "nothing is replaced");
        cache.publish(&watched, &digest(1), Some(&good(5_000)), false, NOW);
        cache.publish(&watched, &digest(1), Some(&good(0)), false, NOW);
        assert_eq!(watched.calls(), (2, 2));
    }
    assert_eq!(one.leave(&store, &digest(1), NOW), [12]);
}

#[test]
fn what_is_not_to_be_kept_takes_out_what_it_replaces() {
    let (store, [one, two, _]) = workers();
    let none_at = |millis| samples::good("portal", later(millis), 0);
    for leads in [true, false] {
        one.put(&store, &digest(1), &good(60_000), NOW);
        assert_eq!(one.begin(&store, &digest(1), later(1)), Role::Lead);
        assert_eq!(one.get(&store, &digest(1), later(1)), Some(good(60_000)), "known while it is asked again");
        one.publish(&store, &digest(1), None, leads, later(1));
        assert_eq!(two.get(&store, &digest(1), later(1)), Some(good(60_000)), "no answer changes nothing");
        one.publish(&store, &digest(1), Some(&none_at(1)), leads, later(1));
        assert_eq!(two.get(&store, &digest(1), later(1)), None);
        two.put(&store, &digest(1), &samples::good("portal", later(2), 5_000), later(2));
        one.publish(&store, &digest(1), Some(&none_at(1)), leads, later(2));
        assert!(two.get(&store, &digest(1), later(2)).is_some(), "what is newer stays");
        one.publish(&store, &digest(1), Some(&none_at(3)), leads, later(3));
    }
}

#[test]
fn the_claim_is_given_up_also_where_nothing_is_stored() {
    let (store, [one, two, _]) = workers();
    let large = samples::good(&"x".repeat(MAX_ENTRY), NOW, 60_000);
    let newer = samples::good("portal", later(5), 60_000);
    two.put(&store, &digest(2), &newer, later(5));
    for (number, learned) in [(1, &large), (2, &good(60_000))] {
        assert_eq!(one.begin(&store, &digest(number), later(5)), Role::Lead);
        assert_eq!(two.begin(&store, &digest(number), later(5)), follow(1005));
        assert_eq!(one.publish(&store, &digest(number), Some(learned), true, later(5)), [12]);
        assert_eq!(one.claims(&store, &digest(number)), 0);
    }
    assert_eq!(two.get(&store, &digest(1), later(5)), None);
    assert_eq!(two.get(&store, &digest(2), later(5)), Some(newer));
}

#[test]
fn a_silent_leader_is_replaced_and_a_renewing_one_is_not() {
    let (store, [one, two, _]) = workers();
    assert_eq!(one.begin(&store, &digest(1), NOW), Role::Lead);
    one.renew(&store, &digest(1), later(900));
    assert_eq!(two.begin(&store, &digest(1), later(1500)), follow(1900));
    assert_eq!(two.begin(&store, &digest(1), later(1900)), Role::Lead);
    one.renew(&store, &digest(1), later(1950));
    assert_eq!(one.begin(&store, &digest(1), later(1960)), follow(2900));
    assert!(one.leave(&store, &digest(1), later(1970)).is_empty(), "it follows now");
    assert_eq!(two.leave(&store, &digest(1), later(1970)), [11]);
}

#[test]
fn a_leader_that_was_late_still_tells_those_who_wait() {
    let (store, [one, two, _]) = workers();
    assert_eq!(one.begin(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(two.begin(&store, &digest(1), later(1)), follow(1000));
    one.renew(&store, &digest(1), later(1_200));
    assert_eq!(two.begin(&store, &digest(1), later(1_201)), follow(2200));
    assert_eq!(one.leave(&store, &digest(1), later(3_000)), [12]);
}

#[test]
fn a_lease_from_before_the_clock_was_bucket_back_does_not_count() {
    let (store, [one, two, _]) = workers();
    assert_eq!(one.begin(&store, &digest(1), later(500_000)), Role::Lead);
    assert_eq!(two.begin(&store, &digest(1), NOW), Role::Lead);
}

/// The time is taken at the beginning of a callback, so a claim may well be younger than the time of who reads it.
#[test]
fn a_worker_that_was_halted_after_it_took_the_time_takes_no_lead_from_a_living_one() {
    let (store, [one, two, three]) = workers();
    assert_eq!(one.miss(&store, &digest(1), later(5)), Role::Lead);
    assert_eq!(two.miss(&store, &digest(1), NOW), follow(1005), "it reads late");
    let mut once = true;
    let racing = Watched::new(&store, |inner| {
        if std::mem::take(&mut once) {
            assert_eq!(one.miss(inner, &digest(2), later(1)), Role::Lead);
        }
    });
    assert_eq!(three.miss(&racing, &digest(2), NOW), follow(1001), "it writes late");
    // Nor does a write for another token take a claim out.
    let beside = worker(WAYS, 1);
    assert_eq!(beside.begin(&store, &digest(3), later(400)), Role::Lead);
    worker(WAYS, 2).put(&store, &digest(4), &good(60_000), NOW);
    assert_eq!(beside.claims(&store, &digest(3)), 1);
    assert_eq!(one.leave(&store, &digest(1), later(6)), [12]);
    assert_eq!(one.leave(&store, &digest(2), later(6)), [13]);
}

#[test]
fn an_answer_too_large_for_a_bucket_takes_out_what_it_replaces() {
    let (store, [one, two, _]) = workers();
    for leads in [true, false] {
        one.put(&store, &digest(1), &good(60_000), NOW);
        assert_eq!(two.get(&store, &digest(1), later(1)), Some(good(60_000)));
        assert_eq!(one.begin(&store, &digest(1), later(1)), Role::Lead);
        let large = samples::good(&"x".repeat(MAX_ENTRY), later(1), 60_000);
        one.publish(&store, &digest(1), Some(&large), leads, later(1));
        assert_eq!(two.get(&store, &digest(1), later(2)), None, "facts that are no longer true serve nobody");
    }
}

#[test]
fn a_leader_that_can_write_nothing_for_all_the_others_tells_its_followers() {
    let (store, [one, two, _]) = workers();
    assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(two.miss(&store, &digest(1), NOW), follow(1000));
    let racing = Watched::new(&store, |inner| {
        let key = one.snapshot(inner, &digest(1)).key;
        let bucket = inner.get(&key).unwrap().value;
        inner.set(&key, &bucket, Expect::Anything).unwrap();
    });
    assert_eq!(one.publish(&racing, &digest(1), Some(&good(60_000)), true, later(1)), [12]);
}

#[test]
fn a_claim_larger_than_all_claims_may_be_is_none() {
    let (store, [one, ..]) = workers();
    let mut claim = vec![0];
    claim.extend_from_slice(&digest(1));
    claim.extend_from_slice(&1_u64.to_le_bytes());
    claim.extend_from_slice(&later(500).as_millis().to_le_bytes());
    claim.resize(claim.len() + 4 * (MAX_CLAIMS / 4), 7);
    let mut bucket = vec![2];
    put_bytes(&mut bucket, &claim);
    plant(&store, &one, &bucket);
    assert_eq!(one.leave(&store, &digest(1), NOW), [0; 0]);
}

#[test]
fn tokens_of_one_bucket_are_asked_about_side_by_side() {
    let store = MemoryStore::default();
    let [one, two, three] = [1, 2, 3].map(|number| worker(WAYS, number));
    assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(two.miss(&store, &digest(2), NOW), Role::Lead);
    assert_eq!(two.miss(&store, &digest(1), later(10)), follow(1000));
    assert_eq!(one.miss(&store, &digest(2), later(10)), follow(1000));
    assert_eq!(three.miss(&store, &digest(2), later(10)), follow(1000));
    assert_eq!(three.miss(&store, &digest(1), later(10)), follow(1000));
    two.renew(&store, &digest(2), later(500));
    assert_eq!(one.publish(&store, &digest(1), Some(&good(60_000)), true, later(600)), [12, 13]);
    assert_eq!(two.claims(&store, &digest(2)), 1);
    assert_eq!(two.publish(&store, &digest(2), Some(&good(50_000)), true, later(700)), [11, 13]);
    assert_eq!(three.get(&store, &digest(1), later(700)), Some(good(60_000)));
    assert_eq!(three.get(&store, &digest(2), later(700)), Some(good(50_000)));
    assert_eq!(store.dump().len(), 1);
}

#[test]
fn who_finds_the_claims_taken_asks_alone_until_there_is_room() {
    let store = MemoryStore::default();
    let [one, two] = [1, 2].map(|number| worker(WAYS, number));
    one.put(&store, &digest(0), &good(60_000), NOW);
    let roles: Vec<_> = (0..100).map(|number| one.begin(&store, &digest(number), NOW)).collect();
    let led = roles.iter().take_while(|role| **role == Role::Lead).count();
    assert_eq!(led, MAX_CLAIMS / 51);
    assert!(roles[led..].iter().all(|role| *role == Role::Alone));
    assert_eq!(two.begin(&store, &digest(led), NOW), Role::Alone);
    assert_eq!(two.get(&store, &digest(0), NOW), Some(good(60_000)));
    // There are 16 bytes left: four followers.
    for queue in 12..20 {
        let role = worker(WAYS, queue).begin(&store, &digest(queue as usize), NOW);
        assert_eq!(role == Role::Alone, queue >= 16, "{queue}");
    }
    one.renew(&store, &digest(1), NOW);
    assert!(one.leave(&store, &digest(1), NOW).is_empty());
    assert_eq!(two.begin(&store, &digest(led), NOW), Role::Lead);
    // All the others have died: their claims go at the next write.
    assert_eq!(two.begin(&store, &digest(99), later(1_000)), Role::Lead);
    assert_eq!(two.claims(&store, &digest(99)), 1);
}

#[test]
fn claims_push_no_entry_out_and_entries_no_claim() {
    let store = MemoryStore::default();
    let [one, two] = [1, 2].map(|number| worker(WAYS, number));
    for number in 0..60 {
        assert_eq!(one.begin(&store, &digest(number), NOW), Role::Lead);
    }
    for number in 100..400 {
        let large = samples::good(&"x".repeat(1_900), NOW, 60_000 + number as u64);
        two.put(&store, &digest(number), &large, NOW);
        two.put(&store, &digest(number + 1_000), &samples::negative(NOW, 9_000), NOW);
    }
    assert_eq!(two.claims(&store, &digest(0)), 60);
    let value = store.dump().remove(0).1;
    assert_eq!(two.entries(&value).count(), WAYS + 64);
    assert!(value.len() <= two.limits.max_bytes());
}

#[test]
fn without_entries_the_workers_still_meet() {
    let store = MemoryStore::default();
    let [one, two] = [1, 2].map(|number| worker(0, number));
    assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
    assert_eq!(two.miss(&store, &digest(1), NOW), follow(1000));
    one.renew(&store, &digest(1), later(500));
    assert_eq!(two.miss(&store, &digest(1), later(1000)), follow(1500));
    assert_eq!(one.publish(&store, &digest(1), Some(&good(60_000)), true, later(1000)), [12]);
    assert_eq!(two.miss(&store, &digest(1), later(1000)), Role::Lead);
    for number in 0..5_000 {
        one.begin(&store, &digest(number), later(1000));
    }
    let dump = store.dump();
    assert!(dump.len() <= BARE_BUCKETS && dump.len() > BARE_BUCKETS / 2, "{}", dump.len());
    assert!(dump.iter().all(|(_, value)| value.len() <= 1 + MAX_CLAIMS));
}

#[test]
fn a_claim_taken_between_reading_and_writing_is_seen() {
    let (store, [one, two, _]) = workers();
    let mut once = true;
    let racing = Watched::new(&store, |inner| {
        if std::mem::take(&mut once) {
            assert_eq!(one.miss(inner, &digest(1), NOW), Role::Lead);
        }
    });
    assert_eq!(two.miss(&racing, &digest(1), NOW), follow(1000));
    assert_eq!(racing.calls(), (2, 2));
    assert_eq!(one.leave(&store, &digest(1), NOW), [12]);
}

#[test]
fn a_follower_that_comes_at_the_last_moment_is_told() {
    let (store, [one, two, _]) = workers();
    assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
    let mut once = true;
    let racing = Watched::new(&store, |inner| {
        if std::mem::take(&mut once) {
            assert_eq!(two.miss(inner, &digest(1), NOW), follow(1000));
        }
    });
    assert_eq!(one.publish(&racing, &digest(1), Some(&good(60_000)), true, NOW), [12]);
    assert_eq!(two.get(&store, &digest(1), NOW), Some(good(60_000)));
}

#[test]
fn a_store_that_always_changes_or_refuses_leaves_everybody_alone() {
    let (store, [one, two, _]) = workers();
    let mut number = 100;
    let racing = Watched::new(&store, |inner| {
        number += 1;
        // Any write to the bucket is in the way, also one for another token.
        let key = one.snapshot(inner, &digest(1)).key;
        inner.set(&key, &[2, 0, number], Expect::Anything).unwrap();
    });
    assert_eq!(two.miss(&racing, &digest(1), NOW), Role::Alone);
    assert_eq!(racing.calls(), (ATTEMPTS, ATTEMPTS));

    let mut refusing = Watched::new(&store, |_| ());
    refusing.refuses = true;
    assert_eq!(two.miss(&refusing, &digest(1), NOW), Role::Alone);
    assert_eq!(refusing.calls(), (1, 1));
    // Who leads where writing fails tells those whom it has read of.
    assert_eq!(one.begin(&store, &digest(2), NOW), Role::Lead);
    assert_eq!(two.begin(&store, &digest(2), NOW), follow(1000));
    assert_eq!(one.leave(&refusing, &digest(2), NOW), [12]);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_for_claims_without_a_panic(mut value: Vec<u8>, ours: bool) {
        if ours {
            value.insert(0, 2);
        }
        let (store, [one, ..]) = workers();
        plant(&store, &one, &value);
        prop_assert!(one.leave(&store, &digest(1), NOW).is_empty());
        one.renew(&store, &digest(1), NOW);
        prop_assert_eq!(one.miss(&store, &digest(1), NOW), Role::Lead);
        prop_assert!(one.leave(&store, &digest(1), NOW).is_empty());
    }

    /// Workers in disorder over tokens that share buckets: of those who take part there is one leader at a time, unless
    /// its lease has run out, and it learns of everyone who relies on it. Now and then another worker writes to the bucket
    /// between a read and the write that follows it.
    #[test]
    fn one_leads_and_all_others_are_told(
        steps in prop::collection::vec((1..5_u32, 0..6_usize, 0..4_u8, 0..400_u64, any::<bool>()), 1..200),
        entries in prop::sample::select(vec![0, WAYS, 16]),
    ) {
        let store = MemoryStore::default();
        let mut now = NOW;
        // By token: who leads, until when, who follows.
        let mut truth: BTreeMap<usize, (u32, Timestamp, Vec<u32>)> = BTreeMap::new();
        for (number, token, action, pause, mut raced) in steps {
            now = now.plus(Duration::from_millis(pause));
            let racing = Watched::new(&store, |inner| {
                if std::mem::take(&mut raced) {
                    let other = worker(entries, 9);
                    other.begin(inner, &digest(50), now);
                    other.publish(inner, &digest(51), Some(&samples::good("other", now, 9_000)), false, now);
                }
            });
            truth.retain(|_, (_, until, _)| now < *until);
            let cache = worker(entries, number);
            let queue = 10 + number;
            match action {
                0 | 1 => {
                    let role = cache.begin(&racing, &digest(token), now);
                    let (leader, until, followers) =
                        truth.entry(token).or_insert_with(|| (number, now.plus(LEASE), Vec::new()));
                    if *leader == number {
                        prop_assert_eq!(role, Role::Lead);
                    } else {
                        prop_assert_eq!(role, Role::Follow { until: *until });
                        if !followers.contains(&queue) {
                            followers.push(queue);
                        }
                    }
                }
                2 => {
                    let leads = truth.get_mut(&token).filter(|(leader, ..)| *leader == number);
                    if let Some((_, until, _)) = leads {
                        *until = now.plus(LEASE);
                        cache.renew(&racing, &digest(token), now);
                    }
                }
                _ => {
                    let leads = truth.get(&token).is_some_and(|(leader, ..)| *leader == number);
                    let answer = samples::good("portal", now, 9_000);
                    let sent = cache.publish(&racing, &digest(token), Some(&answer), leads, now);
                    let owed = if leads { truth.remove(&token).unwrap().2 } else { Vec::new() };
                    prop_assert_eq!(sent, owed);
                    let kept = cache.get(&store, &digest(token), now);
                    prop_assert_eq!(kept, (entries > 0).then_some(answer));
                }
            }
        }
        prop_assert!(store.dump().iter().all(|(_, value)| value.len() <= worker(entries, 1).limits.max_bytes()));
    }
}
