use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn digest(number: usize) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    digest
}

fn rule() -> RuleIndex {
    use crate::decision::policy::{AmbiguousPaths, Api, Policy, Selection, Target, Unmatched};
    let api = Api {
        id: "a".into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: Vec::new(),
        rule: Default::default(),
        operations: Vec::new(),
    };
    match Policy::new(vec![api], Unmatched::Refuse, AmbiguousPaths::Refuse).select(Target::default()) {
        Selection::Guarded(rule) => rule,
        other => panic!("{other:?}"),
    }
}

fn waiter(stream: usize, key: u16) -> Waiter {
    Waiter { stream: StreamId(u32::try_from(stream).unwrap()), rule: rule(), key, since: NOW }
}

fn flight(key: u16) -> Flight {
    Flight::new(ProviderIndex(0), Bearer::parse(b"t").unwrap(), key, NOW.plus(Duration::from_secs(3)))
}

impl Flights {
    fn ride(&mut self, token: usize, stream: usize) -> Result<bool, Full> {
        let coalesced = self.board(digest(token), waiter(stream, 1), false, || flight(1))?;
        if !coalesced {
            self.queue(&digest(token), true);
        }
        Ok(coalesced)
    }

    /// What must hold between any two calls.
    fn check(&self) {
        let mut waiting = BTreeMap::new();
        for (digest, flight) in &self.flights {
            for waiter in &flight.waiters {
                assert!(waiting.insert(waiter.stream, *digest).is_none(), "a request waits twice");
                assert!(flight.keys.contains(&waiter.key), "the answer is not wanted under a waiter's key");
            }
        }
        assert!(waiting.iter().all(|(stream, digest)| self.streams.get(stream) == Some(digest)));
        for (call, digest) in &self.calls {
            let phase = self.flights.get(digest).map(|flight| flight.phase);
            assert!(matches!(phase, Some(Phase::Calling { call: sent, .. }) if sent == *call), "{call:?}: {phase:?}");
        }
        let queued: BTreeSet<&Digest> = self.queued.iter().collect();
        assert_eq!(queued.len(), self.queued.len(), "queued twice");
        assert!(queued.iter().all(|digest| self.flights.contains_key(*digest)), "an ended flight is queued");
        assert!(self.flights.len() <= MAX_FLIGHTS && self.streams.len() <= MAX_WAITERS);
    }
}

#[test]
fn requests_with_one_token_share_a_flight() {
    let mut flights = Flights::default();
    assert_eq!(flights.ride(1, 1), Ok(false));
    assert_eq!(flights.ride(1, 2), Ok(true));
    assert_eq!(flights.ride(2, 3), Ok(false));
    assert_eq!(flights.take_queued(), [digest(1), digest(2)]);
    assert!(!flights.has_queued());
    assert_eq!(flights.ride(1, 4), Ok(true), "a flight under way is boarded too");
    assert!(!flights.has_queued());
    let closed = flights.close(&digest(1)).unwrap();
    assert_eq!(closed.waiters.iter().map(|waiter| waiter.stream.0).collect::<Vec<_>>(), [1, 2, 4]);
    assert!(!flights.contains(&digest(1)));
    assert!(flights.close(&digest(1)).is_none());
    flights.check();
}

#[test]
fn a_request_counts_until_its_end_is_carried_out_or_it_is_gone() {
    let mut flights = Flights::default();
    for stream in 0..MAX_WAITERS {
        flights.ride(1, stream).unwrap();
    }
    flights.close(&digest(1));
    assert_eq!(flights.ride(2, MAX_WAITERS), Err(Full));
    assert_eq!((flights.dismiss(StreamId(1)), flights.dismiss(StreamId(1))), (true, false));
    flights.leave(StreamId(2));
    assert!(!flights.dismiss(StreamId(2)), "nothing is done to one that is gone");
    assert_eq!(flights.ride(2, MAX_WAITERS), Ok(false));
    assert_eq!(flights.streams.len(), MAX_WAITERS - 1);
}

#[test]
fn the_answer_is_wanted_under_every_key_that_asked() {
    let mut flights = Flights::default();
    for (stream, key) in [(1, 5), (2, 6), (3, 5)] {
        flights.board(digest(1), waiter(stream, key), false, || flight(key)).unwrap();
    }
    assert_eq!(flights.open(digest(1), 7, false, || panic!("it is open")), Ok(true));
    assert_eq!(flights.close(&digest(1)).unwrap().keys, [5, 6, 7]);
}

#[test]
fn a_renewal_flies_without_waiters_and_takes_them_up() {
    let mut flights = Flights::default();
    assert_eq!(flights.open(digest(1), 1, true, || flight(1)), Ok(false));
    assert_eq!(flights.ride(1, 1), Ok(true));
    assert_eq!(flights.close(&digest(1)).unwrap().waiters.len(), 1);
    flights.check();
}

#[test]
fn no_more_tokens_are_asked_about_than_memory_is_meant_for() {
    let mut flights = Flights::default();
    for token in 0..MAX_FLIGHTS {
        assert_eq!(flights.ride(token, token), Ok(false));
    }
    assert_eq!(flights.ride(MAX_FLIGHTS, MAX_FLIGHTS), Err(Full));
    assert_eq!(flights.open(digest(MAX_FLIGHTS), 1, false, || flight(1)), Err(Full));
    assert_eq!(flights.ride(0, MAX_FLIGHTS), Ok(true), "those under way take more requests");
    flights.check();
    flights.close(&digest(0));
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
    assert!(!flights.contains(&digest(9)), "nobody could board: nothing is asked");
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
        assert_eq!(flights.board(digest(token), waiter(token, 1), true, || flight(1)), Ok(false));
    }
    assert_eq!(flights.open(digest(most), 1, true, || flight(1)), Err(Full), "that has an end too");
    // So it is with those who wait.
    for stream in flights.streams.len()..MAX_WAITERS {
        flights.ride(0, stream + 10_000).unwrap();
    }
    assert_eq!(flights.ride(0, 30_000), Err(Full));
    for stream in 0..MAX_WAITERS / 4 {
        assert_eq!(flights.ride(MAX_FLIGHTS, 40_000 + stream), Ok(true), "its flight knows");
    }
    assert_eq!(flights.board(digest(MAX_FLIGHTS), waiter(50_000, 1), true, || flight(1)), Err(Full));
    assert_eq!((flights.flights.len(), flights.streams.len()), (most, MAX_WAITERS + MAX_WAITERS / 4));
}

#[test]
fn a_flight_is_taken_up_again_with_those_who_are_left() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.ride(1, 2).unwrap();
    flights.take_queued();
    let mut closed = flights.close(&digest(1)).unwrap();
    closed.waiters.remove(0);
    flights.reopen(digest(1), closed);
    flights.check();
    flights.leave(StreamId(2));
    assert_eq!(flights.close(&digest(1)).unwrap().waiters, []);
    assert!(flights.is_idle());
}

#[test]
fn a_flight_goes_on_without_its_first_passenger() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.leave(StreamId(1));
    flights.leave(StreamId(1));
    assert!(flights.contains(&digest(1)));
    assert_eq!(flights.take_queued(), [digest(1)]);
    assert_eq!(flights.close(&digest(1)).unwrap().waiters, []);
    assert!(flights.is_idle());
}

#[test]
fn a_call_lands_once_and_never_after_its_flight_has_ended() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.take_queued();
    flights.calling(&digest(1), CallId(7), 0, NOW, true);
    assert_eq!(flights.calls(), 1);
    assert_eq!(flights.landed(CallId(7)), Some(digest(1)));
    assert_eq!(flights.landed(CallId(7)), None);
    flights.calling(&digest(1), CallId(8), 1, NOW, true);
    flights.close(&digest(1));
    assert_eq!((flights.landed(CallId(8)), flights.calls()), (None, 0));
    flights.calling(&digest(1), CallId(9), 0, NOW, true);
    assert_eq!(flights.calls(), 0, "no call without a flight");
    assert!(flights.is_idle());
}

#[test]
fn flights_are_picked_by_their_state() {
    let mut flights = Flights::default();
    flights.ride(1, 1).unwrap();
    flights.ride(2, 2).unwrap();
    flights.calling(&digest(2), CallId(1), 0, NOW, false);
    assert_eq!(flights.select(|flight| flight.phase == Phase::Queued { leads: true }), [digest(1)]);
    assert_eq!(flights.select(|flight| NOW >= flight.deadline), [[0; 32]; 0]);
    assert_eq!(flight(1).time_left(NOW.plus(Duration::from_secs(2))), Duration::from_secs(1));
    assert_eq!(flight(1).time_left(NOW.plus(Duration::from_secs(9))), Duration::ZERO);
}

#[derive(Clone, Debug)]
enum Operation {
    Board(usize, u16),
    Open(usize),
    Leave(usize),
    TakeOff { leads: bool },
    Land { and_retry: bool },
    Close(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..6_usize, 1..4_u16).prop_map(|(token, key)| Operation::Board(token, key)),
        1 => (0..6_usize).prop_map(Operation::Open),
        3 => (0..60_usize).prop_map(Operation::Leave),
        3 => any::<bool>().prop_map(|leads| Operation::TakeOff { leads }),
        3 => any::<bool>().prop_map(|and_retry| Operation::Land { and_retry }),
        2 => (0..6_usize).prop_map(Operation::Close),
    ]
}

proptest! {
    #[test]
    fn nothing_leaks_whatever_happens(operations in prop::collection::vec(operation(), 0..120)) {
        let mut flights = Flights::default();
        let (mut streams, mut calls) = (0, 0);
        for operation in operations {
            match operation {
                Operation::Board(token, key) => {
                    streams += 1;
                    flights.board(digest(token), waiter(streams, key), false, || flight(key)).unwrap();
                }
                Operation::Open(token) => {
                    flights.open(digest(token), 1, false, || flight(1)).unwrap();
                }
                Operation::Leave(stream) => flights.leave(StreamId(u32::try_from(stream).unwrap())),
                Operation::TakeOff { leads } => {
                    for digest in flights.take_queued() {
                        calls += 1;
                        flights.calling(&digest, CallId(calls), 0, NOW, leads);
                    }
                }
                Operation::Land { and_retry } => {
                    let call = flights.calls.keys().min().copied();
                    if let Some(digest) = call.and_then(|call| flights.landed(call)) {
                        if and_retry {
                            calls += 1;
                            flights.calling(&digest, CallId(calls), 1, NOW, false);
                        } else {
                            prop_assert!(flights.close(&digest).is_some());
                        }
                    }
                }
                Operation::Close(token) => {
                    flights.close(&digest(token));
                }
            }
            flights.check();
        }
        for digest in flights.select(|_| true) {
            flights.close(&digest);
        }
        prop_assert!(flights.is_idle());
    }
}
