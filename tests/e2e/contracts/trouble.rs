//! A source that answers wrongly: what was loaded last holds, nothing is granted that should not be, metrics tell.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Scene, TARGET, configuration, contract};
use crate::harness::answer::Answer;
use crate::harness::eventually::{SOON, eventually};

/// Often, so that the failures of one test do not take long.
const REFRESH: &str = "100ms";
const WORKERS: usize = 4;

/// What a broken answer must not bring into force: another tier, and a client that has no contract.
fn evil() -> Value {
    json!({"contracts": [contract("portal", "evil"), contract("evil", "evil")]})
}

#[test]
fn a_wrong_answer_changes_nothing_and_is_counted() {
    let source = json!({"refresh": REFRESH, "timeout": "300ms"});
    let mut scene = Scene::start(WORKERS, configuration(source, json!({})), &[contract("portal", "gold")]);
    let [portal, evil_one] = ["portal", "evil"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    let next = |page: &str| Answer::json(evil()).header("link", &format!("<{page}>; rel=\"next\""));
    let elsewhere = "/v1/elsewhere";
    scene.source.answer_for(elsewhere, Answer::json(evil()));
    scene.source.answer_for("/v1/broken", Answer::status(500));
    scene.source.answer_for("/v1/truncated", Answer::json(evil()).truncated());
    let whole = evil().to_string();
    let cases = [
        ("500", Answer::status(500).header("content-type", "application/json").body(whole.clone())),
        ("a redirect", Answer::status(302).header("location", elsewhere)),
        ("slow", Answer::json(evil()).after(Duration::from_millis(600))),
        ("silence", Answer::silence()),
        ("reset", Answer::reset()),
        ("no HTTP", Answer::bytes("hello\r\n\r\n")),
        ("truncated", Answer::json(evil()).truncated()),
        ("reset in the body", Answer::json(evil()).reset_in_body()),
        ("HTML", Answer::status(200).header("content-type", "text/html").body(whole.clone())),
        (
            "half the JSON",
            Answer::status(200).header("content-type", "application/json").body(&whole[..whole.len() - 2]),
        ),
        ("a page that fails", next("/v1/broken")),
        ("a page that is truncated", next("/v1/truncated")),
        ("pages in a circle", next(TARGET)),
        ("a page elsewhere", next("http://evil.example.com/v1/elsewhere")),
    ];
    let count = cases.len() as u64;
    for (what, answer) in cases {
        eprintln!("{what}");
        scene.source.answer_next([answer]);
        let before = scene.source.polls().len();
        // The next poll meets the answer, and what that leads to; by the one after it that poll is over.
        let whole = |scene: &Scene| scene.source.polls()[before..].iter().filter(|poll| poll.target == TARGET).count();
        eventually(SOON, "the poll after it", || (whole(&scene) >= 2).then_some(()));
        scene.assert_everywhere("/orders/1", &portal, "allowed gold");
        scene.assert_everywhere("/orders/1", &evil_one, "no_contract");
    }
    // A busy machine may have made some others late.
    scene.await_poll("failed", count - 1);
    assert!(scene.source.polls().iter().all(|poll| poll.target != elsewhere), "a redirect was followed");
    scene.await_metric("tessera_contracts", 1);

    // Down, the set grows old and is kept.
    let failed = scene.polls("failed");
    scene.source.go_away();
    scene.await_poll("failed", failed + 1);
    scene.assert_everywhere("/orders/1", &portal, "allowed gold");
    scene.source.serve(TARGET, "\"back\"", json!({"contracts": [contract("portal", "silver")]}));
    scene.source.come_back();
    scene.await_everywhere("/orders/1", &portal, "allowed silver");
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn rows_that_cannot_be_read_are_skipped_and_the_rest_loads() {
    const ROWS: usize = 100_000;
    let bad = json!({"api": "orders", "client_id": "bad", "status": "active", "expires_at": "tomorrow"});
    let few = [bad.clone(), contract("portal", "gold")];
    let mut scene = Scene::start(WORKERS, configuration(json!({"refresh": "300ms"}), json!({})), &few);
    let [portal, bad_one] = ["portal", "bad"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    scene.assert_everywhere("/orders/1", &bad_one, "no_contract");
    scene.await_metric("tessera_contracts", 2);
    scene.await_metric("tessera_contracts_skipped", 1);

    // The document grows to a hundred thousand with the bad one in the middle, which had a contract before.
    scene.source.serve(TARGET, "\"bad is good\"", json!({"contracts": [contract("bad", "gold")]}));
    scene.await_everywhere("/orders/1", &bad_one, "allowed gold");
    let mut many: Vec<_> = (2..ROWS).map(|number| contract(&format!("client-{number}"), "bronze")).collect();
    many.insert(ROWS / 2, bad);
    many.push(contract("portal", "silver"));
    scene.source.serve(TARGET, "\"many\"", json!({"contracts": many}));
    let took = scene.await_everywhere("/orders/1", &portal, "allowed silver");
    eprintln!("{ROWS} contracts in force on {WORKERS} workers {took:?} after they were served");
    scene.assert_everywhere("/orders/1", &bad_one, "no_contract");
    let last = scene.token(&format!("client-{}", ROWS - 1));
    scene.assert_everywhere("/orders/1", &last, "allowed bronze");
    scene.await_metric("tessera_contracts", ROWS as u64);
    scene.await_metric("tessera_contracts_skipped", 2);
    // Told by its place, not by what it says.
    let log = scene.gateway.envoy.log();
    assert!(log.contains("[50000]: expires_at") && !log.contains("tomorrow"));
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn a_no_that_cannot_be_read_stands_as_a_no() {
    let source = json!({"refresh": REFRESH});
    let mut scene = Scene::start(2, configuration(source, json!({})), &[contract("portal", "gold")]);
    let [portal, batch] = ["portal", "batch"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    let cases: [&[u8]; 9] = [
        br#""client_id":"portal","provider":"main","status":"suspended","expires_at":"soon""#,
        br#""client_id":"portal","status":"suspended","status":"active""#,
        br#""client_id":"portal","client_id":"other","status":"suspended""#,
        br#""client_id":"other","cl\u0069ent_id":"portal","status":"suspended""#,
        br#""client_id":"portal","status":"suspended","name":"\ud800""#,
        b"\"client_id\":\"portal\",\"status\":\"suspended\",\"name\":\"\xff\"",
        br#""client_id":"portal","provider":["main"],"status":"suspended""#,
        br#""client_id":"portal","provider":"main","provider":"partner","status":"suspended""#,
        b"\"client_id\":\"portal\",\"provider\":\"m\xffain\",\"status\":\"suspended\"",
    ];
    for (number, no) in cases.into_iter().enumerate() {
        eprintln!("{}", String::from_utf8_lossy(no));
        // The other client tells which document is in force.
        let tier = number.to_string();
        let rows = [contract("portal", "gold"), contract("batch", &tier)].map(|row| row.to_string()).join(",");
        let document = [b"{\"contracts\":[", rows.as_bytes(), b",{\"api\":\"orders\",", no, b"}]}"].concat();
        let answer = Answer::status(200).header("content-type", "application/json").body(document);
        scene.source.answer_for(TARGET, answer);
        scene.await_everywhere("/orders/1", &batch, &format!("allowed {tier}"));
        scene.assert_everywhere("/orders/1", &portal, "no_contract");
    }
    assert_eq!(scene.polls("failed"), 0);
    scene.gateway.envoy.assert_no_vm_reload();
}

#[test]
fn pages_count_together_and_an_entity_tag_is_no_proof() {
    let source = json!({"refresh": "200ms"});
    let mut scene = Scene::start(2, configuration(source, json!({})), &[contract("portal", "gold")]);
    let [portal, batch] = ["portal", "batch"].map(|client| scene.token(client));
    scene.await_everywhere("/orders/1", &portal, "allowed gold");
    let unchanged = scene.polls("unchanged");
    scene.await_poll("unchanged", unchanged + 1);
    // A server that has the same tag for everything: what it sends counts.
    let page = |client: &str, tier: &str| {
        Answer::json(json!({"contracts": [contract(client, tier)]})).header("etag", "\"first\"")
    };
    let next = format!("{TARGET}?page=2");
    scene.source.answer_for(&next, page("batch", "bronze"));
    let first = page("portal", "silver").header("link", "<?page=2>; rel=\"next\"");
    scene.source.answer_for(TARGET, first);
    scene.await_everywhere("/orders/1", &batch, "allowed bronze");
    scene.assert_everywhere("/orders/1", &portal, "allowed silver");
    // A change of the last page only.
    scene.source.answer_for(&next, page("batch", "gold"));
    scene.await_everywhere("/orders/1", &batch, "allowed gold");
    scene.await_metric("tessera_contracts", 2);
    assert_eq!(scene.polls("failed"), 0);
}

#[test]
fn retry_after_is_waited_for_and_pages_without_end_are_given_up() {
    let source = json!({"refresh": REFRESH});
    let mut scene = Scene::start(2, configuration(source, json!({})), &[contract("portal", "gold")]);
    let token = scene.token("portal");
    scene.await_everywhere("/orders/1", &token, "allowed gold");
    let before = scene.source.polls().len().saturating_sub(1);
    scene.source.answer_next([Answer::status(429).header("retry-after", "1")]);
    scene.await_poll("failed", 0);
    scene.source.serve(TARGET, "\"new\"", json!({"contracts": [contract("portal", "silver")]}));
    scene.await_everywhere("/orders/1", &token, "allowed silver");
    let polls = scene.source.polls();
    let pauses: Vec<_> = polls[before..].windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses.iter().any(|pause| *pause >= Duration::from_secs(1)), "{pauses:?}");

    let page = |number: usize| Answer::json(evil()).header("link", &format!("<?page={number}>; rel=\"next\""));
    for number in 1..2002 {
        scene.source.answer_for(&format!("{TARGET}?page={number}"), page(number + 1));
    }
    scene.source.answer_next([page(1)]);
    // One after the other they take their time.
    eventually(6 * SOON, "the end of the pages", || (scene.polls("failed") > 1).then_some(()));
    scene.assert_everywhere("/orders/1", &token, "allowed silver");
    let last = |number: usize| scene.source.polls().iter().any(|poll| poll.target.ends_with(&format!("page={number}")));
    assert!(last(1999) && !last(2000), "more than 2000 pages, the first among them");
    scene.gateway.envoy.assert_no_vm_reload();
}
