//! docs/providers.md: each configuration runs as it is printed, takes the tokens that are printed with it, and refuses
//! what the page says it refuses.

use crate::host::{Callout, Outcome, Process, Worker};
use crate::markdown::{Block, blocks, code_spans, rows};
use crate::tokens::{Issuer, KeyKind};
use crate::{caller, module};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// A minute after the tokens of the page were issued.
const NOW: Duration = Duration::from_secs(1_767_225_660);

/// A configuration, tokens that it takes, and what they must not be.
struct Example {
    place: String,
    configuration: Value,
    tokens: Vec<(Value, Value)>,
    refused: Vec<Variant>,
}

/// What differs from the last token before it, and the outcome.
struct Variant {
    of_header: bool,
    patch: Value,
    outcome: String,
}

#[test]
fn each_provider_is_configured_as_the_page_has_it() {
    let issuer = Issuer::new("", 0, &[KeyKind::Rsa]);
    let examples = examples();
    assert!(examples.len() >= 17, "{} configurations", examples.len());
    let mut untrue = Vec::new();
    for example in examples {
        let place = &example.place;
        assert!(!example.tokens.is_empty() && !example.refused.is_empty(), "{place}: no tokens");
        let worker = example.start();
        for (header, payload) in &example.tokens {
            let (outcome, name) = example.send(&worker, &issuer, header, payload);
            if !matches!(&outcome, Outcome::Continued(headers) if headers.get("x-client-id").is_some()) {
                untrue.push(format!("{place}: {payload} ends as {name:?}, {outcome:?}"));
            }
        }
        let (header, payload) = example.tokens.last().expect("a token");
        for Variant { of_header, patch, outcome } in &example.refused {
            let (header, payload) = match of_header {
                true => (patched(header, patch), payload.clone()),
                false => (header.clone(), patched(payload, patch)),
            };
            let (_, name) = example.send(&worker, &issuer, &header, &payload);
            if name.as_ref() != Some(outcome) {
                untrue.push(format!("{place}: with {patch} it ends as {name:?}, not as {outcome}"));
            }
        }
    }
    assert!(untrue.is_empty(), "\n{}", untrue.join("\n"));
}

#[test]
fn opaque_tokens_are_introspected_where_the_page_has_both() {
    let issuer = Issuer::new("", 0, &[KeyKind::Rsa]);
    let both = examples().into_iter().filter(|example| example.provider().get("introspection").is_some());
    let mut count = 0;
    for example in both {
        let worker = example.start();
        let stream = worker.bearer("opaque");
        let call = example.settle(&worker, &issuer).expect("a question about the token");
        assert_eq!(call.token(), "opaque");
        let (_, payload) = example.tokens.last().expect("a token");
        worker.answer_json(call.id, &caller::active(payload.clone()));
        assert!(worker.outcome(stream).passed(), "{}", example.place);
        worker.hang_up(stream);
        count += 1;
    }
    assert!(count >= 3, "{count} examples introspect");
}

impl Example {
    fn provider(&self) -> &Value {
        &self.configuration["providers"][0]
    }

    fn start(&self) -> Worker {
        let mut names = BTreeSet::new();
        clusters(&self.configuration, &mut names);
        let process = Process::new(module(), &names.iter().map(String::as_str).collect::<Vec<_>>());
        process.set_clock(NOW);
        let worker = process.worker(&self.configuration.to_string());
        worker.unwrap_or_else(|refused| panic!("{}: {refused:?}", self.place))
    }

    /// What becomes of a request with this token, signed by the issuer, and the name of its outcome if it is refused.
    fn send(&self, worker: &Worker, issuer: &Issuer, header: &Value, payload: &Value) -> (Outcome, Option<String>) {
        let key = issuer.key("RS256");
        let header = patched(header, &json!({"kid": key.key_id}));
        let stream = worker.bearer(&key.jws(&header, payload));
        assert!(self.settle(worker, issuer).is_none(), "{}: a JWT is introspected", self.place);
        let ended = (worker.outcome(stream), worker.outcome_property(stream));
        worker.hang_up(stream);
        ended
    }

    /// Answers everything that is fetched, until nothing is; the introspection that is asked for.
    fn settle(&self, worker: &Worker, issuer: &Issuer) -> Option<Callout> {
        loop {
            let calls = worker.callouts();
            let fetched = calls.iter().find(|call| call.headers.text(":method") == Some("GET"));
            let Some(call) = fetched else { return calls.into_iter().next() };
            match self.document(call, issuer) {
                Some(document) => worker.answer_json(call.id, &document.to_string()),
                None => worker.answer(call.id, 404, &[("content-type", "text/html")], "<html>"),
            }
        }
    }

    /// What the authorization server has at this address: its metadata, in the form of OpenID Connect only, and its
    /// keys.
    fn document(&self, call: &Callout, issuer: &Issuer) -> Option<Value> {
        let provider = self.provider();
        let path = call.headers.text(":path").expect("a path");
        if !path.contains("/.well-known/") {
            return Some(issuer.jwks());
        }
        let here = format!("https://{}", call.headers.text(":authority").expect("an authority"));
        let elsewhere = provider["discovery"]["clusters"].as_object().and_then(|origins| origins.keys().next());
        path.ends_with("/openid-configuration").then(|| {
            json!({
                "issuer": provider["issuer"],
                "jwks_uri": format!("{}/keys", elsewhere.unwrap_or(&here)),
                "introspection_endpoint": format!("{here}/introspect"),
            })
        })
    }
}

fn examples() -> Vec<Example> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md")).expect("the page");
    let mut examples: Vec<Example> = Vec::new();
    for block in blocks("docs/providers.md", &text) {
        match block.kind.as_str() {
            "configuration" => examples.push(Example {
                place: block.place.clone(),
                configuration: with_secrets(block.value()),
                tokens: Vec::new(),
                refused: Vec::new(),
            }),
            "token" => {
                let example = examples.last_mut().expect("a configuration before a token");
                example.tokens.push(block.token());
                example.refused.extend(variants(&block));
            }
            _ => {}
        }
    }
    examples
}

/// The rows after the block.
fn variants(block: &Block) -> Vec<Variant> {
    let rows = rows(&block.after, "| differs in |");
    rows.iter()
        .map(|row| {
            let patch = code_spans(&row[0]).remove(0);
            let patch =
                serde_json::from_str(&patch).unwrap_or_else(|error| panic!("{}: {patch}: {error}", block.place));
            Variant { of_header: row[0].starts_with("header"), patch, outcome: code_spans(&row[1]).remove(0) }
        })
        .collect()
}

/// With secrets in the place of variables of the environment.
fn with_secrets(value: Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("env") => json!("s3cret"),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, with_secrets(value))).collect(),
        Value::Array(elements) => elements.into_iter().map(with_secrets).collect(),
        value => value,
    }
}

/// The clusters that a configuration names.
fn clusters(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("cluster", Value::String(cluster)) => drop(names.insert(cluster.clone())),
                    ("clusters", Value::Object(origins)) => {
                        names.extend(origins.values().filter_map(Value::as_str).map(str::to_owned));
                    }
                    (_, value) => clusters(value, names),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| clusters(element, names)),
        _ => {}
    }
}

/// With the patch's members, and without those that it has as null.
fn patched(value: &Value, patch: &Value) -> Value {
    let mut members = value.as_object().expect("an object").clone();
    for (name, change) in patch.as_object().expect("an object") {
        match change {
            Value::Null => drop(members.remove(name)),
            change => drop(members.insert(name.clone(), change.clone())),
        }
    }
    members.into()
}
