//! A new configuration beside the old one, which lives until its listener is drained.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Scene, TARGET, configuration, contract, outcome};
use crate::harness::answer::Answer;
use crate::harness::client::Request;
use crate::harness::document_source::DocumentSource;
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::refusal::assert_refused;
use crate::harness::secrecy;

impl Scene {
    fn asked_with(&self, credential: &str) -> bool {
        self.source.polls().iter().any(|poll| poll.headers.only("authorization") == Some(credential))
    }

    /// Replaces the configuration; what held connections meet is still the old one.
    #[track_caller]
    pub(super) fn reload(&self, configuration: Value) {
        let Self { gateway, .. } = self;
        let builder = Envoy::builder().workers(4).plugin(configuration).upstream(&gateway.upstream).reloadable();
        gateway.envoy.reload(&builder).expect("a good configuration");
    }
}

#[test]
fn a_new_configuration_polls_from_its_start_and_the_old_one_is_quiet() {
    let contracts = [contract("portal", "gold")];
    let mut scene = Scene::start(4, configuration(json!({"refresh": "1h"}), json!({})), &contracts);
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    assert_eq!(scene.source.polls().len(), 1);

    scene.source.serve(TARGET, "\"second\"", json!({"contracts": [contract("portal", "silver")]}));
    scene.reload(configuration(json!({"refresh": "300ms"}), json!({})));
    // The set is there: not one request is refused, on new connections or on old ones.
    let request = Request::get("/orders/1").bearer(&token);
    assert_eq!(scene.gateway.send(&request).status, 200);
    let took = scene.await_everywhere("/orders/1", &token, "allowed silver");
    eprintln!("polled by the new configuration, in force under the old one, {took:?} after the reload");
    let count = scene.source.polls().len();
    scene.source.await_polls(count + 3);

    // Another one, slower: the fast one before it stops. (The first one, word for word, would be no new one to Envoy.)
    scene.reload(configuration(json!({"refresh": "2h"}), json!({})));
    eventually(SOON, "the end of the polls of the configuration before", || {
        let last = scene.source.polls().last().expect("a poll").at;
        (last.elapsed() > Duration::from_secs(3)).then_some(())
    });
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn no_change_is_late_for_a_reload_whenever_it_comes_and_however_soon_the_old_one_is_gone() {
    /// Ten times as long as between two polls: a simulation holds each change to `refresh` and a second.
    const MOST: Duration = Duration::from_secs(10);
    let source = DocumentSource::start();
    source.serve(TARGET, "\"0\"", json!({"contracts": [contract("portal", "0")]}));
    let number = |number: u64| configuration(json!({"refresh": "1s"}), json!({"max_staleness": format!("{number}h")}));
    let mut scene = Scene::adjusted(source, 2, number(1), |builder| builder.drained_after(1));
    let token = scene.token("portal");
    let request = Request::get("/orders/1").bearer(&token);
    let mut slowest = Duration::ZERO;
    for (reload, delay) in [0, 300, 1000, 1700, 50, 2300].into_iter().enumerate() {
        let start = Instant::now();
        eventually(SOON, "the time", || (start.elapsed() >= Duration::from_millis(delay)).then_some(()));
        scene.reload(number(reload as u64 + 2));
        let tier = format!("{}", reload + 1);
        scene.source.serve(TARGET, &format!("\"{tier}\""), json!({"contracts": [contract("portal", &tier)]}));
        let served = Instant::now();
        let allowed = format!("allowed {tier}");
        eventually(SOON, &allowed, || (outcome(&scene.gateway.send(&request)) == allowed).then_some(()));
        slowest = slowest.max(served.elapsed());
    }
    // The last one, too, loses the one before it.
    let last = Instant::now();
    eventually(SOON, "the time", || (last.elapsed() >= Duration::from_secs(3)).then_some(()));
    scene.source.await_polls(scene.source.polls().len() + 1);
    let polls: Vec<_> = scene.source.polls().iter().map(|poll| poll.at).collect();
    let gaps: Vec<_> = polls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    eprintln!("the slowest change took {slowest:?}; the longest gap was {:?}", gaps.iter().max());
    assert!(slowest <= MOST && gaps.iter().all(|gap| *gap <= MOST), "{slowest:?} {gaps:?}");
    scene.connections.clear();
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_new_credential_uses_a_set_after_a_load_of_its_own_and_the_old_one_keeps_what_it_had() {
    let asking = |credential: &str| {
        configuration(json!({"refresh": "300ms", "headers": {"authorization": credential}}), json!({}))
    };
    let [old, new, bad] = ["old", "new", "bad"].map(|which| format!("Bearer {}", secrecy::secret(which)));
    let set = |tier: &str| Answer::json(json!({"contracts": [contract("portal", tier)]})).header("etag", "\"1\"");
    let source = DocumentSource::start();
    source.answer_to(&old, set("gold"));
    source.answer_for(TARGET, Answer::status(401));
    let mut scene = Scene::with(source, 4, asking(&old));
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    let request = Request::get("/orders/1").bearer(&token);

    // One that the source refuses grants nothing, and the polls of the one before go on.
    scene.reload(asking(&bad));
    eventually(SOON, "the bad one asking", || scene.asked_with(&bad).then_some(()));
    assert_refused(&scene.gateway.send(&request), "contracts_not_loaded");
    scene.source.answer_to(&old, set("silver"));
    scene.await_everywhere("/orders/1", &token, "allowed silver");
    assert_refused(&scene.gateway.send(&request), "contracts_not_loaded");

    // A good one begins with a load of its own, and that comes at once.
    scene.source.answer_to(&new, set("bronze"));
    scene.reload(asking(&new));
    let reloaded = Instant::now();
    eventually(SOON, "an allowed request", || {
        let outcome = outcome(&scene.gateway.send(&request));
        assert!(["contracts_not_loaded", "allowed bronze"].contains(&&*outcome), "{outcome}");
        (outcome == "allowed bronze").then_some(())
    });
    eprintln!("a new credential grants {:?} after the reload", reloaded.elapsed());
    let polls = scene.source.polls();
    let first = polls.iter().find(|poll| poll.headers.only("authorization") == Some(&new)).unwrap();
    assert_eq!(first.headers.only("if-none-match"), None);
    // Revoked, the old one changes nothing any more for those who still are with it.
    scene.source.answer_to(&old, Answer::status(401));
    let failed = scene.polls("failed");
    scene.await_poll("failed", failed);
    scene.assert_everywhere("/orders/1", &token, "allowed silver");
    scene.gateway.envoy.assert_no_vm_reload();
}
