//! Everything at once, for as long as one likes: callers of four kinds of tokens over HTTP/1 and HTTP/2, some of whom hang
//! up, and floods of tokens that nobody knows; servers that fail in every way, stall, and come back elsewhere; contracts that
//! change; new configurations, broken ones among them; VMs that are lost, or panics natively. In between calm, in which
//! nobody whose token is good may be refused. A judge reads every record: what reached the upstream, what callers were
//! told, and when.
//!
//! `TESSERA_CHAOS_SECONDS=600` is what `make chaos` runs; `TESSERA_CHAOS_SEED` selects another chaos.

mod callers;
mod fatal;
mod judge;
mod trouble;

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Connection, Request};
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::EnvoyBuilder;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::faulty::Faulty;
use crate::harness::gateway::introspection;
use crate::harness::recorder::Recorder;
use callers::{Callers, Record};
use judge::Judge;
use trouble::Trouble;

const WORKERS: usize = 4;
const CALLERS: u64 = 4;
/// So many connections at once that some come to each worker, whoever else calls: Envoy gives each to the worker that has
/// fewest.
const EVERYWHERE: usize = 24;
pub const TARGET: &str = "/v1/contracts";
/// What every configuration promises at most.
pub const MAX_TTL: Duration = Duration::from_secs(2);
/// One attempt of two; long enough for a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The trouble, and the calm, of one round.
const ROUND: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(2)];
/// Tokens that nobody knows in one flood: more than a worker introspects at a time.
const FLOOD: usize = 2500;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The configuration of a round: each differs from the one before.
fn configuration(round: u64) -> Value {
    let ttl = [2000, 1500, 700][round as usize % 3];
    json!({
        "providers": [{"name": "main", "introspection": introspection("idp", json!({"timeout": "5s", "retries": 1}))}],
        "apis": [
            {"id": "orders", "match": {"paths": ["/orders/"]}},
            {"id": "users", "match": {"paths": ["/users/"]}, "contract": "none", "upstream": {"forward_token": false}},
        ],
        "cache": {"max_ttl": format!("{ttl}ms"), "negative_ttl": "1s", "entries": 1000 + round % 3},
        "contracts": {"source": {
            "url": format!("http://contracts.example.com{TARGET}"), "cluster": "contracts", "refresh": "500ms",
            "timeout": "5s",
        }},
    })
}

pub struct Scene {
    pub envoy: Envoy,
    pub server: AuthorizationServer,
    pub source: DocumentSource,
    pub upstream: Recorder,
    faulty: Faulty,
}

impl Scene {
    fn builder(faulty: &Faulty, plugin: &Value, upstream: &Recorder) -> EnvoyBuilder {
        let builder = faulty.plugin(Envoy::builder().workers(WORKERS), plugin);
        // Who waits in a VM that is lost is ended by Envoy alone, and only after that long.
        let builder = builder.connection_manager_has(json!({
            "access_log": [], "stream_idle_timeout": "15s",
            "http2_protocol_options": {"max_concurrent_streams": 20_000},
        }));
        builder.route_to(upstream.port()).quiet().reloadable().drained_after(2)
    }

    #[track_caller]
    fn start() -> Self {
        let (server, source, upstream) =
            (AuthorizationServer::start(), DocumentSource::start(), Recorder::of_requests());
        trouble::serve_contracts(&source, 0);
        let faulty = Faulty::new();
        let builder = Self::builder(&faulty, &configuration(0), &upstream).movable_cluster("idp", server.port());
        let builder = builder.movable_cluster("contracts", source.port()).any_number_of_requests();
        let envoy = builder.most_connections("upstream", 64).most_connections("idp", 192).start();
        Self { envoy, server, source, upstream, faulty }
    }

    /// Another configuration, and whether Envoy takes it.
    #[track_caller]
    pub fn reload(&self, plugin: &Value) -> bool {
        self.envoy.reload(&Self::builder(&self.faulty, plugin, &self.upstream)).is_ok()
    }

    /// Everybody whose token is good gets through, in every worker.
    #[track_caller]
    fn await_calm(&self, judge: &Judge) {
        let passes = |connection: &mut Connection, token: &str| {
            let request = Request::get("/orders/calm").bearer(token).header("x-number", "0");
            let written = connection.write(&request.encode());
            written.and_then(|()| connection.read_response()).is_ok_and(|response| response.status == 200)
        };
        eventually(SOON, "good tokens passing", || {
            let connections: Result<Vec<_>, _> = (0..EVERYWHERE).map(|_| Connection::open(self.envoy.port())).collect();
            let mut connections = connections.ok()?;
            let everywhere = |token: &String| connections.iter_mut().all(|connection| passes(connection, token));
            judge.good().iter().all(everywhere).then_some(())
        });
    }
}

#[test]
fn nothing_passes_that_should_not_and_nobody_is_left_waiting() {
    let (seconds, seed) = (number("TESSERA_CHAOS_SECONDS", 12), number("TESSERA_CHAOS_SEED", 1));
    let span = Duration::from_secs(seconds);
    let scene = Scene::start();
    let judge = Arc::new(Judge::new(&scene.server));
    scene.await_calm(&judge);
    scene.upstream.take_arrivals();
    let over = Arc::new(AtomicBool::new(false));
    let records: Arc<Mutex<Vec<Record>>> = Arc::default();
    let began = Instant::now();
    let (mut losses, mut floods) = (Vec::new(), [0, 0]);
    thread::scope(|scope| {
        let callers = Callers { port: scene.envoy.port(), judge: &judge, over: &over, records: &records };
        let mut threads: Vec<_> = (0..CALLERS).map(|number| scope.spawn(move || callers.call(number, seed))).collect();
        // Ends with its sender.
        let (flood, ordered) = mpsc::channel::<Vec<String>>();
        threads.push(scope.spawn(move || ordered.into_iter().for_each(|tokens| callers.flood(tokens))));
        // Callers have to hear of the end, also of an end by a panic.
        let stop = Stop(&over);
        let mut trouble = Trouble::new(seed, &scene, callers, flood);
        let mut round = 0;
        while round == 0 || began.elapsed() + ROUND[0] + ROUND[1] <= span {
            round += 1;
            trouble.make(ROUND[0]);
            assert!(scene.reload(&configuration(round)), "a good configuration is refused");
            assert!(!scene.reload(&json!({"providers": []})), "a broken configuration is taken");
            trouble.end();
            scene.await_calm(&judge);
            let calm = Instant::now();
            floods[usize::from(trouble.flood())] += 1;
            eventually(SOON, "the time", || (calm.elapsed() >= ROUND[1]).then_some(()));
            judge.was_calm(calm, Instant::now());
            losses.push(fatal::lose_one(callers));
            judge.read(&scene.upstream.take_arrivals());
        }
        drop((stop, trouble));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    for name in ["http.ingress.downstream_rq_active", "cluster.upstream.upstream_rq_active"] {
        eventually(SOON, &format!("{name} being 0"), || (scene.envoy.stat(name) == Some(0)).then_some(()));
    }
    judge.read(&scene.upstream.take_arrivals());
    judge.conclude(&records.lock().unwrap(), seed);
    fatal::judge(&scene.envoy, &losses);
    eprintln!("{} of {} floods while all was calm were too much for a worker", floods[1], losses.len());
    assert!(floods[1] > 0);
}

/// Tells the callers to stop.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
