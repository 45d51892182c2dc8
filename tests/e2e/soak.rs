//! Full load for long, while everything that can be replaced is: tokens, contracts, signing keys, and the configuration.
//! Nobody whose token is good is refused, no request is lost, and nothing grows: neither what Envoy has in memory, nor
//! anything that it counts, nor the time of a request beside that of one which no filter has judged.
//!
//! `TESSERA_SOAK_SECONDS=1800` is what `make soak` runs. What grows is looked at from a minute on.

mod callers;
mod rotation;
mod sizes;

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::introspection;
use crate::harness::recorder::Recorder;
use callers::{BARE, CALLERS, Callers};
use rotation::{ISSUER, Rotation};
use sizes::Sizes;

const WORKERS: usize = 4;
/// From so long on there is something to compare.
const LONG: Duration = Duration::from_secs(60);
/// Between two configurations, in seconds, and in a run that is short.
const RELOADED: [u64; 2] = [20, 2];
/// How much longer a request may take at the end than at the beginning, beside one that no filter has judged.
const SLOWER: f64 = 1.25;

/// Each differs from the one before.
fn configuration(number: u64) -> Value {
    let keys = json!({"url": "http://source.example.com/jwks", "cluster": "source", "refresh": "1s", "timeout": "30s"});
    let source = json!({"url": "http://source.example.com/c", "cluster": "source", "refresh": "1s", "timeout": "30s"});
    json!({
        "providers": [
            {"name": "main", "issuer": "https://main.example.com", "introspection": introspection("idp", json!({}))},
            {"name": "signed", "issuer": ISSUER, "jwt": {"keys": keys, "algorithms": ["ES256"]}},
        ],
        "apis": [{"id": "orders"}],
        "cache": {"max_ttl": format!("{}s", 5 + number % 2), "entries": 1000},
        "contracts": {"source": source},
    })
}

/// The listener with that configuration.
fn listener(number: u64, upstream: &Recorder) -> EnvoyBuilder {
    let builder = Envoy::builder().workers(WORKERS).plugin(configuration(number)).route_to(upstream.port()).bare(BARE);
    builder.connection_manager_has(json!({"access_log": []})).quiet().reloadable().drained_after(10)
}

#[test]
fn nothing_grows_and_nobody_is_refused_however_long_it_runs() {
    let seconds = env::var("TESSERA_SOAK_SECONDS").map_or(6, |text| text.parse().expect("TESSERA_SOAK_SECONDS"));
    let span = Duration::from_secs(seconds);
    let (server, source, upstream) = (AuthorizationServer::start(), DocumentSource::start(), Recorder::of_requests());
    let rotation = Mutex::new(Rotation::start(&server, &source));
    let builder = listener(0, &upstream).cluster("idp", server.port()).cluster("source", source.port());
    let envoy = builder.any_number_of_requests().most_connections("upstream", 128).start();
    let callers = Callers::new(envoy.port(), &rotation);
    callers.await_start();
    let over = AtomicBool::new(false);
    let (mut sizes, mut reloads) = (Sizes::default(), 0);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (callers, over) = (&callers, &over);
            scope.spawn(move || callers.call(caller, || over.load(Ordering::Relaxed)));
        }
        // Callers have to hear of the end, also of an end by a panic.
        let over = Over(&over);
        let began = Instant::now();
        let mut second = 0;
        while began.elapsed() < span {
            second += 1;
            eventually(SOON + span, "the next second", || (began.elapsed().as_secs() >= second).then_some(()));
            rotation.lock().unwrap().turn(second, &server, &source);
            if second % RELOADED[usize::from(span < LONG)] == 0 {
                reloads += 1;
                envoy.reload(&listener(reloads, &upstream)).expect("a good configuration");
            }
            upstream.forget();
            server.forget_calls();
            source.forget_polls();
            sizes.take(began.elapsed(), &envoy);
            callers.assert_none_refused();
        }
        drop(over);
    });
    callers.assert_none_refused();
    let in_flight = || envoy.stat("wasmcustom.tessera_in_flight");
    eventually(SOON, "no call left", || (in_flight() == Some(0)).then_some(()));
    envoy.assert_no_vm_reload();
    eprintln!("{} requests in {span:?}, {reloads} reloads", callers.count());
    assert!(callers.count() > 0 && reloads > 0);
    if span >= LONG {
        let grown = sizes.grown(span);
        let window = LONG.min(span / 6);
        let [early, late] = [(window, 2 * window), (span - window, span)].map(|(from, to)| callers.cost(from, to));
        eprintln!("{}; times a request without the filter: {early:.2} early, {late:.2} late", sizes.told(span));
        assert!(grown.is_empty(), "what grows: {grown:#?}");
        assert!(late <= early * SLOWER, "requests take longer: {early:.2} and {late:.2} times one without the filter");
    }
}

/// Tells the callers to stop.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
