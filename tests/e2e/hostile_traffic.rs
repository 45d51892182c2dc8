//! Random requests by somebody who knows the configuration, over HTTP/1 and HTTP/2, and a second opinion on each one that
//! reached the upstream: that it was allowed to, and as who.

mod generator;
mod judge;
pub mod random;
mod reading;
mod request;
mod scene;

use std::collections::BTreeMap;
use std::env;
use std::thread;

use generator::Generator;
use judge::{Api, Judge, Passed};
use random::Random;
use request::{NUMBER, Sent};
use scene::{Policy, Scene, Token};

use crate::harness::client::Connection;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::http2_frames::Http2;

/// For each of the three tests.
const REQUESTS: &str = "TESSERA_HOSTILE_REQUESTS";
const SEED: &str = "TESSERA_HOSTILE_SEED";

/// Between two looks at what has arrived.
const ROUND: usize = 4000;
/// Callers of each protocol, each with connections of its own.
const CALLERS: usize = 3;
/// HTTP/2 streams that a caller has open at once.
const STREAMS: usize = 50;

fn number_from(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// What became of it: Envoy's status, 0 for a stream that was reset.
type Answered = (Sent, u16);

#[track_caller]
fn attack(policy: Policy) {
    let scene = Scene::start(policy);
    let count = number_from(REQUESTS, 4000) as usize;
    let seed = number_from(SEED, 1);
    let mut random = Random::seeded(seed);
    let judge = Judge { policy, tokens: &scene.tokens };
    let mut passed: BTreeMap<Passed, usize> = BTreeMap::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for round in 0..count.div_ceil(ROUND) {
        let answered = send(&scene, &mut random, ROUND.min(count - round * ROUND));
        for name in ["http.ingress.downstream_rq_active", "cluster.upstream.upstream_rq_active"] {
            eventually(SOON, &format!("{name} being 0"), || (scene.envoy.stat(name) == Some(0)).then_some(()));
        }
        let mut arrivals = BTreeMap::new();
        for arrival in scene.upstream.take_arrivals() {
            let number: usize = arrival.headers.only(NUMBER).expect("a number").parse().expect("a number");
            assert!(arrivals.insert(number, arrival).is_none(), "seed {seed}: request {number} arrived twice");
        }
        let mut complaints = Vec::new();
        for (sent, status) in answered {
            *statuses.entry(status).or_default() += 1;
            let verdict = arrivals.remove(&sent.number).map(|arrived| (judge.judge(&sent, &arrived), arrived));
            match verdict {
                Some((Ok(rule), _)) => *passed.entry(rule).or_default() += 1,
                Some((Err(why), arrived)) => complaints.push((why, format!("{sent:?}\n  arrived as {arrived:?}"))),
                None if sent.is_good || status == 200 => {
                    complaints.push((format!("no arrival, {status}"), format!("{sent:?}")))
                }
                None => {}
            }
        }
        assert!(complaints.is_empty(), "{policy:?}, seed {seed}: {}", told(&complaints));
        assert!(arrivals.is_empty(), "seed {seed}: requests that nobody sent: {arrivals:?}");
    }
    eprintln!("{policy:?}, seed {seed}: {statuses:?}, {passed:?}");
    // Each way through has been taken, so each had its chance to fail.
    let public = [Api::Orders, Api::Users].map(Passed::Public).into_iter();
    let allowed = [Api::Orders, Api::Users, Api::Files, Api::Open].map(Passed::Allowed);
    for rule in public.chain(allowed).chain([Passed::Anonymous]) {
        assert!(passed.contains_key(&rule), "seed {seed}: nothing passed as {rule:?}");
    }
    assert_eq!(passed.contains_key(&Passed::Unmatched), policy.unmatched_pass);
    let in_flight = || scene.envoy.stat("wasmcustom.tessera_in_flight");
    eventually(SOON, "no call left", || (in_flight() == Some(0)).then_some(()));
    scene.envoy.assert_no_vm_reload();
}

/// How often there was something to complain of, and an example of each kind.
fn told(complaints: &[(String, String)]) -> String {
    let mut kinds: BTreeMap<&str, (usize, &str, &str)> = BTreeMap::new();
    for (why, request) in complaints {
        // What follows are names and values.
        let kind = why.split(['[', '"', '{']).next().unwrap_or_default();
        kinds.entry(kind).or_insert((0, why, request)).0 += 1;
    }
    let kinds = kinds.into_values().map(|(count, why, request)| format!("\n{count} times, such as {why}\n  {request}"));
    kinds.collect()
}

/// Sends so many, half of them over each protocol; every one is answered.
fn send(scene: &Scene, random: &mut Random, count: usize) -> Vec<Answered> {
    let share = count.div_ceil(2 * CALLERS);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..2 * CALLERS)
            .map(|caller| {
                let (tokens, http2): (&[Token], _) = (&scene.tokens, caller % 2 == 1);
                let mut generator = Generator { random: Random::seeded(random.seed()), tokens, http2 };
                let port = scene.envoy.port();
                scope.spawn(move || {
                    let requests: Vec<_> = (0..share).map(|index| generator.request(caller * share + index)).collect();
                    if http2 { over_http2(port, requests) } else { over_http1(port, requests) }
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

fn over_http1(port: u16, requests: Vec<Sent>) -> Vec<Answered> {
    let mut connection = Connection::open(port).unwrap();
    let answer = |sent: Sent| {
        let bytes = sent.http1();
        let ask = |connection: &mut Connection| {
            connection.write(&bytes)?;
            if sent.method == "HEAD" {
                connection.read_status().map(|status| (status, true))
            } else {
                connection.read_response().map(|response| (response.status, response.closes()))
            }
        };
        // Envoy closes after what it could not read, sometimes while the next one is under way.
        let answered = ask(&mut connection).or_else(|_| {
            connection = Connection::open(port)?;
            ask(&mut connection)
        });
        let (status, closes) = answered.unwrap_or_else(|error| panic!("{error}: {sent:?}"));
        if closes || status == 400 {
            connection = Connection::open(port).unwrap();
        }
        (sent, status)
    };
    requests.into_iter().map(answer).collect()
}

fn over_http2(port: u16, requests: Vec<Sent>) -> Vec<Answered> {
    let mut answered = Vec::new();
    for batch in requests.chunks(STREAMS) {
        let mut connection = Http2::open(port).unwrap();
        let streams: Vec<_> = batch.iter().map(|sent| begin(&mut connection, sent)).collect();
        // Some hang up; whether their requests arrive is open, but as what is not.
        let left = batch.iter().zip(&streams).filter(|(sent, _)| !sent.is_good && sent.number % 16 == 0);
        left.for_each(|(_, stream)| connection.reset(*stream));
        let heard = connection.await_all().unwrap_or_else(|error| panic!("{error}: {:?}", connection.heard()));
        answered.extend(
            batch
                .iter()
                .zip(streams)
                .map(|(sent, stream)| (sent.clone(), heard.get(&stream).map_or(0, |heard| heard.status))),
        );
    }
    answered
}

fn begin(connection: &mut Http2, sent: &Sent) -> u32 {
    let stream = connection.headers(&sent.http2(), sent.body.is_none());
    if let Some(body) = &sent.body {
        connection.data(stream, body, sent.trailers.is_empty());
        if !sent.trailers.is_empty() {
            connection.trailers(stream, &sent.trailers);
        }
    }
    stream
}

#[test]
fn whatever_reaches_the_upstream_was_judged() {
    attack(Policy { unmatched_pass: false, ambiguous_are_literal: false, stop_iteration: false });
}

#[test]
fn so_where_unmatched_requests_pass() {
    attack(Policy { unmatched_pass: true, ambiguous_are_literal: false, stop_iteration: true });
}

#[test]
fn so_where_ambiguous_paths_are_taken_literally() {
    attack(Policy { unmatched_pass: true, ambiguous_are_literal: true, stop_iteration: false });
}
