//! Thousands of requests that end in one turn of a worker: every one is answered as it should be, and nobody beside them
//! notices.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::Request;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::introspection;
use crate::harness::http2_frames::{Http2, field, request};
use crate::harness::secrecy;

/// Streams, and the connections that they come over; with several, both workers have some.
const SIZES: [(usize, usize); 2] = [(1000, 1), (4000, 4)];
const WORKERS: usize = 2;

/// The rule of a path says who is asked: a server, a cluster that Envoy does not have, or one without a host.
fn configuration() -> Value {
    let provider = |cluster: &str| {
        let introspection = introspection(cluster, json!({"timeout": "60s", "retries": 0}));
        json!({"name": cluster, "issuer": format!("https://{cluster}"), "introspection": introspection})
    };
    let api =
        |cluster: &str| json!({"id": cluster, "match": {"paths": [format!("/{cluster}")]}, "providers": [cluster]});
    let clusters = ["idp", "nowhere", "empty"];
    json!({"providers": clusters.map(provider).as_slice(), "apis": clusters.map(api).as_slice()})
}

/// Answers by itself, after the plugin, what is for it.
fn answering() -> Value {
    let script = "function envoy_on_request(handle)
                    if handle:headers():get('x-for-lua') then handle:respond({[':status'] = '418'}, 'lua') end
                  end";
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": script},
    })
}

/// Envoy itself answers requests that pass.
struct Scene {
    envoy: Envoy,
    server: AuthorizationServer,
}

/// How the streams of one storm look and what becomes of some.
#[derive(Clone, Copy, Default)]
struct Manner {
    for_lua: bool,
    /// Every third is reset while it waits, every other third of the rest when the answer comes.
    hang_ups: bool,
}

impl Scene {
    #[track_caller]
    fn start() -> Self {
        let server = AuthorizationServer::start();
        let builder = Envoy::builder().plugin(configuration()).filter("lua", answering());
        let builder = builder.cluster("idp", server.port()).empty_cluster("empty").workers(WORKERS);
        Self { envoy: builder.any_number_of_requests().start(), server }
    }

    /// The statuses of all streams that were not reset. They wait for one token, whose answer is held back until all do.
    #[track_caller]
    fn waiting_for(&self, answer: &Answer, (streams, connections): (usize, usize), manner: Manner) -> Statuses {
        let (gate, token) = (Gate::default(), secrecy::secret("token"));
        self.server.answer_for(&token, answer.clone().held_by(&gate));
        let mut callers = self.connect(connections);
        let numbers: Vec<_> = callers
            .iter_mut()
            .map(|caller| {
                let numbers = begin(caller, "/idp", streams / connections, manner, |_| token.clone());
                caller.flush().unwrap();
                numbers
            })
            .collect();
        self.await_active(streams, streams + WORKERS * 2);
        let mut left = numbers.clone();
        if manner.hang_ups {
            left = reset(&mut callers, numbers, |index| index % 3 != 0);
            let waiting = left.iter().map(Vec::len).sum();
            self.await_active(waiting, waiting + WORKERS * 2);
        }
        gate.open();
        if manner.hang_ups {
            reset(&mut callers, left, |index| index % 3 != 0);
        }
        let statuses = tally(&mut callers);
        // One call per worker at most, and no more for those who hung up.
        assert!((1..=WORKERS).contains(&self.server.calls_for(&token)));
        statuses
    }

    /// The same for streams that have a token each, or all the same, and no answer to wait for.
    #[track_caller]
    fn at_once(
        &self,
        target: &str,
        (streams, connections): (usize, usize),
        token: impl Fn(usize) -> String,
    ) -> Statuses {
        let mut callers = self.connect(connections);
        for caller in &mut callers {
            begin(caller, target, streams / connections, Manner::default(), &token);
        }
        tally(&mut callers)
    }

    fn connect(&self, connections: usize) -> Vec<Http2> {
        (0..connections).map(|_| Http2::open(self.envoy.port()).unwrap()).collect()
    }

    #[track_caller]
    fn await_active(&self, least: usize, most: usize) {
        eventually(SOON, &format!("{least} to {most} requests in Envoy"), || {
            let active = self.envoy.stat("http.ingress.downstream_rq_active")? as usize;
            (least..=most).contains(&active).then_some(())
        });
    }

    /// Runs it while callers with a token that is known send one request after the other to every worker: they pass, and
    /// nobody is asked about it. No VM is lost and nothing left behind.
    #[track_caller]
    fn beside_a_known_token(&self, storm: impl FnOnce(&Self)) {
        let token = secrecy::secret("token");
        self.server.activate(&token, json!({"client_id": "portal"}));
        let known = Request::get("/idp").bearer(&token);
        let mut callers = self.envoy.connections_on_every_worker();
        callers.iter_mut().for_each(|caller| assert_eq!(caller.send(&known).status, 200));
        let asked = self.server.calls_for(&token);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let mut statuses = Statuses::new();
                while !over.load(Ordering::SeqCst) {
                    for caller in &mut callers {
                        *statuses.entry(caller.send(&known).status).or_default() += 1;
                    }
                }
                statuses
            });
            let _ends = Ends(&over);
            storm(self);
            over.store(true, Ordering::SeqCst);
            let statuses = beside.join().unwrap();
            assert!(statuses.keys().eq([&200]), "known tokens: {statuses:?}");
        });
        assert_eq!(self.server.calls_for(&token), asked);
        self.envoy.assert_no_vm_reload();
        self.await_active(0, 0);
        let in_flight = || self.envoy.stat("wasmcustom.tessera_in_flight");
        eventually(SOON, "no call left", || (in_flight() == Some(0)).then_some(()));
    }
}

/// A storm that fails ends what runs beside it.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type Statuses = BTreeMap<u16, usize>;

/// Begins these streams, in one piece to be sent; their numbers.
fn begin(caller: &mut Http2, target: &str, count: usize, manner: Manner, token: impl Fn(usize) -> String) -> Vec<u32> {
    (0..count)
        .map(|index| {
            let mut fields = request("GET", target);
            fields.push(field("authorization", format!("Bearer {}", token(index))));
            if manner.for_lua {
                fields.push(field("x-for-lua", "1"));
            }
            caller.headers(&fields, true)
        })
        .collect()
}

/// Resets those streams that are not to be kept; returns the others.
fn reset(callers: &mut [Http2], streams: Vec<Vec<u32>>, keep: impl Fn(usize) -> bool) -> Vec<Vec<u32>> {
    let mut left = Vec::new();
    for (caller, streams) in callers.iter_mut().zip(streams) {
        let (kept, gone): (Vec<_>, Vec<_>) = streams.into_iter().enumerate().partition(|(index, _)| keep(*index));
        gone.into_iter().for_each(|(_, stream)| caller.reset(stream));
        caller.flush().unwrap();
        left.push(kept.into_iter().map(|(_, stream)| stream).collect());
    }
    left
}

/// Every stream has its answer; 0 stands for one that was reset.
#[track_caller]
fn tally(callers: &mut [Http2]) -> Statuses {
    let mut statuses = Statuses::new();
    // All at once, so that no connection waits for another one to be written.
    callers.iter_mut().for_each(|caller| caller.flush().unwrap());
    for caller in callers {
        for heard in caller.await_all().expect("an answer to every stream").into_values() {
            *statuses.entry(heard.status).or_default() += 1;
        }
    }
    statuses
}

fn answers() -> [(Answer, u16); 5] {
    [
        (Answer::json(json!({"active": false})), 401),
        (Answer::json(json!({"active": true})), 200),
        (Answer::status(500), 503),
        (Answer::status(403), 502),
        (Answer::reset(), 503),
    ]
}

#[test]
fn thousands_that_wait_for_one_token_are_all_answered() {
    let scene = Scene::start();
    scene.beside_a_known_token(|scene| {
        for size in SIZES {
            for (answer, status) in answers() {
                let statuses = scene.waiting_for(&answer, size, Manner::default());
                assert_eq!(statuses, [(status, size.0)].into(), "{size:?}");
            }
        }
    });
}

#[test]
fn whoever_hangs_up_among_thousands_the_others_are_answered() {
    let scene = Scene::start();
    scene.beside_a_known_token(|scene| {
        for size in SIZES {
            for (answer, status) in answers() {
                let statuses = scene.waiting_for(&answer, size, Manner { hang_ups: true, ..Manner::default() });
                assert!(statuses.keys().eq([&status]), "{size:?}: {statuses:?}");
                assert!(statuses[&status] >= size.0 / 3, "{size:?}: {statuses:?}");
            }
        }
    });
}

#[test]
fn thousands_with_a_good_token_meet_a_filter_that_answers_by_itself() {
    let scene = Scene::start();
    scene.beside_a_known_token(|scene| {
        for size in SIZES {
            for hang_ups in [false, true] {
                let active = Answer::json(json!({"active": true}));
                let statuses = scene.waiting_for(&active, size, Manner { for_lua: true, hang_ups });
                assert!(statuses.keys().eq([&418]), "{size:?}: {statuses:?}");
                assert!(hang_ups || statuses[&418] == size.0, "{size:?}: {statuses:?}");
            }
        }
    });
}

#[test]
fn thousands_whose_question_cannot_be_sent_are_all_told() {
    let scene = Scene::start();
    scene.beside_a_known_token(|scene| {
        for target in ["/nowhere", "/empty"] {
            // As many tokens as a worker asks about at a time, and the same ones on both workers.
            let tokens: Vec<_> = (0..900).map(|_| secrecy::secret("token")).collect();
            for (streams, connections) in [(900, 1), (1800, 2)] {
                let statuses = scene.at_once(target, (streams, connections), |index| tokens[index].clone());
                assert_eq!(statuses, [(503, streams)].into(), "{target}");
            }
            for size in SIZES {
                let token = secrecy::secret("token");
                let statuses = scene.at_once(target, size, |_| token.clone());
                assert_eq!(statuses, [(503, size.0)].into(), "{target} {size:?}");
            }
        }
    });
}
