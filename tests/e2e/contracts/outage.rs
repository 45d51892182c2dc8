//! A source that is away: at the start, and for too long.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Scene, TARGET, configuration, contract};
use crate::harness::client::Request;
use crate::harness::document_source::DocumentSource;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::refusal::assert_refused;

fn away() -> DocumentSource {
    let source = DocumentSource::start();
    source.serve(TARGET, "\"first\"", json!({"contracts": [contract("portal", "gold")]}));
    source.go_away();
    source
}

#[test]
fn without_a_first_load_nothing_is_granted_until_the_source_comes_up() {
    // The inline contracts are for `before_first_load: inline`, which is not what is asked for here.
    let inline = json!({"inline": [contract("batch", "inline")]});
    let mut scene = Scene::with(away(), 4, configuration(json!({"refresh": "300ms"}), inline));
    let [portal, batch] = ["portal", "batch"].map(|client| scene.token(client));
    scene.await_poll("failed", 0);
    scene.assert_everywhere("/orders/1", &portal, "contracts_not_loaded");
    scene.assert_everywhere("/orders/1", &batch, "contracts_not_loaded");
    let response = scene.gateway.send(&Request::get("/orders/1").bearer(&portal));
    assert_refused(&response, "contracts_not_loaded");
    assert_eq!(scene.metric("tessera_contracts_age_s").unwrap_or_default(), 0);
    scene.source.come_back();
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    scene.assert_everywhere("/orders/1", &batch, "no_contract");
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn inline_contracts_hold_until_the_first_load_and_a_set_for_no_longer_than_max_staleness() {
    let further =
        json!({"inline": [contract("batch", "inline")], "before_first_load": "inline", "max_staleness": "6s"});
    let mut scene = Scene::with(away(), 4, configuration(json!({"refresh": "100ms"}), further));
    let [portal, batch] = ["portal", "batch"].map(|client| scene.token(client));
    scene.assert_everywhere("/orders/1", &batch, "allowed inline");
    scene.assert_everywhere("/orders/1", &portal, "no_contract");
    scene.source.come_back();
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    scene.assert_everywhere("/orders/1", &batch, "no_contract");

    scene.source.go_away();
    let gone = Instant::now();
    let failed = scene.polls("failed");
    scene.await_poll("failed", failed);
    scene.assert_everywhere("/orders/1", &portal, "allowed gold");
    scene.await_everywhere("/orders/1", &portal, "contracts_not_loaded");
    eprintln!("not relied on {:?} after the source went away", gone.elapsed());
    // The last load may have been some time ago.
    assert!(gone.elapsed() >= Duration::from_secs(3));
    // Nor are the inline ones, which were for the beginning only.
    scene.assert_everywhere("/orders/1", &batch, "contracts_not_loaded");
    eventually(SOON, "the age", || (scene.metric("tessera_contracts_age_s") >= Some(1)).then_some(()));
    scene.source.come_back();
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    scene.gateway.envoy.assert_no_vm_reload();
}
