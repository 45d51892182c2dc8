//! Shared data that somebody has spoilt: entries, claims, contracts, leases, used proofs. Nothing traps, every request
//! ends, and a token that nobody has ever vouched for does not become good.

use super::super::Target;
use super::super::host::{Callout, Outcome, Process, Worker};
use super::super::scene::{introspection, module};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

pub const TARGET: Target = Target {
    name: "shared_values",
    seeds,
    words: &["\0\0\0\0", "\u{7f}", "a\u{1}", "b\u{2}", "\u{1}\u{2}\u{3}"],
    run,
    rounds: 250,
    reaches: &["unspoilt", "spoilt"],
};

/// An edit: which value, what becomes of it, and with how many of the bytes that follow.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    for value in 0..24_u8 {
        seeds.push(vec![value, 0, 0]);
        seeds.push(vec![value, 1, 9]);
        seeds.push(vec![value, 2, 3, 0, 40, 0xff]);
        seeds.push(vec![value, 3, 2, 1, 1]);
        seeds.push(vec![value, 4, 1, value.wrapping_add(1)]);
    }
    seeds
}

fn configuration() -> Value {
    json!({
        "providers": [{"name": "main", "introspection": introspection(), "proof_of_possession": "ignore"}],
        "apis": [{"id": "orders"}],
        "contracts": {"source": {"url": "https://contracts.internal/c", "cluster": "contracts", "refresh": "10s"}},
        "cache": {"entries": 64, "stale_if_error": "60s"},
    })
}

fn answer(worker: &Worker, call: &Callout) {
    if call.cluster == "contracts" {
        let rows: Vec<_> = (0..40).map(|n| json!({"api": "orders", "client_id": format!("client-{n}")})).collect();
        return worker.answer_json(call.id, &json!({"contracts": rows, "cursor": "7"}).to_string());
    }
    let token = form_urlencoded::parse(&call.body).find(|(name, _)| name == "token").expect("a token").1;
    match token.strip_prefix("good-") {
        Some(number) => worker.answer_json(
            call.id,
            &json!({"active": true, "client_id": format!("client-{number}"), "scope": "a b", "aud": ["x"]}).to_string(),
        ),
        None => worker.answer_json(call.id, r#"{"active":false}"#),
    }
}

fn serve(worker: &Worker) {
    for _ in 0..10 {
        worker.callouts().iter().for_each(|call| answer(worker, call));
    }
}

type Values = BTreeMap<String, Vec<u8>>;

thread_local! {
    static VALUES: RefCell<Option<Values>> = const { RefCell::new(None) };
}

/// What a process with a history has: known tokens good and bad, a question that is being asked, contracts.
fn history() -> Values {
    let process = Process::new(module(), &["idp", "contracts"]);
    let worker = process.worker(&configuration().to_string()).expect("a configuration that is accepted");
    process.advance(Duration::from_millis(10));
    serve(&worker);
    process.advance(Duration::from_secs(1));
    for number in 0..12 {
        for kind in ["good", "bad"] {
            let stream = worker.request(&[("authorization", format!("Bearer {kind}-{number}"))]);
            serve(&worker);
            worker.hang_up(stream);
        }
    }
    worker.request(&[("authorization", "Bearer good-asked")]);
    process.shared_data()
}

fn spoil(values: &mut Values, mut edits: &[u8]) -> usize {
    let keys: Vec<String> = values.keys().cloned().collect();
    let mut count = 0;
    while let [which, how, length, rest @ ..] = edits {
        let (bytes, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        edits = rest;
        let other = values[&keys[bytes.first().map_or(0, |byte| usize::from(*byte)) % keys.len()]].clone();
        let value = values.get_mut(&keys[usize::from(*which) % keys.len()]).expect("a value");
        match how % 6 {
            0 => *value = bytes.to_vec(),
            1 => value.truncate(usize::from(*length) * value.len() / 256),
            2 => {
                if let [high, low, new @ ..] = bytes
                    && !value.is_empty()
                {
                    let at = (usize::from(*high) << 8 | usize::from(*low)) % value.len();
                    for (old, new) in value[at..].iter_mut().zip(new) {
                        *old = *new;
                    }
                }
            }
            3 => value.extend_from_slice(bytes),
            4 => *value = other,
            _ => value.splice(..bytes.len().min(value.len()), []).for_each(drop),
        }
        count += 1;
    }
    count
}

fn run(input: &[u8]) -> String {
    let mut values = VALUES.with_borrow_mut(|values| values.get_or_insert_with(history).clone());
    let count = spoil(&mut values, input);
    let process = Process::new(module(), &["idp", "contracts"]);
    for (key, value) in &values {
        process.set_shared_data(key, value);
    }
    let worker = process.worker(&configuration().to_string()).expect("a configuration that is accepted");
    let tokens: Vec<String> =
        ["good-1", "bad-1", "good-asked", "new"].iter().map(|token| format!("Bearer {token}")).collect();
    let streams: Vec<_> = tokens.iter().map(|token| worker.request(&[("authorization", token)])).collect();
    // Guarantee 7: one attempt of two seconds, and one more.
    for _ in 0..13 {
        serve(&worker);
        process.advance(Duration::from_millis(250));
    }
    for (stream, token) in streams.iter().zip(&tokens) {
        let outcome = worker.outcome(*stream);
        assert!(!matches!(outcome, Outcome::Paused | Outcome::Closed), "{token} waits: {outcome:?}");
        assert!(token != "Bearer new" || !matches!(outcome, Outcome::Continued(_)), "{token} passes");
        worker.hang_up(*stream);
    }
    // What is spoilt is noticed when it is wanted, and written anew: all is well again within a minute.
    let recovers = (0..60).any(|_| {
        let stream = worker.request(&[("authorization", "Bearer good-39")]);
        serve(&worker);
        let passes = matches!(worker.outcome(stream), Outcome::Continued(_));
        worker.hang_up(stream);
        process.advance(Duration::from_secs(1));
        passes
    });
    assert!(recovers, "it does not recover");
    if count == 0 { "unspoilt".into() } else { "spoilt".into() }
}
