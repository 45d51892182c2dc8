//! Each change of the document is in force on every worker, and as soon as `refresh` and a second later, unless the machine
//! does much else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Scene, TARGET, configuration, contract};
use crate::harness::answer::Answer;
use crate::harness::document_source::DocumentSource;
use crate::harness::gateway::with;
use crate::harness::secrecy;

const REFRESH: Duration = Duration::from_millis(300);
const BOUND: Duration = Duration::from_millis(1300);
const WORKERS: usize = 4;

/// Serves successive documents, each with a thousand other contracts, and holds the changes against the clock.
struct Edition {
    number: usize,
    /// How long each took.
    took: Vec<Duration>,
}

impl Edition {
    /// Serves this, and each of these requests must come to end so on every worker.
    #[track_caller]
    fn publish(&mut self, scene: &mut Scene, contracts: &[Value], wanted: &[(&str, &str, &str)]) {
        self.number += 1;
        let etag = format!("\"{}\"", self.number);
        scene.source.serve(TARGET, &etag, json!({"contracts": with_others(contracts)}));
        let served = Instant::now();
        for (path, token, outcome) in wanted {
            scene.await_everywhere(path, token, outcome);
        }
        self.took.push(served.elapsed());
    }
}

fn with_others(contracts: &[Value]) -> Vec<Value> {
    let others = (0..1000).map(|number| contract(&format!("client-{number}"), "bronze"));
    others.chain(contracts.iter().cloned()).collect()
}

/// A token of the client that says whose it is; only the authorization server could check it.
fn token_of(scene: &Scene, issuer: &str, client: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let [header, signature] = [json!({"alg": "RS256"}), json!({})].map(part);
    let claims = part(json!({"iss": issuer, "jti": secrecy::secret("id")}));
    let token = format!("{header}.{claims}.{signature}");
    secrecy::register(&token);
    scene.gateway.server.activate(&token, json!({"client_id": client, "iss": issuer}));
    token
}

#[test]
fn each_change_is_in_force_on_every_worker_in_time() {
    let contracts = with_others(&[contract("portal", "gold")]);
    let mut scene = Scene::start(WORKERS, configuration(json!({"refresh": "300ms"}), json!({})), &contracts);
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    let ready = scene.started.elapsed();
    scene.assert_everywhere("/stock/1", &token, "no_contract");

    let mut edition = Edition { number: 0, took: Vec::new() };
    let mut publish = |scene: &mut Scene, contracts: &[Value], wanted: &[(&str, &str, &str)]| {
        edition.publish(scene, contracts, wanted);
    };
    let with_status = |status: &str| with(contract("portal", "gold"), json!({"status": status}));
    let only = |outcome| [("/orders/1", token.as_str(), outcome)];
    publish(&mut scene, &[contract("portal", "silver")], &only("allowed silver"));
    publish(&mut scene, &[with_status("suspended")], &only("contract_suspended"));
    publish(&mut scene, &[contract("portal", "gold")], &only("allowed gold"));
    publish(&mut scene, &[with_status("revoked")], &only("no_contract"));
    publish(&mut scene, &[contract("portal", "gold")], &only("allowed gold"));
    publish(&mut scene, &[], &only("no_contract"));
    // Added, beside another client of the same API.
    let other = scene.token("batch");
    scene.assert_everywhere("/orders/1", &other, "no_contract");
    let both = [contract("portal", "gold"), contract("batch", "bronze")];
    publish(&mut scene, &both, &[("/orders/1", &other, "allowed bronze"), ("/orders/1", &token, "allowed gold")]);
    // A contract that moves from one API to another takes nothing along.
    let moved = [with(contract("portal", "gold"), json!({"api": "stock"}))];
    publish(&mut scene, &moved, &[("/stock/1", &token, "allowed gold"), ("/orders/1", &token, "no_contract")]);
    // So does one that moves to another client.
    publish(&mut scene, &[contract("batch", "gold")], &[("/stock/1", &token, "no_contract")]);
    scene.assert_everywhere("/orders/1", &other, "allowed gold");
    // One that is limited to a provider is worth nothing with a token of another, and wins over one that is not.
    let of = |provider: &str, tier: &str| with(contract("portal", tier), json!({"provider": provider}));
    let [main, partner] =
        ["main", "partner"].map(|name| token_of(&scene, &format!("https://{name}.example.com"), "portal"));
    let allowed_for_partner = [("/orders/1", partner.as_str(), "allowed gold"), ("/orders/1", &main, "no_contract")];
    publish(&mut scene, &[of("partner", "gold")], &allowed_for_partner);
    let each = [("/orders/1", main.as_str(), "allowed silver"), ("/orders/1", &partner, "allowed gold")];
    publish(&mut scene, &[contract("portal", "silver"), of("partner", "gold")], &each);
    publish(
        &mut scene,
        &[of("main", "gold")],
        &[("/orders/1", &main, "allowed gold"), ("/orders/1", &partner, "no_contract")],
    );

    edition.took.sort();
    eprintln!("1000 contracts granted {ready:?} after live; changes in force after {:?}", edition.took);
    // What else the machine does makes some of them slower; simulations hold each to it.
    assert!(edition.took[edition.took.len() / 2] <= BOUND, "{:?}", edition.took);
    scene.await_metric("tessera_contracts", 1001);
    assert_eq!((scene.polls("failed"), scene.metric("tessera_contracts_skipped").unwrap_or_default()), (0, 0));
    scene.await_metric("tessera_contract_polls.result.changed", edition.number as u64 + 1);
    assert_one_poller(&scene.source);
    scene.gateway.envoy.assert_no_vm_reload();
}

/// The source is asked once in a while, not once in a while by each worker; and only for what has changed.
#[track_caller]
fn assert_one_poller(source: &DocumentSource) {
    let polls = source.polls();
    let gaps: Vec<_> = polls.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let (shortest, span) = (gaps.iter().min().unwrap(), polls.last().unwrap().at - polls[0].at);
    eprintln!("{} polls in {span:?}, the shortest gap {shortest:?}", polls.len());
    // Any of them may have been read late, and the next one in time.
    assert!(span >= REFRESH.mul_f64(0.8 * gaps.len() as f64), "{gaps:?}");
    assert!(polls[1..].iter().all(|poll| poll.headers.only("if-none-match").is_some()));
}

/// Seconds until the dates: enough for the second poll, and for all to be asked before.
const DATED: u64 = 12;

#[test]
fn a_contract_ends_on_its_date_between_polls() {
    // The dates are soon, and Envoy may take its time: they are set once it runs, for the second poll.
    let source = DocumentSource::start();
    let mut scene = Scene::with(source, WORKERS, configuration(json!({"refresh": "1h"}), json!({})));
    scene.await_poll("failed", 0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let second = |offset: u64| {
        let at = OffsetDateTime::from_unix_timestamp((now + offset) as i64).unwrap();
        format!("{}T{:02}:{:02}:{:02}Z", at.date(), at.hour(), at.minute(), at.second())
    };
    let dated = [
        with(contract("ends", "gold"), json!({"expires_at": second(DATED)})),
        with(contract("begins", "gold"), json!({"not_before": second(DATED)})),
        with(contract("ended", "gold"), json!({"expires_at": second(0)})),
    ];
    scene.source.serve(TARGET, "\"dated\"", json!({"contracts": dated}));
    let [ends, begins, ended] = ["ends", "begins", "ended"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &ends, "allowed gold");
    let polls = scene.source.polls().len();
    scene.assert_everywhere("/orders/1", &begins, "no_contract");
    scene.assert_everywhere("/orders/1", &ended, "contract_expired");
    scene.await_everywhere("/orders/1", &ends, "contract_expired");
    scene.await_everywhere("/orders/1", &begins, "allowed gold");
    assert!(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() >= now + DATED);
    assert_eq!(scene.source.polls().len(), polls);
}

#[test]
fn deltas_are_applied_and_a_lost_cursor_starts_over() {
    let source = DocumentSource::start();
    let since = |cursor: &str| format!("{TARGET}?since={cursor}");
    let delta = |changes: &[Value], cursor: &str| Answer::json(json!({"changes": changes, "cursor": cursor}));
    let gone = |client: &str| json!({"api": "orders", "client_id": client, "status": "removed"});
    let first = json!({"contracts": [contract("portal", "gold"), contract("batch", "gold")], "cursor": "a b"});
    source.answer_for(TARGET, Answer::json(first));
    source.answer_for(&since("a%20b"), delta(&[], "a b"));
    let mut scene = Scene::with(source, WORKERS, configuration(json!({"refresh": "300ms"}), json!({})));
    let [portal, batch] = ["portal", "batch"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &portal, "allowed gold");

    // Only the changes are sent from here on: the whole document is out of reach.
    scene.source.answer_for(TARGET, Answer::status(500));
    scene.source.answer_for(&since("2"), delta(&[], "2"));
    let changes = [contract("portal", "lost"), gone("batch"), contract("portal", "silver")];
    scene.source.answer_for(&since("a%20b"), delta(&changes, "2"));
    scene.await_everywhere("/orders/1", &portal, "allowed silver");
    scene.assert_everywhere("/orders/1", &batch, "no_contract");
    scene.await_metric("tessera_contracts", 1);
    assert_eq!(scene.polls("failed"), 0);

    scene.source.answer_for(TARGET, Answer::json(json!({"contracts": [contract("batch", "bronze")]})));
    scene.source.answer_for(&since("2"), Answer::status(410));
    scene.await_everywhere("/orders/1", &batch, "allowed bronze");
    scene.assert_everywhere("/orders/1", &portal, "no_contract");
    assert_eq!(scene.polls("failed"), 0);
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_page_that_is_added_behind_unchanged_ones_is_seen() {
    let unchanged = || Answer::status(304).header("etag", "\"first\"");
    let page = |row: Value| Answer::json(json!({"contracts": [row]}));
    let with_status = |status: &str| with(contract("portal", "gold"), json!({"status": status}));
    let [next, last] = [2, 3].map(|number| format!("{TARGET}?page={number}"));
    let links = [&next, &last].map(|page| format!("<{page}>; rel=\"next\""));
    let source = DocumentSource::start();
    source.serve_or(unchanged(), TARGET, "\"first\"", page(contract("portal", "gold")));
    let mut scene = Scene::with(source, WORKERS, configuration(json!({"refresh": "300ms"}), json!({})));
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    let polls = scene.polls("unchanged");
    scene.await_poll("unchanged", polls);

    // The page is the same as ever; what its 304 leads to is not.
    scene.source.serve(&next, "\"second\"", json!({"contracts": [with_status("suspended")]}));
    let (linked, told) = (page(contract("portal", "gold")).header("link", &links[0]), unchanged());
    scene.source.serve_or(told.header("link", &links[0]), TARGET, "\"first\"", linked.clone());
    scene.await_everywhere("/orders/1", &token, "contract_suspended");

    // A source whose 304 says nothing is asked for everything once in a while.
    scene.source.serve_or(unchanged(), TARGET, "\"first\"", linked);
    scene.reload(configuration(json!({"refresh": "300ms", "full_reload": "1s"}), json!({})));
    scene.await_everywhere("/orders/1", &token, "contract_suspended");
    scene.source.serve(&last, "\"third\"", json!({"contracts": [contract("portal", "silver")]}));
    scene.source.answer_for(&next, page(with_status("suspended")).header("link", &links[1]));
    scene.await_everywhere("/orders/1", &token, "allowed silver");
    let polls = scene.source.polls();
    assert!(polls.iter().any(|poll| poll.headers.only("if-none-match").is_some()));
    assert_eq!(scene.polls("failed"), 0);
    scene.gateway.envoy.assert_no_vm_reload();
}
