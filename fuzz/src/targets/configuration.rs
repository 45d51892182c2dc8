//! A configuration as JSON and as protobuf: read alike, and fit for work if it is accepted.

use super::super::Target;
use super::super::source::documented;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as ProtoValue};
use serde_json::Value;
use std::rc::Rc;
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::time::Timestamp;
use tessera_core::config::{self, key_tables};
use tessera_core::engine::effect::{Cx, StreamId};
use tessera_core::engine::settings::Settings;
use tessera_core::engine::worker::{Worker, WorkerId};
use tessera_core::jose::verify::Verifier;
use tessera_core::port::memory::{FixedRandom, MemoryStore, NoSignatures};

pub const TARGET: Target = Target {
    name: "configuration",
    seeds,
    words: &[
        "\"providers\":",
        "\"apis\":",
        "\"token\":",
        "\"cache\":",
        "\"contracts\":",
        "\"replies\":",
        "\"0s\"",
        "\"5m\"",
        "null",
        "true",
        "[]",
        "{}",
        "\"env\":\"X\"",
        "\"https://a\"",
        "\"*.example.org\"",
        "\"/a/\"",
        "-1",
        "1e99",
        "\"\\u0000\"",
        "\"jwt\":",
        "\"discovery\":",
        "\"public\":true",
        "\"scopes\":{\"all\":[]}",
        "\"operations\":[",
        "\"entries\":0",
        "\"id\":\"a\"",
        "\"name\":\"a\"",
        "\n\u{2}",
    ],
    run,
    rounds: 6000,
    reaches: &["accepted", "problems"],
};

/// What every variable is set to.
const SECRET: &str = "value-of-a-variable";

/// The documents' configurations, as text and as bytes.
fn seeds() -> Vec<Vec<u8>> {
    let values: Vec<Value> = documented("configuration").iter().map(super::super::markdown::Block::value).collect();
    let text = values.iter().map(|value| value.to_string().into_bytes());
    let bytes = values.iter().filter_map(|value| Some(structure(value)?.encode_to_vec()));
    text.chain(bytes).collect()
}

fn structure(value: &Value) -> Option<Struct> {
    let fields = value.as_object()?.iter().map(|(name, value)| (name.clone(), proto(value)));
    Some(Struct { fields: fields.collect() })
}

fn proto(value: &Value) -> ProtoValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(list) => Kind::ListValue(ListValue { values: list.iter().map(proto).collect() }),
        Value::Object(_) => Kind::StructValue(structure(value).unwrap_or_default()),
    };
    ProtoValue { kind: Some(kind) }
}

fn read(bytes: &[u8]) -> Result<Settings, Vec<String>> {
    let variable = |name: &str| (!name.starts_with('_')).then(|| SECRET.to_owned());
    config::read(bytes, &variable).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn run(input: &[u8]) -> String {
    // Not a secret where the text itself has it.
    if String::from_utf8_lossy(input).contains(SECRET) {
        return "unsendable".into();
    }
    let settings = read(input);
    if let Ok(json) = serde_json::from_slice::<Value>(input) {
        check_alike(&json, &settings);
    }
    match settings {
        Err(problems) => {
            assert!(!problems.is_empty(), "refused, and nobody says why");
            for problem in &problems {
                assert!(problem.len() < 2000 && !problem.contains(['\n', '\r', '\0']), "{problem:?}");
                assert!(!problem.contains(SECRET), "a secret is told: {problem}");
            }
            "problems".into()
        }
        Ok(settings) => {
            assert!(!format!("{settings:?}").contains(SECRET), "a secret is shown");
            assert_eq!(settings.facts_prefix(), read(input).expect("as before").facts_prefix());
            work(Rc::new(settings));
            "accepted".into()
        }
    }
}

/// The same as a `Struct` comes to the same, as far as all its numbers can be had there and no member is given twice.
fn check_alike(json: &Value, settings: &Result<Settings, Vec<String>>) {
    let Some(message) = structure(json) else { return };
    let repeated = |problems: &Vec<String>| problems.iter().any(|problem| problem.contains("is given twice"));
    if settings.as_ref().is_err_and(repeated) || has_wide_number(json) || depth(json) > 20 || message.fields.is_empty()
    {
        return;
    }
    let again = read(&message.encode_to_vec());
    match (settings, &again) {
        (Ok(one), Ok(other)) => assert_eq!(one.facts_prefix(), other.facts_prefix(), "read in two ways"),
        (Err(_), Err(_)) => {}
        other => panic!("accepted in one form only: {other:?}"),
    }
}

fn has_wide_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_none_or(|wide| wide.abs() > 9e15) || number.is_f64(),
        Value::Array(list) => list.iter().any(has_wide_number),
        Value::Object(members) => members.values().any(has_wide_number),
        _ => false,
    }
}

fn depth(value: &Value) -> usize {
    let inside = match value {
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => None,
    };
    1 + inside.unwrap_or_default()
}

/// A worker of it takes requests, and has its ticks.
fn work(settings: Rc<Settings>) {
    assert!(!key_tables().is_empty());
    let store = MemoryStore::default();
    let mut worker = Worker::new(Rc::clone(&settings), Verifier::default(), WorkerId { number: 1, queue: 1 });
    let lines = [
        (":method", "GET"),
        (":path", "/a/b?access_token=t"),
        (":authority", "api.example.com"),
        ("authorization", "Bearer x"),
    ];
    for (number, count) in [(1, 3), (2, 4)] {
        let head: HeaderMap = lines[..count].iter().map(|(name, value)| (name, value)).collect();
        let mut cx = Cx::new(&store, &NoSignatures, &FixedRandom(7), Timestamp::from_secs(1_767_225_600 + number));
        let _ = worker.on_request(StreamId(1), &head, &mut cx);
        worker.on_tick(&mut cx);
        worker.on_stream_gone(StreamId(1));
    }
}
