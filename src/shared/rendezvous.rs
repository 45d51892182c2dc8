//! Where the workers of a process meet over one question: the first one asks, the others leave word where to tell them.
//!
//! A place is a shared value under one of a fixed number of keys. It names the question, the worker that asks (the
//! leader), until when the others may rely on it, and the queues of those that wait. A leader that dies stops renewing:
//! within [`LEASE`] somebody else takes the lead.

use super::key::numbered;
use super::store::{Expect, SharedStore, WriteError};
use crate::base::time::Timestamp;
use std::time::Duration;

/// How long a leader may stay silent before another worker takes over. Renewed about four times in that time.
pub const LEASE: Duration = Duration::from_millis(1000);

/// Questions that can be led at the same time; two that share a place are asked independently.
const PLACES: u64 = 8192;
/// Most workers that can wait at one place; more than any machine has cores.
const MAX_FOLLOWERS: usize = 512;
const FORMAT: u8 = 1;
const HEAD: usize = 1 + 32 + 8 + 8;
/// Attempts at a write while other workers write too.
const ATTEMPTS: usize = 8;

/// What this worker is to do about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ask, tell the followers.
    Lead,
    /// Wait to be told; look again when `until` has passed.
    Follow {
        /// When the leader's lease ends, unless it renews.
        until: Timestamp,
    },
    /// Ask, for oneself only: the place is taken by another question, or the store does not work.
    Alone,
}

/// One worker's way to the meeting places.
#[derive(Clone, Debug)]
pub struct Rendezvous {
    prefix: Box<str>,
    worker: u64,
    queue: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    question: [u8; 32],
    leader: u64,
    until: Timestamp,
    followers: Vec<u32>,
}

impl Rendezvous {
    /// For the worker with this unique number, which is told through `queue`. Nothing else may write below `prefix`.
    pub fn new(prefix: &str, worker: u64, queue: u32) -> Self {
        Self { prefix: format!("{prefix}/flight/").into(), worker, queue }
    }

    /// Takes part in `question`: leads it when nobody does, follows otherwise.
    pub fn join(&self, store: &dyn SharedStore, question: &[u8; 32], now: Timestamp) -> Role {
        let key = self.key(question);
        for _ in 0..ATTEMPTS {
            let found = store.get(&key);
            let place = found.as_ref().and_then(|found| Place::decode(&found.value)).filter(|place| place.is_live(now));
            let (role, next) = match place {
                None => (Role::Lead, Place::led_by(self.worker, *question, now)),
                Some(place) if place.question != *question => return Role::Alone,
                Some(place) if place.leader == self.worker => return Role::Lead,
                Some(place) if place.followers.contains(&self.queue) => return Role::Follow { until: place.until },
                Some(place) if place.followers.len() >= MAX_FOLLOWERS => return Role::Alone,
                Some(mut place) => {
                    place.followers.push(self.queue);
                    (Role::Follow { until: place.until }, place)
                }
            };
            let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
            match store.set(&key, &next.encode(), expect) {
                Ok(()) => return role,
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Role::Alone,
            }
        }
        Role::Alone
    }

    /// Tells the followers that this worker still leads.
    pub fn renew(&self, store: &dyn SharedStore, question: &[u8; 32], now: Timestamp) {
        self.rewrite(store, question, |mut place| {
            place.until = now.plus(LEASE);
            place.encode()
        });
    }

    /// Ends the lead; the queues of those who wait for the answer.
    pub fn leave(&self, store: &dyn SharedStore, question: &[u8; 32]) -> Vec<u32> {
        self.rewrite(store, question, |_| Vec::new()).map(|place| place.followers).unwrap_or_default()
    }

    /// Replaces the place that this worker leads; what stood there, if it does lead.
    fn rewrite(&self, store: &dyn SharedStore, question: &[u8; 32], next: impl Fn(Place) -> Vec<u8>) -> Option<Place> {
        let key = self.key(question);
        for _ in 0..ATTEMPTS {
            let found = store.get(&key)?;
            let place = Place::decode(&found.value)?;
            if place.leader != self.worker || place.question != *question {
                return None;
            }
            match store.set(&key, &next(place.clone()), Expect::Version(found.version)) {
                Ok(()) => return Some(place),
                Err(WriteError::Conflict) => {}
                Err(WriteError::Unavailable) => return Some(place),
            }
        }
        None
    }

    fn key(&self, question: &[u8; 32]) -> String {
        // The tail of the digest: its head already picks the token's slot.
        let number = question.last_chunk::<8>().map_or(0, |tail| u64::from_le_bytes(*tail));
        numbered(&self.prefix, number % PLACES)
    }
}

impl Place {
    fn led_by(leader: u64, question: [u8; 32], now: Timestamp) -> Self {
        Self { question, leader, until: now.plus(LEASE), followers: Vec::new() }
    }

    /// A lease that ends further ahead than any is given was written before the clock was set back.
    fn is_live(&self, now: Timestamp) -> bool {
        now < self.until && self.until <= now.plus(LEASE)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + 4 * self.followers.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.question);
        bytes.extend_from_slice(&self.leader.to_le_bytes());
        bytes.extend_from_slice(&self.until.as_millis().to_le_bytes());
        self.followers.iter().for_each(|queue| bytes.extend_from_slice(&queue.to_le_bytes()));
        bytes
    }

    /// What another worker wrote; `None` for an empty place and for anything else that is not one.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[FORMAT])?;
        let (question, rest) = rest.split_first_chunk::<32>()?;
        let (leader, rest) = rest.split_first_chunk::<8>()?;
        let (until, queues) = rest.split_first_chunk::<8>()?;
        let (queues, []) = queues.as_chunks::<4>() else { return None };
        (queues.len() <= MAX_FOLLOWERS).then(|| Self {
            question: *question,
            leader: u64::from_le_bytes(*leader),
            until: Timestamp::from_millis(u64::from_le_bytes(*until)),
            followers: queues.iter().map(|queue| u32::from_le_bytes(*queue)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::store::MemoryStore;
    use proptest::prelude::*;

    const QUESTION: [u8; 32] = [7; 32];

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn workers() -> (MemoryStore, [Rendezvous; 3]) {
        (MemoryStore::default(), [1, 2, 3].map(|n| Rendezvous::new("p", n, 10 + u32::try_from(n).unwrap())))
    }

    #[test]
    fn the_first_leads_the_others_follow_and_are_told() {
        let (store, [one, two, three]) = workers();
        assert_eq!(one.join(&store, &QUESTION, at(0)), Role::Lead);
        for follower in [&two, &three, &two] {
            assert_eq!(follower.join(&store, &QUESTION, at(1)), Role::Follow { until: at(1000) });
        }
        assert!(two.leave(&store, &QUESTION).is_empty(), "only the leader can end it");
        assert_eq!(one.leave(&store, &QUESTION), [12, 13]);
        assert_eq!(two.join(&store, &QUESTION, at(2)), Role::Lead);
        assert!(one.leave(&store, &QUESTION).is_empty());
    }

    #[test]
    fn a_silent_leader_is_replaced_and_a_renewing_one_is_not() {
        let (store, [one, two, _]) = workers();
        assert_eq!(one.join(&store, &QUESTION, at(0)), Role::Lead);
        one.renew(&store, &QUESTION, at(900));
        assert_eq!(two.join(&store, &QUESTION, at(1500)), Role::Follow { until: at(1900) });
        assert_eq!(two.join(&store, &QUESTION, at(1900)), Role::Lead);
        one.renew(&store, &QUESTION, at(1950));
        assert_eq!(one.join(&store, &QUESTION, at(1960)), Role::Follow { until: at(2900) });
    }

    #[test]
    fn a_lease_from_before_the_clock_was_set_back_does_not_count() {
        let (store, [one, two, _]) = workers();
        assert_eq!(one.join(&store, &QUESTION, at(500_000)), Role::Lead);
        assert_eq!(two.join(&store, &QUESTION, at(0)), Role::Lead);
    }

    #[test]
    fn another_question_at_the_same_place_is_asked_alone() {
        let (store, [one, two, _]) = workers();
        let mut other = QUESTION;
        other[0] = 8;
        assert_eq!(one.join(&store, &QUESTION, at(0)), Role::Lead);
        assert_eq!(two.join(&store, &other, at(0)), Role::Alone);
    }

    proptest! {
        #[test]
        fn any_bytes_in_a_place_are_taken_without_a_panic(bytes: Vec<u8>) {
            let (store, [one, ..]) = workers();
            store.set(&one.key(&QUESTION), &bytes, Expect::Anything).unwrap();
            one.leave(&store, &QUESTION);
            one.renew(&store, &QUESTION, at(0));
            let _ = one.join(&store, &QUESTION, at(0));
        }

        #[test]
        fn a_place_reads_back_as_it_was_written(question: [u8; 32], leader: u64, until: u64, followers in prop::collection::vec(any::<u32>(), 0..40)) {
            let place = Place { question, leader, until: Timestamp::from_millis(until), followers };
            prop_assert_eq!(Place::decode(&place.encode()), Some(place));
        }
    }
}
