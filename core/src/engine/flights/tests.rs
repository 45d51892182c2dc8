use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn digest(number: usize) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

fn guard() -> Guard {
    use crate::policy::api::ApiSettings;
    use crate::policy::selection::{AmbiguousPaths, Policy, Selection, Target, Unmatched};
    let api = ApiSettings {
        id: "a".into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: vec![0],
        upstream: Default::default(),
        rule: Default::default(),
        resource: None,
        operations: Vec::new(),
    };
    let providers = [Rc::new(crate::provider::samples::provider("main"))];
    let policy = Policy::new(vec![api], &providers, Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap();
    match policy.select(Target::default()) {
        Selection::Guarded(guard) => guard,
        other => panic!("{other:?}"),
    }
}

thread_local! {
    static GUARD: Guard = guard();
}

fn waiter(stream: usize) -> Waiter {
    let (stream, guard) = (StreamId(u32::try_from(stream).unwrap()), GUARD.with(Guard::clone));
    Waiter { stream, guard, since: NOW, lookup: Lookup::Miss, by_dpop: false, evidence: None }
}

fn question(key: u16, was_good: bool) -> Question {
    let provider = GUARD.with(|guard| Rc::clone(&guard.api.choices.iter().next().unwrap().provider));
    let endpoint = Rc::new(provider.introspection.as_ref().unwrap().endpoint().unwrap());
    Question::new(&Choice { provider, key }, &endpoint, Bearer::parse(b"t").unwrap(), was_good, NOW)
}

fn asking(call: u64, leads: bool) -> Phase {
    Phase::Asking { call: CallId(call), earlier: 0, sent_at: NOW, leads }
}

impl Flights {
    /// A request that waits for this token; says whether its question was under way.
    fn wait(&mut self, token: usize, stream: usize, key: u16, was_good: bool) -> Result<bool, Full> {
        let digest = digest(token);
        if self.contains(&digest) {
            return self.join(&digest, waiter(stream), key, was_good).map(|()| true);
        }
        self.admit(was_good)?;
        let mut question = question(key, was_good);
        question.waiters.push(waiter(stream));
        self.insert(&digest, question, asking(0, true));
        Ok(false)
    }

    fn ride(&mut self, token: usize, stream: usize) -> Result<bool, Full> {
        self.wait(token, stream, 1, false)
    }

    /// A renewal that nobody waits for.
    fn renew(&mut self, token: usize) -> Result<(), Full> {
        self.admit_renewal()?;
        self.insert(&digest(token), question(1, true), asking(0, true));
        Ok(())
    }

    /// What must hold between any two calls.
    fn check(&self) {
        let mut waiting = BTreeMap::new();
        for (digest, Flight { question, .. }) in &self.flights {
            for waiter in &question.waiters {
                assert!(waiting.insert(waiter.stream, *digest).is_none(), "a request waits twice");
            }
            let keys: BTreeSet<u16> = question.keys.iter().copied().collect();
            assert_eq!(keys.len(), question.keys.len(), "an answer is wanted twice under one key");
        }
        assert!(waiting.iter().all(|(stream, digest)| self.streams.get(stream) == Some(&Some(*digest))));
        assert!(self.flights.len() <= MAX_FLIGHTS && self.streams.len() <= MAX_WAITERS);
    }
}

fn streams(question: &Question) -> Vec<u32> {
    question.waiters.iter().map(|waiter| waiter.stream.0).collect()
}

#[test]
fn requests_with_one_token_share_a_flight() {
    let mut flights = Flights::default();
    assert_eq!(flights.ride(1, 1), Ok(false));
    assert_eq!(flights.ride(1, 2), Ok(true));
    assert_eq!(flights.ride(2, 3), Ok(false));
    assert_eq!(flights.ride(1, 4), Ok(true));
    let taken = flights.take(&digest(1)).unwrap();
    assert_eq!(streams(&taken.question), [1, 2, 4]);
    assert!(!flights.contains(&digest(1)));
    assert!(flights.take(&digest(1)).is_none());
    flights.check();
}

#[test]
fn a_request_counts_until_its_end_is_carried_out_or_it_is_gone() {
    let mut flights = Flights::default();
    for stream in 0..MAX_WAITERS {
        flights.ride(1, stream).unwrap();
    }
    flights.take(&digest(1));
    assert_eq!(flights.ride(2, MAX_WAITERS), Err(Full));
    assert_eq!((flights.release(StreamId(1)), flights.release(StreamId(1))), (true, false));
    flights.leave(StreamId(2));
    assert!(!flights.release(StreamId(2)), "nothing is done to one that is gone");
    assert_eq!(flights.ride(2, MAX_WAITERS), Ok(false));
    assert_eq!(flights.streams.len(), MAX_WAITERS - 1);
}

#[test]
fn who_waits_for_something_is_told_from_who_is_about_to_end() {
    let mut flights = Flights::default();
    for (token, stream) in [(1, 1), (1, 2), (2, 3)] {
        flights.ride(token, stream).unwrap();
    }
    let provider = Rc::clone(&question(1, false).provider);
    let token = Bearer::parse(b"t").unwrap();
    flights.park(Parked { provider, token, waiter: waiter(4), deadline: NOW, round: 0 }).unwrap();
    let waiting = |flights: &Flights| flights.waiting().map(|stream| stream.0).collect::<BTreeSet<u32>>();
    assert_eq!(waiting(&flights), BTreeSet::from([1, 2, 3, 4]));
    flights.take(&digest(1)).unwrap();
    assert_eq!(waiting(&flights), BTreeSet::from([3, 4]));
    flights.unpark(1, |_| true);
    assert_eq!(waiting(&flights), BTreeSet::from([3]));
}

#[test]
fn the_answer_is_wanted_under_every_key_that_asked() {
    let mut flights = Flights::default();
    for (stream, key) in [(1, 5), (2, 6), (3, 5)] {
        flights.wait(1, stream, key, false).unwrap();
    }
    flights.check();
    assert_eq!(flights.take(&digest(1)).unwrap().question.keys, [5, 6]);
}

#[test]
fn a_renewal_flies_without_waiters_and_takes_them_up() {
    let mut flights = Flights::default();
    assert_eq!(flights.renew(1), Ok(()));
    assert_eq!(flights.ride(1, 1), Ok(true));
    assert_eq!(flights.take(&digest(1)).unwrap().question.waiters.len(), 1);
    flights.check();
}

#[test]
fn no_more_tokens_are_asked_about_than_memory_is_meant_for() {
    let mut flights = Flights::default();
    for token in 0..MAX_FLIGHTS {
        assert_eq!(flights.ride(token, token), Ok(false));
    }
    assert_eq!(flights.ride(MAX_FLIGHTS, MAX_FLIGHTS), Err(Full));
    assert_eq!(flights.ride(0, MAX_FLIGHTS), Ok(true), "those under way take more requests");
    flights.check();
    flights.take(&digest(0));
    assert_eq!(flights.ride(MAX_FLIGHTS, MAX_FLIGHTS + 1), Ok(false));
    flights.check();
}

#[test]
fn no_more_requests_wait_than_memory_is_meant_for() {
    let mut flights = Flights::default();
    for stream in 0..MAX_WAITERS {
        flights.ride(stream % 7, stream).unwrap();
    }
    assert_eq!(flights.ride(0, MAX_WAITERS), Err(Full));
    assert_eq!(flights.ride(9, MAX_WAITERS), Err(Full));
    assert!(!flights.contains(&digest(9)), "nobody could wait: nothing is asked");
    flights.leave(StreamId(3));
    assert_eq!(flights.ride(0, MAX_WAITERS), Ok(true));
    flights.check();
}

#[test]
fn strangers_lock_out_no_token_that_was_good() {
    let mut flights = Flights::default();
    for token in 0..MAX_FLIGHTS {
        flights.ride(token, token).unwrap();
    }
    let most = MAX_FLIGHTS + MAX_FLIGHTS / 4;
    for token in MAX_FLIGHTS..most {
        assert_eq!(flights.ride(token, token), Err(Full));
        assert_eq!(flights.wait(token, token, 1, true), Ok(false));
    }
    assert_eq!((flights.wait(most, most, 1, true), flights.renew(most)), (Err(Full), Err(Full)), "that has an end too");
    // So it is with those who wait.
    for stream in flights.streams.len()..MAX_WAITERS {
        flights.ride(0, stream + 10_000).unwrap();
    }
    assert_eq!(flights.ride(0, 30_000), Err(Full));
    for stream in 0..MAX_WAITERS / 4 {
        assert_eq!(flights.ride(MAX_FLIGHTS, 40_000 + stream), Ok(true), "its flight knows");
    }
    assert_eq!(flights.wait(MAX_FLIGHTS, 50_000, 1, true), Err(Full));
    assert_eq!((flights.flights.len(), flights.streams.len()), (most, MAX_WAITERS + MAX_WAITERS / 4));
}

#[test]
fn a_flight_is_taken_up_again_with_those_who_are_left() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.ride(1, 2).unwrap();
    let Flight { mut question, phase } = flights.take(&digest(1)).unwrap();
    question.waiters.remove(0);
    flights.insert(&digest(1), question, phase);
    flights.check();
    flights.leave(StreamId(2));
    assert_eq!(streams(&flights.take(&digest(1)).unwrap().question), [0; 0]);
    assert!(flights.is_idle());
}

#[test]
fn a_flight_goes_on_without_its_first_passenger() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.leave(StreamId(1));
    flights.leave(StreamId(1));
    assert!(flights.contains(&digest(1)));
    assert_eq!(streams(&flights.take(&digest(1)).unwrap().question), [0; 0]);
    assert!(flights.is_idle());
}

#[test]
fn flights_are_picked_by_their_state() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.ride(2, 2).unwrap();
    let Flight { question, .. } = flights.take(&digest(2)).unwrap();
    flights.insert(&digest(2), question, Phase::Following { until: NOW });
    assert_eq!(flights.select(|flight| flight.phase.leads()), [digest(1)]);
    assert_eq!(flights.select(|flight| flight.phase == Phase::Following { until: NOW }), [digest(2)]);
    assert_eq!(flights.select(|flight| NOW >= flight.question.deadline), [[0; 32]; 0]);
    flights.shorten_deadlines(|_| NOW.plus(Duration::from_secs(9)));
    assert_eq!(flights.select(|flight| NOW >= flight.question.deadline), [[0; 32]; 0]);
    flights.shorten_deadlines(|_| NOW);
    assert_eq!(flights.select(|flight| NOW >= flight.question.deadline).len(), 2);
    assert_eq!(question_left(1), GRACE, "of one attempt of a second");
    assert_eq!(question_left(9), Duration::ZERO);
}

fn question_left(after: u64) -> Duration {
    question(1, false).time_left(NOW.plus(Duration::from_secs(after)))
}

#[derive(Clone, Debug)]
enum Operation {
    Wait(usize, u16),
    Renew(usize),
    Leave(usize),
    Release(usize),
    Retry(usize),
    Take(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..6_usize, 1..4_u16).prop_map(|(token, key)| Operation::Wait(token, key)),
        1 => (0..6_usize).prop_map(Operation::Renew),
        3 => (0..60_usize).prop_map(Operation::Leave),
        1 => (0..60_usize).prop_map(Operation::Release),
        3 => (0..6_usize).prop_map(Operation::Retry),
        2 => (0..6_usize).prop_map(Operation::Take),
    ]
}

proptest! {
    #[test]
    fn nothing_leaks_whatever_happens(operations in prop::collection::vec(operation(), 0..120)) {
        let mut flights = Flights::default();
        let mut arrived = 0;
        for operation in operations {
            match operation {
                Operation::Wait(token, key) => {
                    arrived += 1;
                    flights.wait(token, arrived, key, false).unwrap();
                }
                Operation::Renew(token) => {
                    if !flights.contains(&digest(token)) {
                        flights.renew(token).unwrap();
                    }
                }
                Operation::Leave(stream) => flights.leave(StreamId(u32::try_from(stream).unwrap())),
                Operation::Release(stream) => {
                    // Only the end of a flight that is over is carried out.
                    let stream = StreamId(u32::try_from(stream).unwrap());
                    let waits = |flight: &Flight| flight.question.waiters.iter().any(|waiter| waiter.stream == stream);
                    if flights.select(waits).is_empty() {
                        flights.release(stream);
                    }
                }
                Operation::Retry(token) => {
                    if let Some(Flight { question, .. }) = flights.take(&digest(token)) {
                        flights.insert(&digest(token), question, asking(1, false));
                    }
                }
                Operation::Take(token) => {
                    flights.take(&digest(token));
                }
            }
            flights.check();
        }
        for digest in flights.select(|_| true) {
            flights.take(&digest);
        }
        for stream in 0..=arrived {
            flights.leave(StreamId(u32::try_from(stream).unwrap()));
        }
        prop_assert!(flights.is_idle() && flights.is_empty());
    }
}
