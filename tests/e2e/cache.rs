//! What is remembered of a token, for how long, and that it is judged anew on every request.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Method;
use serde_json::{Value, json};

use crate::harness::answer::Answer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{Gateway, introspection, provider, with};
use crate::harness::http2_client::{self, Http2Request};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;

fn configuration(cache: Value) -> Value {
    json!({"providers": [provider("main", json!({}))], "apis": [{"id": "all"}], "cache": cache})
}

fn request(token: &str) -> Request {
    Request::get("/orders/1").bearer(token)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Gateway {
    /// The counter of look-ups that ended so.
    fn lookups(&self, result: &str, level: &str) -> u64 {
        let name = format!("wasmcustom.tessera_cache.result.{result}.level.{level}");
        self.envoy.stat(&name).unwrap_or_default()
    }

    #[track_caller]
    fn await_lookups(&self, result: &str, level: &str, count: u64) {
        let what = format!("{count} look-ups that end as {result} in {level}");
        eventually(SOON, &what, || (self.lookups(result, level) >= count).then_some(()));
        assert_eq!(self.lookups(result, level), count, "{what}");
    }

    /// Sends `request` again and again until the server has been asked `calls` times about the token; the statuses.
    #[track_caller]
    fn ask_until(&self, request: &Request, token: &str, calls: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        eventually(SOON, &format!("{calls} introspections"), || {
            statuses.push(self.send(request).status);
            (self.server.calls_for(token) >= calls).then_some(())
        });
        statuses
    }
}

#[test]
fn a_known_token_is_asked_about_once_for_all_workers() {
    let gateway = Gateway::start(configuration(json!({})));
    let token = gateway.token(json!({"client_id": "portal"}));
    let mut connections = gateway.envoy.connections_on_every_worker();
    for _ in 0..5 {
        for connection in &mut connections {
            assert_eq!(connection.send(&request(&token)).status, 200);
        }
    }
    assert_eq!(gateway.server.calls_for(&token), 1);
    // The first asks, the other worker finds it in shared data, and from then on each knows it itself.
    gateway.await_lookups("miss", "shared", 1);
    gateway.await_lookups("hit", "shared", 1);
    gateway.await_lookups("hit", "worker", 5 * connections.len() as u64 - 2);
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn an_inactive_token_is_known_too_while_its_time_lasts() {
    let gateway = Gateway::start(configuration(json!({})));
    let token = secrecy::secret("token");
    let mut connections = gateway.envoy.connections_on_every_worker();
    for connection in connections.iter_mut().chain(&mut gateway.envoy.connections_on_every_worker()) {
        assert_refused(&connection.send(&request(&token)), "inactive");
    }
    assert_eq!(gateway.server.calls_for(&token), 1);
    gateway.await_lookups("negative_hit", "shared", 1);
    gateway.await_lookups("negative_hit", "worker", 2 * connections.len() as u64 - 2);

    let gateway = Gateway::start(configuration(json!({"negative_ttl": "300ms"})));
    assert_refused(&gateway.send(&request(&token)), "inactive");
    gateway.server.activate(&token, json!({}));
    assert_eq!(gateway.ask_until(&request(&token), &token, 2).last(), Some(&200));

    let gateway = Gateway::start(configuration(json!({"negative_ttl": "0s"})));
    for calls in 1..4 {
        assert_refused(&gateway.send(&request(&token)), "inactive");
        assert_eq!(gateway.server.calls_for(&token), calls);
    }
}

#[test]
fn what_cannot_be_relied_on_is_not_kept() {
    let gateway = Gateway::start(configuration(json!({})));
    for (answer, outcome) in [
        (Answer::status(503), "provider_unavailable"),
        (Answer::status(401), "provider_error"),
        (Answer::json(json!({"active": 1})), "provider_error"),
    ] {
        let token = secrecy::secret("token");
        gateway.server.answer_for(&token, answer);
        assert_refused(&gateway.send(&request(&token)), outcome);
        gateway.server.activate(&token, json!({}));
        let what = format!("the end of {outcome}");
        eventually(SOON, &what, || (gateway.send(&request(&token)).status == 200).then_some(()));
    }
}

#[test]
fn an_answer_is_kept_no_longer_than_max_ttl() {
    let gateway = Gateway::start(configuration(json!({"max_ttl": "400ms", "refresh_ahead": false})));
    let token = gateway.token(json!({"exp": now() + 600}));
    assert_eq!(gateway.send(&request(&token)).status, 200);
    gateway.server.answer_for(&token, Answer::json(json!({"active": false})));
    let start = Instant::now();
    let statuses = gateway.ask_until(&request(&token), &token, 2);
    eprintln!("asked again after {:?}", start.elapsed());
    assert_eq!(statuses.last(), Some(&401));
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn an_answer_is_kept_no_longer_than_the_token_lasts() {
    let gateway = Gateway::start(configuration(json!({"refresh_ahead": false})));
    let (exp, lasting) = (now() + 4, gateway.token(json!({"exp": now() + 600})));
    let token = gateway.token(json!({"exp": exp}));
    assert_eq!([&token, &lasting].map(|token| gateway.send(&request(token)).status), [200, 200]);
    gateway.server.answer_for(&token, Answer::json(json!({"active": false})));
    // A tenth is taken away so that what was learned together does not lapse together; never is any added.
    let last = eventually(SOON, "the token being asked about again", || {
        let sent = now();
        let status = gateway.send(&request(&token)).status;
        assert!(status != 200 || sent <= exp, "it passed past the token's end");
        (gateway.server.calls_for(&token) == 2).then_some(status)
    });
    assert_eq!(last, 401);
    assert_eq!(gateway.send(&request(&lasting)).status, 200);
    assert_eq!(gateway.server.calls_for(&lasting), 1);
}

#[test]
fn a_known_token_passes_while_the_server_is_down_whatever_it_says_of_keeping() {
    let gateway = Gateway::start(configuration(json!({})));
    let tokens = ["no-store", "no-cache, max-age=0, must-revalidate"].map(|directives| {
        let token = secrecy::secret("token");
        let answer = Answer::json(json!({"active": true})).header("cache-control", directives);
        gateway.server.answer_for(&token, answer.header("pragma", "no-cache"));
        token
    });
    for token in &tokens {
        assert_eq!(gateway.send(&request(token)).status, 200);
    }
    gateway.server.go_away();
    for token in &tokens {
        for connection in &mut gateway.envoy.connections_on_every_worker() {
            assert_eq!(connection.send(&request(token)).status, 200);
        }
        assert_eq!(gateway.server.calls_for(token), 1);
    }
    assert_refused(&gateway.send(&request(&secrecy::secret("token"))), "provider_unavailable");
}

#[test]
fn cache_control_that_is_respected_shortens_and_never_lengthens() {
    let cache = json!({"max_ttl": "2s", "refresh_ahead": false, "cache_control": "respect"});
    let gateway = Gateway::start(configuration(cache));
    let keep = |directives: &str| {
        let token = secrecy::secret("token");
        let answer = Answer::json(json!({"active": true})).header("cache-control", directives);
        gateway.server.answer_for(&token, answer);
        token
    };
    for directives in ["no-store", "private, No-Cache", "max-age=0", "max-age=60, max-age=0", "max-age=a", "\u{e9}"] {
        let token = keep(directives);
        for calls in 1..4 {
            assert_eq!(gateway.send(&request(&token)).status, 200);
            assert_eq!(gateway.server.calls_for(&token), calls, "{directives}");
        }
    }
    let two_lines = secrecy::secret("token");
    let answer = Answer::json(json!({"active": true})).header("cache-control", "max-age=60");
    gateway.server.answer_for(&two_lines, answer.header("cache-control", "no-store"));
    for calls in 1..4 {
        assert_eq!(gateway.send(&request(&two_lines)).status, 200);
        assert_eq!(gateway.server.calls_for(&two_lines), calls);
    }
    let (short, long) = (keep("max-age=1"), keep("public, max-age=86400"));
    let start = Instant::now();
    assert_eq!([&short, &long].map(|token| gateway.send(&request(token)).status), [200, 200]);
    gateway.ask_until(&request(&short), &short, 2);
    let after_short = start.elapsed();
    gateway.ask_until(&request(&long), &long, 2);
    let after_long = start.elapsed();
    eprintln!("max-age=1: asked again after {after_short:?}; max_ttl 2s: after {after_long:?}");
    assert!(after_short >= Duration::from_millis(900) && after_long >= Duration::from_millis(1800));
}

#[test]
fn an_operation_with_max_age_asks_again_and_the_others_do_not() {
    let mut configuration = configuration(json!({}));
    configuration["apis"][0]["operations"] = json!([{"match": {"paths": ["/admin/"]}, "max_age": "300ms"}]);
    let gateway = Gateway::start(configuration);
    let token = gateway.token(json!({}));
    let admin = Request::get("/admin/1").bearer(&token);
    assert_eq!(gateway.send(&request(&token)).status, 200);
    assert!(gateway.ask_until(&admin, &token, 2).iter().all(|status| *status == 200));
    gateway.server.answer_for(&token, Answer::json(json!({"active": false})));
    // Facts of any age do for the others, until somebody has asked again.
    assert_eq!(gateway.send(&request(&token)).status, 200);
    assert_eq!(gateway.ask_until(&admin, &token, 3).last(), Some(&401));
    let mut connections = gateway.envoy.connections_on_every_worker();
    for connection in &mut connections {
        assert_eq!(connection.send(&admin).status, 401);
    }
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn scopes_audiences_and_contracts_are_judged_anew_on_a_hit() {
    let api = |id: &str, further: Value| with(json!({"id": id, "match": {"paths": [format!("/{id}")]}}), further);
    let gateway = Gateway::start(json!({
        "providers": [provider("main", json!({}))],
        "apis": [
            api("plain", json!({"contract": "none"})),
            api("read", json!({"contract": "none", "scopes": {"all": ["read"]}})),
            api("write", json!({"contract": "none", "scopes": {"all": ["write"]}})),
            api("held", json!({})),
            api("suspended", json!({})),
            api("foreign", json!({})),
        ],
        "contracts": {"inline": [
            {"api": "held", "client_id": "portal"},
            {"api": "suspended", "client_id": "portal", "status": "suspended"},
        ]},
    }));
    let token = gateway.token(json!({"client_id": "portal", "scope": "read"}));
    for _ in 0..2 {
        for connection in &mut gateway.envoy.connections_on_every_worker() {
            for (path, outcome) in [
                ("/plain", None),
                ("/write", Some("insufficient_scope")),
                ("/read", None),
                ("/suspended", Some("contract_suspended")),
                ("/held", None),
                ("/foreign", Some("no_contract")),
            ] {
                let response = connection.send(&Request::get(path).bearer(&token));
                match outcome {
                    None => assert_eq!(response.status, 200, "{path}"),
                    Some(outcome) => assert_refused(&response, outcome),
                }
            }
        }
    }
    assert_eq!(gateway.server.calls_for(&token), 1);
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn stale_facts_serve_while_the_server_is_down_and_never_past_the_tokens_end() {
    let cache = json!({
        "max_ttl": "300ms", "stale_if_error": "1h", "refresh_ahead": false, "cache_control": "respect",
    });
    let gateway = Gateway::start(configuration(cache));
    let exp = now() + 5;
    let keep = |directives: &str, facts: Value| {
        let token = secrecy::secret("token");
        let answer = Answer::json(with(json!({"active": true}), facts)).header("cache-control", directives);
        gateway.server.answer_for(&token, answer);
        token
    };
    let (good, ending) = (keep("private", json!({})), keep("private", json!({"exp": exp})));
    let strict = keep("must-revalidate", json!({}));
    for token in [&good, &ending, &strict] {
        assert_eq!(gateway.send(&request(token)).status, 200);
    }
    gateway.server.go_away();
    let stale = || gateway.lookups("stale", "worker") + gateway.lookups("stale", "shared");
    eventually(SOON, "facts past their freshness", || {
        assert_eq!(gateway.send(&request(&good)).status, 200);
        (stale() > 0).then_some(())
    });
    // Nothing is set for a request that passed.
    let told = gateway.envoy.await_accesses(1);
    assert!(told.iter().all(|access| (access.outcome.as_str(), access.status) == ("-", 200)), "{told:?}");
    // On every worker, known there or only in shared data.
    for connection in &mut gateway.envoy.connections_on_every_worker() {
        assert_eq!(connection.send(&request(&good)).status, 200);
    }
    assert_refused(&gateway.send(&request(&secrecy::secret("token"))), "provider_unavailable");
    // It was learned last, and may be fresh for longer.
    let refused = eventually(SOON, "the end of what must be asked about", || {
        let response = gateway.send(&request(&strict));
        (response.status != 200).then_some(response)
    });
    assert_refused(&refused, "provider_unavailable");
    eventually(SOON, "the token's end", || (gateway.send(&request(&ending)).status == 503).then_some(()));
    assert!(now() >= exp, "stale facts ended before the token");
    assert_eq!(gateway.send(&request(&good)).status, 200);
    assert!(gateway.envoy.log().contains("tokens known from before pass until stale_if_error ends"));
    // The server's word counts again as soon as it has one.
    gateway.server.answer_for(&good, Answer::json(json!({"active": false})));
    gateway.server.come_back();
    eventually(SOON, "the server being asked again", || (gateway.send(&request(&good)).status == 401).then_some(()));
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn without_stale_if_error_an_outage_shows_once_facts_expire() {
    let gateway = Gateway::start(configuration(json!({"max_ttl": "300ms"})));
    let token = gateway.token(json!({}));
    assert_eq!(gateway.send(&request(&token)).status, 200);
    gateway.server.go_away();
    let refused = eventually(SOON, "the outage", || {
        let response = gateway.send(&request(&token));
        (response.status != 200).then_some(response)
    });
    assert_refused(&refused, "provider_unavailable");
}

#[test]
fn a_token_in_use_is_renewed_ahead_and_nobody_waits_for_it() {
    let gateway = Gateway::start_with(configuration(json!({"max_ttl": "10s"})), |builder| builder.workers(1));
    let token = gateway.token(json!({}));
    let mut connection = Connection::open(gateway.envoy.port()).unwrap();
    let mut sent = 0;
    let mut ask = || {
        sent += 1;
        assert_eq!(connection.send(&request(&token)).status, 200);
    };
    ask();
    let gate = Gate::default();
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    eventually(SOON, "the renewal", || {
        ask();
        (gateway.server.calls_for(&token) == 2).then_some(())
    });
    // The renewal is under way and held; who asks now is served from what is known.
    ask();
    gate.open();
    eventually(SOON, "the next renewal", || {
        ask();
        (gateway.server.calls_for(&token) == 3).then_some(())
    });
    gateway.await_lookups("hit", "worker", sent - 1);
    assert_eq!((gateway.lookups("coalesced", "worker"), gateway.lookups("coalesced", "shared")), (0, 0));
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_token_that_is_not_used_is_not_renewed() {
    let cache = json!({"max_ttl": "400ms"});
    let gateway = Gateway::start(configuration(cache));
    let (idle, hot) = (gateway.token(json!({})), gateway.token(json!({})));
    assert_eq!(gateway.send(&request(&idle)).status, 200);
    gateway.ask_until(&request(&hot), &hot, 5);
    assert_eq!(gateway.server.calls_for(&idle), 1);
}

#[test]
fn without_entries_nothing_is_kept_but_requests_in_flight_share_a_call() {
    let gateway = Gateway::start_with(configuration(json!({"entries": 0})), |builder| builder.workers(1));
    let token = gateway.token(json!({}));
    for calls in 1..4 {
        assert_eq!(gateway.send(&request(&token)).status, 200);
        assert_eq!(gateway.server.calls_for(&token), calls);
    }
    let gate = Gate::default();
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    let mut waiting: Vec<_> = (0..10).map(|_| Connection::open(gateway.envoy.port()).unwrap()).collect();
    waiting.iter_mut().for_each(|connection| connection.write(&request(&token).encode()).unwrap());
    gateway.await_lookups("coalesced", "worker", 9);
    gate.open();
    for connection in &mut waiting {
        assert_eq!(connection.read_response().unwrap().status, 200);
    }
    assert_eq!(gateway.server.calls_for(&token), 4);
    assert_eq!(gateway.lookups("hit", "worker") + gateway.lookups("hit", "shared"), 0);
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn another_configuration_over_the_same_shared_data_takes_what_is_the_same_and_no_more() {
    let gateway = Gateway::start_with(configuration(json!({})), |builder| builder.reloadable());
    let token = gateway.token(json!({"client_id": "portal", "scope": "read", "tenant": "t1"}));
    assert_eq!(gateway.send(&request(&token)).status, 200);
    let reload = |configuration: Value| {
        gateway.envoy.reload(&Envoy::builder().plugin(configuration).upstream(&gateway.upstream)).unwrap();
    };
    let api = |further: Value| with(configuration(json!({})), json!({"apis": [with(json!({"id": "all"}), further)]}));
    // Another rule is judged on the facts that are known.
    reload(api(json!({"scopes": {"all": ["write"]}})));
    assert_refused(&gateway.send(&request(&token)), "insufficient_scope");
    reload(api(json!({"scopes": {"all": ["read"]}})));
    assert_eq!(gateway.send(&request(&token)).status, 200);
    assert_eq!(gateway.server.calls_for(&token), 1);
    // Facts that nobody asked for before are not known.
    reload(api(json!({"upstream": {"headers": {"x-tenant": "claim:/tenant"}}})));
    assert_eq!(gateway.receive(&request(&token)).headers.only("x-tenant"), Some("t1"));
    assert_eq!(gateway.server.calls_for(&token), 2);
    // Nor is what another endpoint says.
    let elsewhere = introspection("idp", json!({"endpoint": "http://idp.example.com/other"}));
    reload(with(configuration(json!({})), json!({"providers": [{"name": "main", "introspection": elsewhere}]})));
    gateway.server.answer_for(&token, Answer::json(json!({"active": false})));
    assert_refused(&gateway.send(&request(&token)), "inactive");
    assert_eq!(gateway.server.calls_for(&token), 3);
    // What was learned under a longer life lives no longer than it may now.
    reload(configuration(json!({"max_ttl": "1ms"})));
    assert_refused(&gateway.send(&request(&token)), "inactive");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_flood_of_bad_tokens_pushes_no_good_one_out() {
    let gateway = Gateway::start(configuration(json!({"entries": 64})));
    let good: Vec<_> = (0..20).map(|_| gateway.token(json!({"client_id": "portal"}))).collect();
    let ask_with_all = || {
        for connection in &mut gateway.envoy.connections_on_every_worker() {
            for token in &good {
                assert_eq!(connection.send(&request(token)).status, 200);
            }
        }
    };
    ask_with_all();
    let asked = gateway.server.call_count();
    // In waves, so that none is refused for want of room to wait.
    for _ in 0..10 {
        let wave = (0..300).map(|_| Http2Request::new(Method::GET, "/").bearer(&secrecy::secret("token")));
        for response in http2_client::send_all(gateway.envoy.port(), wave) {
            assert_refused(&response, "inactive");
        }
    }
    let flooded = gateway.server.call_count();
    assert_eq!(flooded, asked + 3000);
    ask_with_all();
    assert_eq!(gateway.server.call_count(), flooded, "good tokens were forgotten");
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_reload_strands_nobody_who_waits_for_an_answer() {
    let gateway = Gateway::start_with(configuration(json!({})), |builder| builder.reloadable());
    let (token, gate) = (secrecy::secret("token"), Gate::default());
    gateway.server.answer_for(&token, Answer::json(json!({"active": true})).held_by(&gate));
    let ask = || {
        let mut connections = gateway.envoy.connections_on_every_worker();
        connections.iter_mut().for_each(|connection| connection.write(&request(&token).encode()).unwrap());
        connections
    };
    let before = ask();
    gate.await_arrivals(1);
    let again = Envoy::builder().plugin(configuration(json!({"max_ttl": "1m"}))).upstream(&gateway.upstream);
    gateway.envoy.reload(&again).unwrap();
    let after = ask();
    gate.open();
    for mut connection in before.into_iter().chain(after) {
        assert_eq!(connection.read_response().unwrap().status, 200);
    }
    gateway.envoy.assert_no_vm_reload();
}
