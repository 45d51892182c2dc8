//! Many callers with one token that nobody knows: the server is asked once, and everybody gets its answer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, introspection};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;

const WORKERS: usize = 4;
const CALLERS: usize = 500;

/// Long enough that no answer in these tests comes from a time limit.
fn configuration() -> Value {
    let introspection = introspection("idp", json!({"timeout": "60s", "retries": 0}));
    json!({"providers": [{"name": "main", "introspection": introspection}], "apis": [{"id": "all"}]})
}

/// Envoy itself answers requests that pass, so that no upstream's time counts.
struct Scene {
    envoy: Envoy,
    server: AuthorizationServer,
}

impl Scene {
    #[track_caller]
    fn start() -> Self {
        let server = AuthorizationServer::start();
        let envoy = Envoy::builder().plugin(configuration()).cluster("idp", server.port()).workers(WORKERS).start();
        Self { envoy, server }
    }
}

/// Callers that wait for what is said about one token.
struct Crowd<'a> {
    scene: &'a Scene,
    gate: Gate,
    token: String,
    callers: Vec<Connection>,
}

impl<'a> Crowd<'a> {
    /// All have asked, the first of them first, and the server's answer is held back at the gate.
    #[track_caller]
    fn waiting_for(answer: &Answer, scene: &'a Scene) -> Self {
        let (gate, token) = (Gate::default(), secrecy::secret("token"));
        scene.server.answer_for(&token, answer.clone().held_by(&gate));
        let request = Request::get("/").bearer(&token).encode();
        let mut callers: Vec<_> = (0..CALLERS).map(|_| Connection::open(scene.envoy.port()).unwrap()).collect();
        callers[0].write(&request).unwrap();
        gate.await_arrivals(1);
        callers[1..].iter_mut().for_each(|caller| caller.write(&request).unwrap());
        let crowd = Self { scene, gate, token, callers };
        crowd.await_waiting(CALLERS as u64);
        crowd
    }

    #[track_caller]
    fn await_waiting(&self, count: u64) {
        let name = "http.ingress.downstream_rq_active";
        eventually(SOON, &format!("{count} requests waiting"), || {
            (self.scene.envoy.stat(name) == Some(count)).then_some(())
        });
    }

    /// Opens the gate; how many got which status, and how often the server was asked for them.
    #[track_caller]
    fn answered(&mut self, what: &str) -> (BTreeMap<u16, usize>, usize) {
        let mut statuses = BTreeMap::new();
        let opened = Instant::now();
        self.gate.open();
        for caller in &mut self.callers {
            *statuses.entry(caller.read_response().expect("an answer").status).or_default() += 1;
        }
        let (took, calls) = (opened.elapsed(), self.scene.server.calls_for(&self.token));
        eprintln!("{what}: {calls} introspections; {statuses:?} {took:?} after the server's answer");
        (statuses, calls)
    }
}

/// A worker that gets no time to run counts as dead, and another asks in its place: one crowd of so many is proof.
const ATTEMPTS: usize = 5;

/// A crowd that `leave` thins out before the answer comes: the rest gets this status, of one and the same answer. Who is
/// stranded has to ask anew, or waits for longer than the client of this test does.
#[track_caller]
fn assert_answered(scene: &Scene, what: &str, answer: &Answer, status: u16, leave: impl Fn(&mut Vec<Connection>)) {
    for attempt in 1..=ATTEMPTS {
        let mut crowd = Crowd::waiting_for(answer, scene);
        leave(&mut crowd.callers);
        let left = crowd.callers.len();
        crowd.await_waiting(left as u64);
        let (statuses, calls) = crowd.answered(what);
        assert_eq!(statuses, [(status, left)].into(), "{what}");
        scene.envoy.assert_no_vm_reload();
        // At most one call per worker is what is guaranteed, one for all what is normal.
        assert!((1..=WORKERS).contains(&calls), "{what}: {calls} introspections");
        if calls == 1 {
            return;
        }
        assert!(attempt < ATTEMPTS, "{what}: never one introspection for all");
    }
}

fn active() -> Answer {
    Answer::json(json!({"active": true, "client_id": "portal"}))
}

#[test]
fn a_crowd_that_arrives_at_once_causes_one_introspection_per_worker_at_most() {
    let gateway = Gateway::start_with(configuration(), |builder| builder.workers(WORKERS));
    let token = gateway.token(json!({"client_id": "portal"}));
    let request = Request::get("/").bearer(&token).encode();
    let mut callers: Vec<_> = (0..CALLERS).map(|_| Connection::open(gateway.envoy.port()).unwrap()).collect();
    // No gate: the first answers come while others still arrive.
    callers.iter_mut().for_each(|caller| caller.write(&request).unwrap());
    assert!(callers.iter_mut().all(|caller| caller.read_response().unwrap().status == 200));
    let calls = gateway.server.calls_for(&token);
    eprintln!("{calls} introspections for {CALLERS} callers at once on {WORKERS} workers");
    assert!((1..=WORKERS).contains(&calls), "{calls} introspections");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn one_introspection_answers_five_hundred_callers_whoever_of_them_hangs_up() {
    let scene = Scene::start();
    assert_answered(&scene, "all callers", &active(), 200, |_| {});
    assert_answered(&scene, "without the first", &active(), 200, |callers| drop(callers.remove(0)));
    // Connections went to the workers in turn, so every fourth is on the first caller's worker. Should that be off by
    // some, the call still loses most of those that wait for it, its first among them.
    assert_answered(&scene, "without the asking worker's", &active(), 200, |callers| {
        for index in (0..CALLERS / WORKERS).rev() {
            drop(callers.remove(index * WORKERS));
        }
    });
}

#[test]
fn a_bad_answer_reaches_everybody_too() {
    let scene = Scene::start();
    for (answer, status) in [
        (Answer::json(json!({"active": false})), 401),
        (Answer::status(403), 502),
        (Answer::status(503), 503),
        (Answer::reset(), 503),
    ] {
        assert_answered(&scene, &status.to_string(), &answer, status, |_| {});
    }
}

#[test]
fn everybody_hangs_up_and_the_answer_is_known_all_the_same() {
    let scene = Scene::start();
    let mut crowd = Crowd::waiting_for(&active(), &scene);
    crowd.callers.clear();
    crowd.await_waiting(0);
    crowd.gate.open();
    let name = "wasmcustom.tessera_introspections.provider.main.result.active";
    eventually(SOON, "the answer", || (scene.envoy.stat(name) > Some(0)).then_some(()));
    let asked = scene.server.calls_for(&crowd.token);
    for connection in &mut scene.envoy.connections_on_every_worker() {
        assert_eq!(connection.send(&Request::get("/").bearer(&crowd.token)).status, 200);
    }
    assert_eq!(scene.server.calls_for(&crowd.token), asked);
    scene.envoy.assert_no_vm_reload();
}

#[test]
fn a_server_that_says_nothing_strands_nobody() {
    let introspection = introspection("idp", json!({"timeout": "1s", "retries": 1}));
    let configuration =
        json!({"providers": [{"name": "main", "introspection": introspection}], "apis": [{"id": "all"}]});
    let gateway = Gateway::start_with(configuration, |builder| builder.workers(WORKERS));
    gateway.server.answer_otherwise(Answer::silence());
    let refused_after = || {
        let token = secrecy::secret("token");
        let request = Request::get("/").bearer(&token).encode();
        let mut callers: Vec<_> = (0..CALLERS).map(|_| Connection::open(gateway.envoy.port()).unwrap()).collect();
        callers.iter_mut().for_each(|caller| caller.write(&request).unwrap());
        let sent = Instant::now();
        for caller in &mut callers {
            assert_refused(&caller.read_response().unwrap(), "provider_unavailable");
        }
        assert!(gateway.server.calls_for(&token) <= 2 * WORKERS);
        sent.elapsed()
    };
    // (retries + 1) x timeout + 1 s. Other tests can only make it slower, so one of so many is proof.
    let took: Vec<_> =
        (0..ATTEMPTS).map(|_| refused_after()).take_while(|took| *took > Duration::from_secs(3)).collect();
    assert!(took.len() < ATTEMPTS, "the last refusals came after {took:?}");
    gateway.envoy.assert_no_vm_reload();
}
