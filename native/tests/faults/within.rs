//! Envoy calls the module back within what the module calls, as it does when something ends just then.

use super::envoy::{Filter, Within, asked, destroy, has_happened, meanwhile, turn};
use super::{Config, PATIENCE, Request};
use std::thread;
use std::time::Instant;

const GOOD: &[u8] = br#"{"active":true,"client_id":"portal"}"#;
const BAD: &[u8] = br#"{"active":false}"#;

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// Everything of Envoy's is given back, be it a moment later on the thread of the clock.
#[track_caller]
fn assert_gone() {
    assert!(has_happened());
    eventually("something of Envoy's is kept", || asked(|asked| asked.schedulers == 0));
}

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {token}"))]
}

/// A request that waits for its token, and the number of the call about it, which is the `count`th.
fn waiting(config: &Config, token: &str, count: usize) -> (Request, u64) {
    let [(name, value)] = bearer(token);
    let (request, passes) = Request::new(config, 0, &[(name, &value)]);
    assert!(!passes && request.filter().reply.is_none());
    config.await_calls(count);
    (request, asked(|asked| asked.calls[count - 1].0))
}

/// The request is destroyed, and with it goes the last who needs its configuration.
fn ends(request: &Request, config: Config) -> impl FnOnce() + Send + use<> {
    let filter = request.filter as usize;
    move || {
        destroy(filter as *mut Filter);
        config.end();
    }
}

#[test]
fn a_configuration_ends_within_a_tick() {
    let _turn = turn();
    let config = Config::new();
    meanwhile(Within::Commit, move || config.end());
    eventually("no tick comes", has_happened);
    assert_gone();
    config.run();
}

#[test]
fn a_configuration_ends_within_what_an_answer_posts() {
    let _turn = turn();
    let config = Config::new();
    let (request, number) = waiting(&config, "within", 1);
    request.end();
    meanwhile(Within::Commit, move || config.end());
    config.hand_over(number, GOOD);
    assert_gone();
    config.run();
}

#[test]
fn a_configuration_ends_within_what_another_tells_it() {
    let _turn = turn();
    let (asks, follows) = (Config::new(), Config::new());
    let (request, number) = waiting(&asks, "told", 1);
    let [(name, value)] = bearer("told");
    let (follower, passes) = Request::new(&follows, 1, &[(name, &value)]);
    assert!(!passes);
    // Its question goes on without it.
    follower.end();
    asks.hand_over(number, GOOD);
    meanwhile(Within::Commit, move || follows.end());
    asks.run();
    eventually("it does not end", has_happened);
    request.wake();
    assert!(request.filter().is_resumed);
    request.end();
    asks.end();
    assert_gone();
}

#[test]
fn a_request_and_its_configuration_end_within_a_reply() {
    let _turn = turn();
    for (headers, reply) in [
        (&[][..], (401, "tessera.missing_token")),
        (&[("x-fault", "1")], (500, "tessera.internal_error")),
        (&[("authorization", "Bearer new"), ("x-fault", "late")], (500, "tessera.internal_error")),
    ] {
        let config = Config::new();
        let request = Request::begun(&config, 0, headers);
        meanwhile(Within::Reply, ends(&request, config));
        assert!(!request.passes());
        assert_eq!(request.filter().reply, Some((reply.0, reply.1.to_owned())));
        request.end();
        assert_gone();
    }
}

#[test]
fn a_request_that_waited_ends_with_its_configuration_within_its_reply_or_as_it_goes_on() {
    let _turn = turn();
    for (within, answer) in [(Within::Reply, BAD), (Within::Resume, GOOD)] {
        let config = Config::new();
        asked(|asked| asked.calls.clear());
        let (request, number) = waiting(&config, "waits", 1);
        config.answer(number, answer);
        assert!(request.is_woken());
        meanwhile(within, ends(&request, config));
        request.wake();
        assert_eq!(request.filter().is_resumed, within == Within::Resume);
        assert_eq!(request.filter().reply.is_some(), within == Within::Reply);
        // Posted to it once more.
        request.wake();
        request.end();
        assert_gone();
    }
}

#[test]
fn calls_break_off_and_requests_come_while_another_call_is_sent() {
    let _turn = turn();
    let config = Config::new();
    let (first, number) = waiting(&config, "first", 1);
    meanwhile(Within::Callout, move || {
        config.break_off(number);
        // What was posted comes before the call is sent, too.
        config.run();
        let refused = thread::spawn(move || {
            let (request, passes) = Request::new(&config, 1, &[]);
            let reply = request.filter().reply.clone();
            request.end();
            (passes, reply)
        });
        assert_eq!(refused.join().unwrap(), (false, Some((401, "tessera.missing_token".to_owned()))));
    });
    let (second, number) = waiting(&config, "second", 2);
    config.answer(number, GOOD);
    // The one that broke off is made again.
    config.await_calls(3);
    config.answer(asked(|asked| asked.calls[2].0), GOOD);
    for request in [first, second] {
        assert!(request.is_woken(), "it is left waiting");
        request.wake();
        assert!(request.filter().is_resumed);
        request.end();
    }
    config.end();
    assert_gone();
}
