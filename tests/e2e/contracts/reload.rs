//! A new configuration beside the old one, which lives until its listener is drained.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Scene, TARGET, configuration, contract};
use crate::answer::Answer;
use crate::client::Request;
use crate::envoy::Envoy;
use crate::eventually::{SOON, eventually};
use crate::http_server::Request as Polled;
use crate::secrecy;

impl Scene {
    /// Replaces the configuration; what held connections meet is still the old one.
    #[track_caller]
    fn reload(&self, configuration: Value) {
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
    assert!(took <= Duration::from_millis(1300));
    let count = scene.source.polls().len();
    scene.source.await_polls(count + 3);

    // Another one, slower: the fast one before it stops. (The first one, word for word, would be no new one to Envoy.)
    scene.reload(configuration(json!({"refresh": "2h"}), json!({})));
    let reloaded = Instant::now();
    eventually(SOON, "time for polls", || (reloaded.elapsed() > Duration::from_secs(2)).then_some(()));
    let late = scene.source.polls().iter().filter(|poll| poll.at > reloaded + Duration::from_secs(1)).count();
    assert_eq!(late, 0, "the configuration before goes on polling");
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_new_credential_counts_at_once_and_the_set_stays() {
    let with_headers = |headers: Value| configuration(json!({"refresh": "300ms", "headers": headers}), json!({}));
    let [old, new] = ["old", "new"].map(|which| format!("Bearer {}", secrecy::secret(which)));
    let contracts = [contract("portal", "gold")];
    let mut scene = Scene::start(4, with_headers(json!({"authorization": old})), &contracts);
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    // The old one is revoked, and whoever uses it is told to stay away.
    scene.source.answer_for(TARGET, Answer::status(401).header("retry-after", "300"));
    scene.await_poll("failed", 0);
    scene.source.serve(TARGET, "\"second\"", json!({"contracts": [contract("portal", "silver")]}));
    scene.reload(with_headers(json!({"authorization": new})));
    let request = Request::get("/orders/1").bearer(&token);
    assert_eq!(scene.gateway.send(&request).status, 200);
    let took = scene.await_everywhere("/orders/1", &token, "allowed silver");
    assert!(took <= Duration::from_millis(1300), "{took:?}");
    let sent = |poll: &Polled, name: &str| poll.headers.only(name).map(str::to_owned);
    let polls = scene.source.polls();
    assert_eq!(sent(polls.last().unwrap(), "authorization"), Some(new.clone()));
    assert_eq!(sent(polls.last().unwrap(), "if-none-match").as_deref(), Some("\"first\""), "not from nothing");

    // Any other header may say whose contracts are asked for: with another value nothing is loaded yet.
    scene.reload(with_headers(json!({"authorization": new, "x-tenant": "b"})));
    eventually(SOON, "an allowed request", || (scene.gateway.send(&request).status == 200).then_some(()));
    let polls = scene.source.polls();
    let first = polls.iter().find(|poll| sent(poll, "x-tenant").is_some()).unwrap();
    assert_eq!(sent(first, "if-none-match"), None);
    scene.gateway.envoy.assert_no_vm_reload();
}
