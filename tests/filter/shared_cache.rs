//! What workers remember for each other, and what of it others may spoil.

use crate::cache::{PORTAL, at, cached, entries, start};
use crate::caller::{A_TICK, INACTIVE, active};
use crate::configuration::{api, configuration, provider};
use crate::host::{Outcome, START};
use crate::process;
use proxy_wasm::types::Status;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a worker that asks may stay silent.
const LEASE: Duration = Duration::from_secs(1);

#[test]
fn another_worker_knows_what_one_has_learned() {
    let process = process();
    let workers: Vec<_> = (0..4).map(|_| start(&process, &cached(json!({})))).collect();
    workers[0].asked("abc", PORTAL);
    for worker in &workers {
        assert_eq!(worker.known("abc").upstream().text("x-client-id"), Some("portal"));
        worker.known("abc");
    }
    process.advance(A_TICK);
    let hits = |level: &str| process.metric(&format!("tessera_cache.result.hit.level.{level}"));
    assert_eq!((hits("shared"), hits("worker")), (3, 5));
    assert_eq!(process.metric("tessera_cache.result.miss.level.shared"), 1);
}

#[test]
fn corrupt_entries_are_asked_about() {
    let process = process();
    start(&process, &cached(json!({}))).asked("abc", PORTAL);
    let (key, value) = entries(&process, "/slots/").remove(0);
    let mutations: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0],
        vec![0xff; 64],
        vec![0xff; 1 << 20],
        value[1..].to_vec(),
        value[..value.len() - 1].to_vec(),
        [&[value[0] + 1], &value[1..]].concat(),
        [&value[..2], &[value[2] + 1], &value[3..]].concat(),
        b"{\"active\":true}".to_vec(),
    ];
    for corrupt in mutations {
        process.set_shared_data(&key, &corrupt);
        let worker = start(&process, &cached(json!({})));
        assert!(worker.asked("abc", PORTAL).passed(), "{corrupt:?}");
        assert!(start(&process, &cached(json!({}))).known("abc").passed(), "and written anew over {corrupt:?}");
    }
}

#[test]
fn no_changed_byte_of_an_entry_traps_or_prolongs_it() {
    let process = process();
    start(&process, &cached(json!({}))).asked("abc", &active(json!({"client_id": "portal", "exp": START + 60})));
    let (key, value) = entries(&process, "/slots/").remove(0);
    at(&process, 60_000);
    for position in 0..value.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = value.clone();
            changed[position] ^= flip;
            process.set_shared_data(&key, &changed);
            let worker = start(&process, &cached(json!({})));
            // `exp` itself may be what was changed; `max_ttl` still bounds the entry.
            at(&process, 100_000);
            let stream = worker.bearer("abc");
            assert_eq!(worker.outcome(stream), Outcome::Paused, "byte {position} ^ {flip}");
            worker.fail(worker.callout().id);
        }
    }
}

#[test]
fn an_entry_of_another_token_does_not_serve() {
    let process = process();
    let configuration = cached(json!({}));
    let worker = start(&process, &configuration);
    worker.asked("good", PORTAL);
    worker.asked("fine", PORTAL);
    let sets = entries(&process, "/slots/");
    assert_eq!(sets.len(), 2, "two tokens of different sets");
    process.set_shared_data(&sets[0].0, &sets[1].1);
    process.set_shared_data(&sets[1].0, &sets[0].1);
    let other = start(&process, &configuration);
    assert_eq!(other.asked("good", INACTIVE).status(), Some(401));
    assert_eq!(other.asked("fine", INACTIVE).status(), Some(401));
}

#[test]
fn tokens_that_share_a_set_keep_their_own_facts() {
    let process = process();
    let configuration = cached(json!({"entries": 8}));
    let worker = start(&process, &configuration);
    let client = |number: usize| active(json!({"client_id": format!("client-{number}")}));
    for number in 0..8 {
        worker.asked(&format!("token-{number}"), &client(number));
    }
    assert_eq!(entries(&process, "/slots/").len(), 1, "one set");
    let other = start(&process, &configuration);
    for number in 0..8 {
        let outcome = other.known(&format!("token-{number}"));
        assert_eq!(outcome.upstream().text("x-client-id"), Some(format!("client-{number}").as_str()));
    }
    worker.asked("token-8", &client(8));
    let third = start(&process, &configuration);
    let known = (0..=8).filter(|number| {
        let stream = third.bearer(&format!("token-{number}"));
        let outcome = third.outcome(stream);
        if outcome.passed() {
            assert_eq!(outcome.upstream().text("x-client-id"), Some(format!("client-{number}").as_str()));
        }
        third.hang_up(stream);
        outcome.passed()
    });
    assert_eq!(known.count(), 8, "one has made room");
}

#[test]
fn a_write_that_meets_another_is_tried_again_and_then_left() {
    for (conflicts, shared) in [(1, true), (7, true), (8, false)] {
        let process = process();
        let worker = start(&process, &cached(json!({})));
        let stream = worker.bearer("abc");
        for _ in 0..conflicts {
            worker.fail_next("proxy_set_shared_data", Status::CasMismatch);
        }
        worker.answer_json(worker.callout().id, PORTAL);
        assert!(worker.outcome(stream).passed());
        worker.hang_up(stream);
        assert!(worker.known("abc").passed());
        let other = start(&process, &cached(json!({})));
        if shared {
            other.known("abc");
            continue;
        }
        // Nor could the first one say that it asks no longer: its lease has to lapse.
        let stream = other.bearer("abc");
        assert!(other.callouts().is_empty());
        process.advance(LEASE + A_TICK);
        other.answer_json(other.callout().id, PORTAL);
        assert!(other.outcome(stream).passed());
        other.hang_up(stream);
    }
}

#[test]
fn workers_that_write_to_one_set_lose_nothing_of_each_other() {
    let process = process();
    let configuration = cached(json!({"entries": 8}));
    let (one, two) = (start(&process, &configuration), start(&process, &configuration));
    let streams = [(&one, one.bearer("first")), (&two, two.bearer("second"))];
    for (worker, stream) in streams {
        worker.answer_json(worker.callout().id, PORTAL);
        worker.hang_up(stream);
    }
    assert!(one.known("second").passed() && two.known("first").passed());
}

#[test]
fn another_configuration_over_the_same_shared_data_shares_what_shapes_the_same_facts() {
    let asks = |introspection: Value| json!({"providers": [provider(json!({"introspection": introspection}))]});
    for (change, knows) in [
        (json!({}), true),
        (json!({"apis": [api(json!({"scopes": {"all": ["orders.read"]}}))]}), true),
        (json!({"replies": {"realm": "other"}}), true),
        (asks(json!({"timeout": "1s", "retries": 3})), true),
        (asks(json!({"endpoint": "https://idp.example.com/tenant/introspect"})), false),
        (asks(json!({"endpoint": "https://evil.example.com/oauth2/introspect"})), false),
        (asks(json!({"cluster": "contracts"})), false),
        (asks(json!({"client": {"id": "other"}})), false),
        (asks(json!({"parameters": {"tenant": "7"}})), false),
        (asks(json!({"headers": {"x-tenant": "7"}})), false),
        (json!({"providers": [provider(json!({"name": "other"}))]}), false),
        (json!({"providers": [provider(json!({"claims": {"client_id": ["azp"]}}))]}), false),
        (json!({"providers": [provider(json!({"claims": {"scope": ["scp"]}}))]}), false),
        (json!({"apis": [api(json!({"upstream": {"claims_prefix": "x-agw-"}}))]}), false),
        (json!({"apis": [api(json!({"upstream": {"headers": {"x-org": "claim:/org"}}}))]}), false),
    ] {
        let process = process();
        start(&process, &configuration(json!({}))).asked("abc", PORTAL);
        let reloaded = start(&process, &configuration(change.clone()));
        let stream = reloaded.bearer("abc");
        let known = reloaded.outcome(stream) != Outcome::Paused;
        assert_eq!(known, knows, "{change}");
        reloaded.hang_up(stream);
    }
}

#[test]
fn a_stricter_configuration_cuts_what_a_laxer_one_has_stored() {
    let process = process();
    start(&process, &cached(json!({"max_ttl": "1h"}))).asked("abc", PORTAL);
    let strict = start(&process, &cached(json!({"max_ttl": "10s"})));
    at(&process, 9_999);
    assert!(strict.known("abc").passed());
    at(&process, 10_000);
    assert!(strict.asked("abc", PORTAL).passed());
}

#[test]
fn what_no_slot_can_hold_is_known_to_its_worker_alone() {
    let process = process();
    let large = active(json!({"client_id": "portal", "scope": "s".repeat(9000)}));
    let (one, two) = (start(&process, &cached(json!({}))), start(&process, &cached(json!({}))));
    assert!(one.asked("abc", &large).passed());
    assert!(one.known("abc").passed());
    assert!(two.asked("abc", &large).passed());
}

#[test]
fn no_token_or_secret_is_in_shared_data_logs_or_metric_names() {
    let process = process();
    let configuration = cached(json!({}));
    let workers = [start(&process, &configuration), start(&process, &configuration)];
    for (number, answer) in [PORTAL, INACTIVE, "<html>"].iter().enumerate() {
        let token = format!("raw-token-{number}");
        let streams = workers.each_ref().map(|worker| worker.bearer(&token));
        let dump = process.shared_data();
        let found = dump.iter().find(|(key, value)| holds(key.as_bytes(), &token) || holds(value, &token));
        assert_eq!(found, None, "while in flight");
        for worker in &workers {
            for call in worker.callouts() {
                worker.answer_json(call.id, answer);
            }
        }
        process.turn_all();
        for (worker, stream) in workers.iter().zip(streams) {
            assert_ne!(worker.outcome(stream), Outcome::Paused);
            worker.hang_up(stream);
        }
    }
    process.advance(A_TICK);
    let secrets = ["raw-token", "s3cret", "cmF3LXRva2Vu", "czNjcmV0", "Z2F0ZXdheTpzM2NyZXQ"];
    let mut texts: Vec<Vec<u8>> = process.metrics().into_keys().map(String::into_bytes).collect();
    for (key, value) in process.shared_data() {
        texts.extend([key.into_bytes(), value]);
    }
    for worker in &workers {
        texts.extend(worker.logs().into_iter().map(|(_, line)| line.into_bytes()));
    }
    for secret in secrets {
        assert!(!texts.iter().any(|text| holds(text, secret)), "{secret}");
    }
}

fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

#[test]
fn without_shared_data_each_worker_asks_for_itself() {
    let process = process();
    let worker = || process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
    let workers = [worker(), worker()];
    for worker in &workers {
        for status in [Status::InternalFailure, Status::BadArgument, Status::Empty].into_iter().cycle().take(30) {
            worker.fail_next("proxy_get_shared_data", status);
            worker.fail_next("proxy_set_shared_data", status);
        }
        assert!(worker.asked("abc", &active(json!({"client_id": "portal"}))).passed());
        assert!(worker.known("abc").passed());
    }
}
