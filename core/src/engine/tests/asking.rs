//! Asking once, telling everybody, and what happens when somebody dies on the way.

use super::super::metrics::Sample as Metric;
use super::*;
use crate::base::http::NoAnswer;

const GOOD: &str = r#"{"active": true, "client_id": "portal"}"#;

/// Begins a request that has to wait; what is to be done about it.
fn begin(worker: &mut Worker, stream: u32, store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
    let (disposition, effects) = worker.request(StreamId(stream), &bearing("t0ken"), store, now);
    assert!(matches!(disposition, Disposition::Waits), "{disposition:?}");
    effects
}

fn call(effects: &[Effect]) -> Option<CallId> {
    effects.iter().find_map(|effect| match effect {
        Effect::Call(id, _) => Some(*id),
        _ => None,
    })
}

fn outcomes(effects: &[Effect]) -> Vec<(u32, Option<Outcome>)> {
    let ending = |effect: &Effect| match effect {
        Effect::End(stream, Ending { verdict: Verdict::Admit(_), .. }) => Some((stream.0, None)),
        Effect::End(stream, Ending { verdict: Verdict::Refuse(refusal, _), .. }) => {
            Some((stream.0, Some(refusal.outcome)))
        }
        _ => None,
    };
    effects.iter().filter_map(ending).collect()
}

/// The messages of `effects` as `to` reads them.
fn deliver(effects: &[Effect], to: &mut Worker, queue: u32, store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
    let mut caused = Vec::new();
    for effect in effects {
        if let Effect::Message(number, message) = effect {
            assert_eq!(*number, queue);
            caused.extend(to.message(message, store, now));
        }
    }
    caused
}

fn counts(worker: &mut Worker) -> Vec<(String, u64)> {
    let mut counts = Vec::new();
    worker.metrics().drain(|sample| {
        if let Metric::Count(name, value) = sample {
            counts.push((name.to_owned(), value));
        }
    });
    counts
}

#[test]
fn the_workers_of_a_process_ask_once() {
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    assert!(begin(&mut one, 2, &store, at(1)).is_empty());
    assert_eq!(call(&begin(&mut two, 3, &store, at(2))), None);
    let sent = one.result(asking, answer(GOOD), &store, at(100));
    assert_eq!(outcomes(&sent), [(1, None), (2, None)]);
    let ended = deliver(&sent, &mut two, 2, &store, at(101));
    assert_eq!(outcomes(&ended), [(3, None)]);
    assert!(one.is_idle() && two.is_idle());
    let names = |counts: Vec<(String, u64)>| -> Vec<String> {
        counts
            .into_iter()
            .filter(|(name, _)| !name.contains("polls"))
            .map(|(name, count)| format!("{name} {count}"))
            .collect()
    };
    assert_eq!(
        names(counts(&mut one)),
        [
            "tessera_requests.outcome.allowed.api.orders 2",
            "tessera_cache.result.miss.level.shared 1",
            "tessera_cache.result.coalesced.level.worker 1",
            "tessera_introspections.provider.main.result.active 1",
        ]
    );
    assert_eq!(
        names(counts(&mut two)),
        ["tessera_requests.outcome.allowed.api.orders 1", "tessera_cache.result.coalesced.level.shared 1",]
    );
}

#[test]
fn a_failure_is_sent_to_those_who_follow() {
    for (result, outcome) in [(status(503), Outcome::ProviderUnavailable), (status(302), Outcome::ProviderError)] {
        let settings = Sample::default().settings();
        let store = MemoryStore::default();
        let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
        let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
        begin(&mut two, 2, &store, at(0));
        let sent = one.result(asking, result, &store, at(10));
        assert_eq!(outcomes(&sent), [(1, Some(outcome))]);
        assert_eq!(outcomes(&deliver(&sent, &mut two, 2, &store, at(11))), [(2, Some(outcome))]);
    }
}

#[test]
fn a_leader_that_dies_is_replaced() {
    let mut sample = Sample::default();
    sample.asked().timeout = Duration::from_secs(3);
    let settings = sample.settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    call(&begin(&mut one, 1, &store, at(0))).unwrap();
    drop(one);
    begin(&mut two, 2, &store, at(0));
    assert_eq!(call(&two.tick(&store, at(999))), None);
    let asking = call(&two.tick(&store, at(1000))).unwrap();
    assert_eq!(outcomes(&two.result(asking, answer(GOOD), &store, at(1100))), [(2, None)]);
    assert!(two.is_idle());
}

#[test]
fn who_followed_a_dead_leader_takes_the_answer_that_another_has_got() {
    let mut sample = Sample::default();
    sample.asked().timeout = Duration::from_secs(3);
    let settings = sample.settings();
    let store = MemoryStore::default();
    let (mut one, mut two, mut three) = (worker(&settings, 1), worker(&settings, 2), worker(&settings, 3));
    call(&begin(&mut one, 1, &store, at(0))).unwrap();
    drop(one);
    begin(&mut two, 2, &store, at(0));
    begin(&mut three, 3, &store, at(0));
    let asking = call(&two.tick(&store, at(1000))).unwrap();
    two.result(asking, answer(GOOD), &store, at(1100));
    // Nobody has told the third, who follows the first.
    let ended = three.tick(&store, at(1200));
    assert_eq!((call(&ended), outcomes(&ended)), (None, vec![(3, None)]));
    assert!(three.is_idle());
}

#[test]
fn a_leader_that_renews_is_waited_for() {
    let mut sample = Sample::default();
    sample.asked().timeout = Duration::from_secs(3);
    let settings = sample.settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    begin(&mut two, 2, &store, at(0));
    for tick in 1..11 {
        assert_eq!(call(&one.tick(&store, at(tick * 250))), None);
        assert_eq!(call(&two.tick(&store, at(tick * 250 + 100))), None);
    }
    let sent = one.result(asking, answer(GOOD), &store, at(2900));
    assert_eq!(outcomes(&deliver(&sent, &mut two, 2, &store, at(2900))), [(2, None)]);
}

#[test]
fn a_call_that_never_ends_is_given_up() {
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    assert_eq!(outcomes(&one.tick(&store, at(1499))), []);
    assert_eq!(outcomes(&one.tick(&store, at(1750))), [(1, Some(Outcome::ProviderUnavailable))]);
    assert!(one.result(asking, answer(GOOD), &store, at(1800)).is_empty(), "nobody waits any more");
    assert!(one.is_idle());
}

#[test]
fn a_call_is_repeated_as_often_as_configured_when_that_may_help() {
    let after = |result: HttpResult, retries: u32| {
        let mut sample = Sample::default();
        sample.asked().retries = retries;
        ask(&mut worker(&sample.settings(), 1), "t0ken", &result, &MemoryStore::default(), at(0))
    };
    let unavailable = Judged::Refused(Outcome::ProviderUnavailable, String::new());
    for result in [HttpResult::Failed(NoAnswer::TimedOut), status(502), status(503), status(504)] {
        for retries in [0, 1, 3] {
            assert_eq!(after(result.clone(), retries), (unavailable.clone(), 1 + retries as usize));
        }
    }
    for result in [status(429), status(500)] {
        assert_eq!(after(result, 3), (unavailable.clone(), 1));
    }
    for result in [status(403), status(302), answer("{}"), answer(r#"{"active":"true"}"#)] {
        assert_eq!(after(result, 3), (Judged::Refused(Outcome::ProviderError, String::new()), 1));
    }
    assert_eq!(after(answer(r#"{"active":false}"#), 3), (Judged::Refused(Outcome::Inactive, String::new()), 1));
}

#[test]
fn word_from_strangers_is_not_heard() {
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    begin(&mut two, 2, &store, at(0));
    let sent = one.result(asking, answer(GOOD), &store, at(1));
    // The one that asks itself takes nobody's word, nor does one that has not asked.
    let mut three = worker(&settings, 2);
    assert!(deliver(&sent, &mut three, 2, &store, at(2)).is_empty());
    assert!(deliver(&sent, &mut one, 2, &store, at(2)).is_empty());
    for message in [&b""[..], b"\x01", b"\x09xyz", &[1; 100]] {
        assert!(two.message(message, &store, at(2)).is_empty());
    }
    assert_eq!(outcomes(&deliver(&sent, &mut two, 2, &store, at(3))), [(2, None)]);
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept_by_who_follows_for_nobody_any_more() {
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let asking = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    begin(&mut two, 2, &store, at(0));
    two.on_stream_gone(StreamId(2));
    let headers = vec![("retry-after".to_owned(), b"2".to_vec())];
    let paused = HttpResult::Answered(HttpAnswer { status: 429, headers, ..HttpAnswer::default() });
    let sent = one.result(asking, paused, &store, at(10));
    assert!(deliver(&sent, &mut two, 2, &store, at(10)).is_empty());
    let unavailable = Judged::Refused(Outcome::ProviderUnavailable, String::new());
    assert_eq!(ask(&mut two, "other", &answer(GOOD), &store, at(2_009)), (unavailable, 0));
    assert_eq!(ask(&mut two, "other", &answer(GOOD), &store, at(2_010)).1, 1);
}

#[test]
fn what_is_stale_serves_only_while_the_server_is_down() {
    let mut sample = Sample::default();
    sample.cache.max_ttl = Duration::from_secs(10);
    sample.cache.stale_if_error = Duration::from_secs(60);
    let settings = sample.settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    let (good, _) = ask(&mut one, "t0ken", &answer(GOOD), &store, at(0));
    assert_eq!(ask(&mut one, "t0ken", &status(503), &store, at(20_000)), (good.clone(), 1));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(20_999)), (good.clone(), 0), "not asked for a second");
    let inactive = Judged::Refused(Outcome::Inactive, String::new());
    assert_eq!(ask(&mut one, "t0ken", &answer(r#"{"active":false}"#), &store, at(21_000)), (inactive, 1));
    let unavailable = Judged::Refused(Outcome::ProviderUnavailable, String::new());
    assert_eq!(ask(&mut one, "t0ken", &status(503), &store, at(40_000)), (unavailable.clone(), 1), "it was revoked");
    // An error is not an outage.
    let mut two = worker(&settings, 2);
    ask(&mut two, "other", &answer(GOOD), &store, at(0));
    let error = Judged::Refused(Outcome::ProviderError, String::new());
    assert_eq!(ask(&mut two, "other", &status(403), &store, at(20_000)), (error, 1));
    assert_eq!(ask(&mut two, "other", &status(503), &store, at(71_000)), (unavailable, 1), "stale has an end");
}

#[test]
fn a_hot_token_is_renewed_before_it_expires_and_nobody_waits() {
    let mut sample = Sample::default();
    sample.cache.max_ttl = Duration::from_secs(100);
    sample.cache.refresh_ahead = true;
    let settings = sample.settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    let (good, _) = ask(&mut one, "t0ken", &answer(GOOD), &store, at(0));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(1_000)), (good.clone(), 0));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(2_000)), (good.clone(), 0));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(89_000)), (good.clone(), 1), "asked ahead of time");
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(150_000)), (good, 0), "and known since then");
}

#[test]
fn more_requests_than_can_wait_are_refused() {
    use super::super::flights::MAX_FLIGHTS;
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    for number in 0..MAX_FLIGHTS {
        let stream = StreamId(u32::try_from(number).unwrap());
        let (disposition, _) = one.request(stream, &bearing(&format!("t{number}")), &store, at(0));
        assert!(matches!(disposition, Disposition::Waits));
    }
    let (disposition, effects) = one.request(StreamId(9999), &bearing("one-more"), &store, at(0));
    let Disposition::Ended(ending) = disposition else { panic!() };
    assert!(effects.is_empty());
    assert_eq!(Judged::by(&ending), Judged::Refused(Outcome::Overloaded, String::new()));
    assert_eq!(outcomes(&one.tick(&store, at(2_000))).len(), MAX_FLIGHTS);
    assert!(one.is_idle());
}

#[test]
fn a_call_goes_out_with_its_request_and_survives_it() {
    let settings = Sample::default().settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    let asking = call(&begin(&mut one, 1, &store, at(0))).expect("a call");
    // The host cannot let it wait after all.
    one.on_host_failure(StreamId(1), None);
    assert!(begin(&mut one, 2, &store, at(1)).is_empty());
    assert_eq!(call(&one.tick(&store, at(250))), None);
    assert_eq!(outcomes(&one.result(asking, answer(GOOD), &store, at(260))), [(2, None)]);
}

#[test]
fn a_call_is_answered_once_and_never_after_its_flight_has_ended() {
    let mut sample = Sample::default();
    sample.asked().retries = 1;
    let settings = sample.settings();
    let store = MemoryStore::default();
    let mut one = worker(&settings, 1);
    let first = call(&begin(&mut one, 1, &store, at(0))).unwrap();
    one.check_calls();
    let second = call(&one.result(first, status(503), &store, at(10))).unwrap();
    assert!(one.result(first, answer(GOOD), &store, at(11)).is_empty());
    one.check_calls();
    assert_eq!(outcomes(&one.tick(&store, at(2_750))), [(1, Some(Outcome::ProviderUnavailable))]);
    assert!(one.is_idle());
    assert!(one.result(second, answer(GOOD), &store, at(2_751)).is_empty());
}

#[test]
fn what_is_not_to_be_kept_puts_an_end_to_what_was() {
    let mut sample = Sample::default();
    sample.cache.negative_ttl = Duration::ZERO;
    sample.cache.max_ttl = Duration::from_secs(100);
    let settings = sample.settings();
    let store = MemoryStore::default();
    ask(&mut worker(&settings, 1), "t0ken", &answer(GOOD), &store, at(0));
    // Another worker asks although the answer is shared, as an operation with a `max_age` does, and learns more.
    let mut strict = Sample { cache: settings.cache.clone(), ..Sample::default() };
    strict.rule.max_age = Some(Duration::from_secs(1));
    let mut two = worker(&strict.settings(), 2);
    let asking = call(&begin(&mut two, 1, &store, at(5_000))).expect("a call");
    two.result(asking, answer(r#"{"active":false}"#), &store, at(5_001));
    let (judged, _) = ask(&mut worker(&settings, 3), "t0ken", &answer(r#"{"active":false}"#), &store, at(6_000));
    assert_eq!(judged, Judged::Refused(Outcome::Inactive, String::new()), "what was learned last holds");
}

#[test]
fn facts_older_than_an_operation_allows_are_asked_for_again() {
    let mut sample = Sample::default();
    sample.rule.max_age = Some(Duration::from_secs(30));
    let settings = sample.settings();
    let store = MemoryStore::default();
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let (good, _) = ask(&mut one, "t0ken", &answer(GOOD), &store, at(0));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(30_000)), (good.clone(), 0));
    assert_eq!(ask(&mut two, "t0ken", &answer(GOOD), &store, at(30_000)), (good.clone(), 0), "from the shared level");
    assert_eq!(ask(&mut two, "t0ken", &answer(GOOD), &store, at(30_001)), (good.clone(), 1));
    assert_eq!(ask(&mut one, "t0ken", &answer(GOOD), &store, at(30_002)), (good, 0), "what the other one learned");
}
