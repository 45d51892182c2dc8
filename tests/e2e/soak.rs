//! Full load for long, while everything that can be rotated is: tokens, contracts, signing keys. Nobody whose token is good
//! is refused, and nothing grows.
//!
//! `TESSERA_SOAK_SECONDS=1800` is what `make soak` runs. Memory is looked at from a minute on.

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gateway::introspection;
use crate::harness::http2_frames::{Http2, field, request};
use crate::harness::recorder::Recorder;
use crate::hostile_traffic::random::Random;
use crate::tokens::{Issuer, KeyKind, KeyPair};

const WORKERS: usize = 4;
const CALLERS: u64 = 4;
/// HTTP/2 streams at once.
const STREAMS: usize = 50;
/// Opaque tokens in use, and how many of them are replaced each second.
const TOKENS: usize = 400;
const REPLACED: usize = 20;
const ISSUER: &str = "https://signed.example.com";
/// From so long on memory has settled.
const LONG: Duration = Duration::from_secs(60);

fn configuration() -> Value {
    let keys = json!({"url": "http://source.example.com/jwks", "cluster": "source", "refresh": "1s", "timeout": "30s"});
    let source = json!({"url": "http://source.example.com/c", "cluster": "source", "refresh": "1s", "timeout": "30s"});
    json!({
        "providers": [
            {"name": "main", "issuer": "https://main.example.com", "introspection": introspection("idp", json!({}))},
            {"name": "signed", "issuer": ISSUER, "jwt": {"keys": keys, "algorithms": ["ES256"]}},
        ],
        "apis": [{"id": "orders"}],
        "cache": {"max_ttl": "5s", "entries": 1000},
        "contracts": {"source": source},
    })
}

/// The tokens that are good now.
struct Rotation {
    issuer: Issuer,
    /// Shown already, and does not sign yet.
    next_key: KeyPair,
    keys: usize,
    tokens: Vec<String>,
    next: usize,
    sets: usize,
}

impl Rotation {
    fn turn(&mut self, server: &AuthorizationServer, source: &DocumentSource, count: usize) {
        for _ in 0..count {
            let token = format!("opaque-{}", self.next);
            server.activate(&token, json!({"client_id": format!("client-{}", self.next % 50)}));
            let place = self.next % TOKENS;
            match self.tokens.get_mut(place) {
                Some(old) => *old = token,
                None => self.tokens.push(token),
            }
            self.next += 1;
        }
        self.sets += 1;
        let rows: Vec<_> = (0..50)
            .map(|n| json!({"api": "orders", "client_id": format!("client-{n}"), "tier": format!("t{}", self.sets)}))
            .chain([json!({"api": "orders", "client_id": "portal"})])
            .collect();
        source.serve("/c", &format!("\"{}\"", self.sets), json!({"contracts": rows}));
        let mut keys = self.issuer.jwks();
        keys["keys"].as_array_mut().expect("keys").push(self.next_key.jwk());
        source.serve("/jwks", &format!("\"{}\"", self.keys), keys);
    }

    /// The key that has been shown signs from now on, and another one is shown.
    fn rotate_key(&mut self) {
        if self.issuer.keys.len() > 2 {
            self.issuer.keys.remove(0);
        }
        let shown = std::mem::replace(&mut self.next_key, KeyPair::generate(KeyKind::P256));
        self.issuer.keys.push(shown);
        self.keys += 1;
    }
}

#[derive(Clone, Copy)]
struct Sample {
    at: Duration,
    resident: u64,
}

#[test]
fn nothing_grows_and_nobody_is_refused_however_long_it_runs() {
    let seconds = env::var("TESSERA_SOAK_SECONDS").map_or(6, |text| text.parse().expect("TESSERA_SOAK_SECONDS"));
    let span = Duration::from_secs(seconds);
    let (server, source, upstream) = (AuthorizationServer::start(), DocumentSource::start(), Recorder::of_requests());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let issuer = Issuer::new(ISSUER, now, &[KeyKind::P256]);
    let next_key = KeyPair::generate(KeyKind::P256);
    let mut rotation = Rotation { issuer, next_key, keys: 0, tokens: Vec::new(), next: 0, sets: 0 };
    rotation.turn(&server, &source, TOKENS);
    let rotation = Mutex::new(rotation);
    let builder = Envoy::builder().workers(WORKERS).plugin(configuration()).route_to(upstream.port()).quiet();
    let builder = builder.cluster("idp", server.port()).cluster("source", source.port()).any_number_of_requests();
    let envoy = builder.most_connections("upstream", 128).start();
    let signed = |issuer: &Issuer| issuer.token("ES256", json!({"exp": now + 86_400, "aud": null}));
    let over = AtomicBool::new(false);
    let batches: Mutex<Vec<(Duration, Duration)>> = Mutex::default();
    let refused: Mutex<BTreeMap<u16, usize>> = Mutex::default();
    let mut samples = Vec::new();
    let began = Instant::now();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (rotation, batches, refused, over, envoy) = (&rotation, &batches, &refused, &over, &envoy);
            scope.spawn(move || {
                let mut random = Random::seeded(caller);
                while !over.load(Ordering::Relaxed) {
                    let tokens: Vec<String> = {
                        let rotation = rotation.lock().unwrap();
                        let jwt = signed(&rotation.issuer);
                        let opaque = |random: &mut Random| rotation.tokens[random.below(TOKENS)].clone();
                        (0..STREAMS).map(|n| if n % 5 == 0 { jwt.clone() } else { opaque(&mut random) }).collect()
                    };
                    let mut connection = Http2::open(envoy.port()).unwrap();
                    let sent = Instant::now();
                    for token in tokens {
                        let mut fields = request("GET", "/orders/1");
                        fields.push(field("authorization", format!("Bearer {token}")));
                        connection.headers(&fields, true);
                    }
                    let heard = connection.await_all().unwrap();
                    batches.lock().unwrap().push((began.elapsed(), sent.elapsed()));
                    for heard in heard.values().filter(|heard| heard.status != 200) {
                        *refused.lock().unwrap().entry(heard.status).or_default() += 1;
                    }
                }
            });
        }
        let mut second = 0;
        while began.elapsed() < span {
            second += 1;
            eventually(SOON + span, "the next second", || (began.elapsed().as_secs() >= second).then_some(()));
            let mut rotation = rotation.lock().unwrap();
            if second % 10 == 0 {
                rotation.rotate_key();
            }
            rotation.turn(&server, &source, REPLACED);
            drop(rotation);
            upstream.forget();
            samples.push(Sample { at: began.elapsed(), resident: envoy.resident_bytes() });
        }
        over.store(true, Ordering::Relaxed);
    });
    let refused = refused.into_inner().unwrap();
    assert!(refused.is_empty(), "good tokens were refused: {refused:?}");
    let batches = batches.into_inner().unwrap();
    assert!(batches.len() >= WORKERS, "there was no load");
    let in_flight = || envoy.stat("wasmcustom.tessera_in_flight");
    eventually(SOON, "no call left", || (in_flight() == Some(0)).then_some(()));
    envoy.assert_no_vm_reload();
    eprintln!("{} requests in {:?}", batches.len() * STREAMS, began.elapsed());
    if span >= LONG {
        assert_settled(&samples, &batches, span);
    }
}

/// The last quarter needs no more memory than the one before. Times are told: a machine that does something else beside
/// would fail on them.
fn assert_settled(samples: &[Sample], batches: &[(Duration, Duration)], span: Duration) {
    let most = |from: f64, to: f64| {
        let within = |sample: &&Sample| (span.mul_f64(from)..span.mul_f64(to)).contains(&sample.at);
        samples.iter().filter(within).map(|sample| sample.resident).max().expect("a sample")
    };
    let median = |from: f64, to: f64| {
        let within = |batch: &&(Duration, Duration)| (span.mul_f64(from)..span.mul_f64(to)).contains(&batch.0);
        let mut times: Vec<_> = batches.iter().filter(within).map(|(_, took)| *took).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let memory = [(0.25, 0.5), (0.5, 0.75), (0.75, 1.0)].map(|(from, to)| most(from, to) >> 20);
    let latency = [(0.1, 0.2), (0.9, 1.0)].map(|(from, to)| median(from, to));
    eprintln!("MiB in the second, third and last quarter: {memory:?}; median of a batch, early and late: {latency:?}");
    assert!(memory[2] <= memory[1] + memory[1] / 50 + 2, "memory grows: {memory:?} MiB");
}
