//! A token whose question failed is left alone for a second; a server that asks for it (`Retry-After`), as long as it
//! asks.

use crate::caller::{A_PAUSE, A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, Process, START, Worker};
use crate::{process, worker};
use serde_json::{Value, json};
use std::time::Duration;

const PORTAL: &str = r#"{"active":true,"client_id":"portal"}"#;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(process: &Process, seconds: u64) {
    process.set_clock(Duration::from_secs(START + seconds));
}

fn start(process: &Process, change: Value) -> Worker {
    process.worker(&configuration(change)).expect("a configuration that is accepted")
}

/// Asks about the token, and the server answers with this status and this `Retry-After`.
#[track_caller]
fn refuse(worker: &Worker, token: &str, status: u16, retry_after: &str) -> Outcome {
    let stream = worker.bearer(token);
    worker.answer(worker.callout().id, status, &[("retry-after", retry_after)], "");
    worker.outcome(stream)
}

/// `Retry-After` of a refusal as `provider_unavailable`.
#[track_caller]
fn told(outcome: &Outcome) -> String {
    assert_eq!((outcome.status(), outcome.error().as_str()), (Some(503), "temporarily_unavailable"));
    outcome.reply().headers.text("retry-after").expect("a time").to_owned()
}

#[test]
fn a_token_whose_question_failed_is_asked_about_once_a_second() {
    for (status, body, expected) in [(500, "", 503), (429, "", 503), (200, "<html>", 502), (401, "", 502)] {
        let process = process();
        let worker = start(&process, json!({}));
        for calls in 1..4 {
            let stream = worker.bearer("abc");
            worker.answer(worker.callout().id, status, &[("x", "y")], body);
            assert_eq!(worker.outcome(stream).status(), Some(expected));
            for _ in 0..20 {
                assert_eq!(worker.known("abc").status(), Some(expected), "without a question");
            }
            worker.advance(ms(999));
            assert_eq!(worker.known("abc").status(), Some(expected));
            assert_eq!(worker.sent_callouts().len(), calls);
            worker.advance(ms(1));
        }
        assert!(worker.asked("abc", PORTAL).passed(), "and no longer than that");
        worker.advance(A_TICK);
        assert_eq!(process.metric("tessera_cache.result.coalesced.level.worker"), 63);
    }
}

#[test]
fn so_it_is_for_calls_that_time_out_or_cannot_be_sent() {
    let process = process();
    let worker = start(&process, json!({}));
    let silent = worker.bearer("abc");
    worker.advance(ms(2100));
    assert_eq!(worker.outcome(silent).status(), Some(503));
    assert_eq!(worker.known("abc").status(), Some(503));
    process.set_cluster("idp", false);
    assert_eq!(worker.outcome(worker.bearer("def")).status(), Some(503));
    process.set_cluster("idp", true);
    assert_eq!(worker.known("def").status(), Some(503));
    worker.advance(A_PAUSE);
    assert!(worker.asked("def", PORTAL).passed());
}

#[test]
fn what_another_worker_has_learned_meanwhile_counts_at_once() {
    let process = process();
    let (one, two) = (start(&process, json!({})), start(&process, json!({})));
    refuse(&one, "abc", 500, "");
    assert!(two.asked("abc", PORTAL).passed());
    assert!(one.known("abc").passed());
}

#[test]
fn a_flood_of_tokens_whose_questions_fail_does_not_make_known_ones_be_asked_about_more_often() {
    let process = process();
    let cache = json!({"entries": 8, "max_ttl": "10s", "stale_if_error": "60s", "refresh_ahead": false});
    let worker = start(&process, json!({"cache": cache}));
    worker.asked("abc", PORTAL);
    at(&process, 10);
    refuse(&worker, "abc", 500, "");
    for number in 0..3000 {
        refuse(&worker, &format!("stranger-{number}"), 500, "");
    }
    assert!(worker.known("abc").passed(), "on stale facts, without a question");
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_and_callers_are_told_for_how_long() {
    for status in [429, 503] {
        let worker = worker(&configuration(json!({"providers": [provider(json!({"introspection": {"retries": 2}}))]})));
        assert_eq!(told(&refuse(&worker, "abc", status, "3")), "3");
        assert_eq!(worker.sent_callouts().len(), 1, "no retries");
        assert_eq!(told(&worker.known("def")), "3");
        worker.advance(ms(999));
        assert_eq!(told(&worker.known("ghi")), "3", "rounded up");
        worker.advance(ms(1));
        assert_eq!(told(&worker.known("abc")), "2");
        worker.advance(ms(1999));
        assert_eq!(told(&worker.known("abc")), "1", "at least one");
        worker.advance(ms(1));
        assert!(worker.asked("abc", PORTAL).passed());
        assert!(worker.asked("def", PORTAL).passed());
    }
}

#[test]
fn it_may_ask_for_ten_seconds_at_most_in_seconds_or_with_a_date() {
    let process = process();
    let worker = start(&process, json!({}));
    assert_eq!(told(&refuse(&worker, "abc", 429, "86400")), "10");
    worker.advance(Duration::from_secs(10));
    // Two seconds from then: the clock of the tests starts with the year 2026.
    assert_eq!(told(&refuse(&worker, "abc", 503, "Thu, 01 Jan 2026 00:00:12 GMT")), "2");
    worker.advance(Duration::from_secs(2));
    assert!(worker.asked("def", PORTAL).passed());
}

#[test]
fn only_a_429_or_503_that_says_so_holds_questions_back() {
    for (status, retry_after) in [(500, "5"), (502, "5"), (403, "5"), (200, "5"), (503, "soon"), (429, "0"), (503, "")]
    {
        let worker = worker(&configuration(json!({})));
        let outcome = refuse(&worker, "abc", status, retry_after);
        if outcome.status() == Some(503) {
            assert_eq!(told(&outcome), "5", "that of the configuration");
        }
        assert!(worker.asked("def", PORTAL).passed(), "{status} {retry_after}");
    }
}

#[test]
fn known_tokens_do_not_notice_and_expired_ones_live_on_stale_facts_if_they_may() {
    for (stale_if_error, expected) in [("60s", None), ("0s", Some(503))] {
        let process = process();
        let cache = json!({"max_ttl": "100s", "stale_if_error": stale_if_error, "refresh_ahead": false});
        let worker = start(&process, json!({"cache": cache}));
        worker.asked("lapsed", PORTAL);
        at(&process, 100);
        worker.asked("known", PORTAL);
        refuse(&worker, "abc", 429, "5");
        assert!(worker.known("known").passed());
        assert_eq!(worker.known("lapsed").status(), expected);
    }
}

#[test]
fn renewals_pause_for_as_long_as_the_server_asks() {
    let process = process();
    let worker = start(&process, json!({"cache": {"max_ttl": "100s"}}));
    worker.asked("hot", PORTAL);
    worker.known("hot");
    at(&process, 81);
    refuse(&worker, "abc", 503, "4");
    worker.known("hot");
    at(&process, 84);
    worker.known("hot");
    at(&process, 85);
    let stream = worker.bearer("hot");
    assert!(worker.outcome(stream).passed());
    assert_eq!(worker.callout().token(), "hot");
}

#[test]
fn renewals_of_other_tokens_pause_for_a_second_after_no_answer_and_not_at_all_after_a_bad_one() {
    let renewed = |fate: fn(&Worker), after: u64| {
        let process = process();
        let worker = start(&process, json!({"cache": {"max_ttl": "100s"}}));
        worker.asked("hot", PORTAL);
        worker.known("hot");
        at(&process, 81);
        worker.bearer("abc");
        fate(&worker);
        worker.advance(ms(after));
        let stream = worker.bearer("hot");
        assert!(worker.outcome(stream).passed());
        worker.callouts().iter().any(|call| call.token() == "hot")
    };
    let no_answer: fn(&Worker) = |worker| worker.fail(worker.callout().id);
    assert_eq!((renewed(no_answer, 999), renewed(no_answer, 1000)), (false, true));
    for bad in [500, 503, 403, 200] {
        let answer: fn(&Worker) = match bad {
            500 => |worker| worker.answer(worker.callout().id, 500, &[("x", "y")], ""),
            503 => |worker| worker.answer(worker.callout().id, 503, &[("x", "y")], ""),
            403 => |worker| worker.answer(worker.callout().id, 403, &[("x", "y")], ""),
            _ => |worker| worker.answer_json(worker.callout().id, "[]"),
        };
        assert!(renewed(answer, 0), "{bad}");
    }
}

#[test]
fn a_token_whose_renewal_failed_is_not_asked_about_for_a_second_either() {
    let process = process();
    let worker = start(&process, json!({"cache": {"max_ttl": "100s"}}));
    worker.asked("hot", PORTAL);
    worker.known("hot");
    at(&process, 81);
    let stream = worker.bearer("hot");
    worker.answer(worker.callout().id, 500, &[("x", "y")], "");
    worker.hang_up(stream);
    worker.known("hot");
    worker.advance(ms(999));
    worker.known("hot");
    worker.advance(ms(1));
    worker.bearer("hot");
    assert_eq!(worker.callout().token(), "hot");
}

#[test]
fn one_providers_wish_is_no_others() {
    let named = |name: &str, cluster: &str| {
        let introspection = json!({"cluster": cluster});
        let issuer = format!("https://{name}.example.com");
        provider(json!({"name": name, "issuer": issuer, "introspection": introspection}))
    };
    let api =
        |id: &str| json!({"id": id, "match": {"paths": [format!("/{id}/")]}, "providers": [id], "contract": "none"});
    // The same server, asked in the name of two clients.
    let mut other = named("other", "idp");
    other["introspection"]["client"]["id"] = json!("another-gateway");
    let configuration = json!({"providers": [named("main", "idp"), other], "apis": [api("main"), api("other")]});
    let worker = worker(&configuration.to_string());
    let ask = |path: &str| worker.request(&[("authorization", "Bearer abc"), (":path", path)]);
    ask("/main/");
    worker.answer(worker.callout().id, 429, &[("retry-after", "5")], "");
    assert_eq!(told(&worker.outcome(ask("/main/"))), "5");
    assert_eq!(worker.outcome(ask("/other/")), Outcome::Paused);
}

#[test]
fn another_worker_asks_for_itself_and_one_that_follows_is_told() {
    let process = process();
    let workers = [0, 1, 2].map(|_| start(&process, json!({})));
    let streams = [workers[0].bearer("abc"), workers[1].bearer("abc")];
    process.advance(ms(10));
    workers[0].answer(workers[0].callout().id, 503, &[("retry-after", "4")], "");
    process.turn_all();
    for (worker, stream) in workers.iter().zip(streams) {
        assert_eq!(told(&worker.outcome(stream)), "4");
    }
    assert!(workers[2].asked("abc", PORTAL).passed(), "it was not told");
}

#[test]
fn what_was_asked_before_is_waited_for() {
    let worker = worker(&configuration(json!({})));
    let first = worker.bearer("abc");
    let asked = worker.callout();
    refuse_of(&worker, "def");
    let second = worker.bearer("abc");
    worker.answer_json(asked.id, PORTAL);
    assert!(worker.outcome(first).passed() && worker.outcome(second).passed());
    worker.hang_up(first);
    worker.hang_up(second);
}

/// As [`refuse`], while another question is under way.
fn refuse_of(worker: &Worker, token: &str) {
    worker.bearer(token);
    let call = worker.callouts().into_iter().find(|call| call.token() == token).expect("a question");
    worker.answer(call.id, 429, &[("retry-after", "5")], "");
}

#[test]
fn retries_and_takeovers_heed_the_wish_too() {
    let retrying = json!({"providers": [provider(json!({"introspection": {"retries": 3}}))]});
    let first = worker(&configuration(retrying));
    let stream = first.bearer("abc");
    let asked = first.callout();
    refuse_of(&first, "def");
    first.answer(asked.id, 502, &[("x", "y")], "");
    assert_eq!(told(&first.outcome(stream)), "5");
    assert!(first.callouts().is_empty());
    // The worker that asks dies, while the one that follows it has been told to wait.
    let process = process();
    let (leader, follower) = (start(&process, json!({})), start(&process, json!({})));
    leader.bearer("abc");
    let stream = follower.bearer("abc");
    drop(leader);
    refuse_of(&follower, "def");
    process.advance(ms(1500));
    assert_eq!(told(&follower.outcome(stream)), "4");
    assert!(follower.callouts().is_empty());
}

#[test]
fn a_clock_that_is_set_back_prolongs_nothing() {
    for back in [1, 3600] {
        let process = process();
        let worker = start(&process, json!({}));
        process.advance(Duration::from_secs(5));
        refuse(&worker, "abc", 429, "10");
        process.advance(Duration::from_secs(5));
        process.set_clock(process.now() - Duration::from_secs(back));
        process.advance(A_TICK);
        assert!(worker.asked("abc", PORTAL).passed(), "{back}");
    }
}

#[test]
fn an_answer_that_is_older_than_an_operation_allows_is_asked_for_again() {
    let process = process();
    let operation = json!({"match": {"methods": ["DELETE"]}, "max_age": "1s"});
    let change = json!({
        "apis": [api(json!({"operations": [operation]}))],
        "providers": [provider(json!({"introspection": {"timeout": "10s"}}))],
    });
    let (asking, following) = (start(&process, change.clone()), start(&process, change));
    let send = |worker: &Worker, method: &str| worker.request(&[(":method", method), ("authorization", "Bearer abc")]);
    let slow = [send(&asking, "GET"), send(&asking, "DELETE")];
    process.advance(ms(1500));
    let joined = [(&asking, send(&asking, "DELETE")), (&following, send(&following, "DELETE"))];
    let content = send(&following, "GET");
    // By now it has been revoked.
    asking.answer_json(asking.callout().id, PORTAL);
    process.turn_all();
    for stream in slow {
        assert!(asking.outcome(stream).passed(), "asked on behalf of both");
    }
    assert!(following.outcome(content).passed());
    for (worker, stream) in &joined {
        assert_eq!(worker.outcome(*stream), Outcome::Paused);
    }
    let calls: Vec<_> = [&asking, &following].into_iter().flat_map(|worker| worker.callouts()).collect();
    assert_eq!(calls.len(), 1, "once for both of them");
    for worker in [&asking, &following] {
        for call in worker.callouts() {
            worker.answer_json(call.id, INACTIVE);
        }
    }
    process.turn_all();
    for (worker, stream) in joined {
        assert_eq!(worker.outcome(stream).status(), Some(401));
    }
}

#[test]
fn who_joins_late_and_is_not_answered_is_refused_in_time() {
    let process = process();
    let operation = json!({"match": {"methods": ["DELETE"]}, "max_age": "1s"});
    let worker = start(&process, json!({"apis": [api(json!({"operations": [operation]}))]}));
    let send = |method: &str| worker.request(&[(":method", method), ("authorization", "Bearer abc")]);
    send("GET");
    process.advance(ms(1500));
    let late = send("DELETE");
    worker.answer_json(worker.callout().id, PORTAL);
    worker.lose(worker.callout().id);
    process.advance(ms(3000));
    assert_eq!(worker.outcome(late).status(), Some(503));
    assert!(worker.known("abc").passed());
}

#[test]
fn who_joins_late_where_the_server_wants_to_be_left_alone_is_refused_at_once() {
    let operation = json!({"match": {"methods": ["DELETE"]}, "max_age": "1s"});
    let worker = worker(&configuration(json!({"apis": [api(json!({"operations": [operation]}))]})));
    let send = |method: &str| worker.request(&[(":method", method), ("authorization", "Bearer abc")]);
    let first = send("GET");
    let asked = worker.callout();
    worker.advance(ms(1500));
    let late = send("DELETE");
    refuse_of(&worker, "def");
    worker.answer_json(asked.id, PORTAL);
    assert!(worker.outcome(first).passed());
    assert_eq!(told(&worker.outcome(late)), "5");
    assert!(worker.callouts().is_empty());
}

#[test]
fn who_is_told_of_an_error_by_a_configuration_with_another_secret_asks_for_itself() {
    let process = process();
    let with_secret =
        |secret: &str| json!({"providers": [provider(json!({"introspection": {"client": {"secret": secret}}}))]});
    let (wrong, right) = (start(&process, with_secret("wrong")), start(&process, with_secret("s3cret")));
    let (mistaken, waiting) = (wrong.bearer("abc"), [right.bearer("abc"), right.bearer("abc")]);
    assert!(right.callouts().is_empty());
    wrong.answer(wrong.callout().id, 401, &[("x", "y")], "");
    process.turn_all();
    assert_eq!(wrong.outcome(mistaken).status(), Some(502));
    right.answer_json(right.callout().id, &active(json!({"client_id": "portal"})));
    for stream in waiting {
        assert!(right.outcome(stream).passed());
        right.hang_up(stream);
    }
    assert!(wrong.known("abc").passed(), "what the right one has learned");
    // It asks once: an answer that is of no use to it either ends the matter.
    wrong.bearer("def");
    let waiting = right.bearer("def");
    wrong.answer(wrong.callout().id, 401, &[("x", "y")], "");
    process.turn_all();
    right.answer(right.callout().id, 401, &[("x", "y")], "");
    assert_eq!(right.outcome(waiting).status(), Some(502));
}
