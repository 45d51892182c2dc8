//! What `check` says of a configuration is what the filter's reader says, each at the value that it is about.

use super::command::SMALLEST;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tessera_cli::check::configuration::{Input, understand};
use tessera_cli::check::diagnostic::Diagnostic;
use tessera_cli::check::mistakes;
use tessera_cli::document::file::File;
use tessera_cli::document::node::Node;
use tessera_cli::document::source::Source;
use tessera_core::config;
use tessera_core::config::problem::{Problem, element, member};

const FULL: &str = include_str!("../../../envoy/envoy.full.yaml");
const MUTATIONS: u32 = 10_000;

fn full() -> Value {
    let input = read(FULL);
    input.configurations[0].root.as_ref().unwrap().to_json()
}

fn read(text: &str) -> Input {
    understand(vec![File { name: "a.yaml".to_owned(), text: text.to_owned() }])
}

/// A value as JSON text, in which the object at `twice` gives its first member once more.
fn written(value: &Value, path: &str, twice: &str) -> String {
    match value {
        Value::Object(members) => {
            let mut list: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), written(value, &member(path, name), twice)))
                .collect();
            list.extend(list.first().filter(|_| path == twice).cloned());
            format!("{{{}}}", list.join(",\n "))
        }
        Value::Array(elements) => {
            let list = elements.iter().enumerate().map(|(index, value)| written(value, &element(path, index), twice));
            format!("[{}]", list.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn paths(value: &Value, pointer: &str, path: &str, list: &mut Vec<(String, String)>) {
    list.push((pointer.to_owned(), path.to_owned()));
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let token = name.replace('~', "~0").replace('/', "~1");
                paths(value, &format!("{pointer}/{token}"), &member(path, name), list);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                paths(value, &format!("{pointer}/{index}"), &element(path, index), list);
            }
        }
        _ => {}
    }
}

/// Changes the value at one place; what it is then.
fn mutated(mut value: Value, place: prop::sample::Index, how: usize) -> (Value, Option<String>) {
    let mut list = Vec::new();
    paths(&value, "", "", &mut list);
    let (pointer, path) = list[place.index(list.len())].clone();
    let target = value.pointer_mut(&pointer).unwrap();
    let old = target.take();
    let mut twice = None;
    *target = match how {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(7),
        3 => json!("x y"),
        4 => json!([]),
        5 => json!({}),
        6 => json!([old]),
        7 => json!(-1.5),
        8 => json!("99999d"),
        9 => json!(""),
        10 => json!("https://u:p@x"),
        11 => match old {
            Value::Object(mut members) => {
                members.insert("strange.r[0]".to_owned(), json!("y"));
                Value::Object(members)
            }
            other => other,
        },
        12 => match old {
            Value::Object(members) => Value::Object(members.into_iter().skip(1).collect::<Map<String, Value>>()),
            Value::Array(elements) => elements.into_iter().skip(1).collect(),
            other => other,
        },
        13 => match old {
            Value::Array(mut elements) => {
                elements.extend(elements.first().cloned());
                Value::Array(elements)
            }
            other => other,
        },
        _ => {
            twice = Some(path);
            old
        }
    };
    (value, twice)
}

/// What the reader says, in the order of `check`'s.
fn problems(text: &str) -> Vec<Problem> {
    config::read(text.as_bytes(), &|_| Some("x".repeat(64))).err().unwrap_or_default()
}

/// The value that stands at a place.
fn standing<'a>(node: &'a Node, span: &tessera_cli::document::node::Span) -> Option<&'a Node> {
    if node.span == *span {
        return Some(node);
    }
    let values = node.members().iter().map(|member| &member.value).chain(node.elements());
    values.into_iter().find_map(|value| standing(value, span))
}

fn agrees(text: &str, outer: &str) -> Result<(), TestCaseError> {
    let input = read(outer);
    let found: Vec<Diagnostic> = mistakes(&input, false);
    let problems = problems(text);
    let said = |code: String, path: &str| format!("{code} {path}");
    let mut ours: Vec<String> = found.iter().map(|one| said(one.code.name().replace('-', ""), &one.path)).collect();
    let mut theirs: Vec<String> =
        problems.iter().map(|one| said(format!("{:?}", one.code).to_lowercase(), &one.path)).collect();
    ours.sort();
    theirs.sort();
    prop_assert_eq!(ours, theirs, "{}", text);
    let source = Source::new(outer);
    let root = input.configurations[0].root.as_ref().unwrap();
    for one in &found {
        let raw: String = source.between(source.index(one.span.start), source.index(one.span.end)).iter().collect();
        let name = one.code.name();
        if ["unknown-member", "duplicate-member"].contains(&name) {
            let key: String = serde_json::from_str(&raw).unwrap();
            prop_assert!(one.path.ends_with(&key), "{}: {}", one.path, raw);
        } else {
            let value = standing(root, &one.span);
            prop_assert!(value.is_some(), "{} {}: {}", name, one.path, raw);
            // Every member twice is one of JSON's own, in which the last counts.
            let json: Value = serde_json::from_str(&raw).unwrap();
            prop_assert_eq!(&value.unwrap().to_json(), &json);
            let plain: Value = serde_json::from_str(text).unwrap();
            if name != "missing-member" && !one.path.contains("strange") {
                let pointed = pointed(&plain, "", &one.path);
                prop_assert_eq!(pointed, Some(&json), "{}", one.path);
            }
        }
    }
    Ok(())
}

fn pointed<'a>(value: &'a Value, path: &str, wanted: &str) -> Option<&'a Value> {
    if path == wanted {
        return Some(value);
    }
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| pointed(value, &member(path, name), wanted)),
        Value::Array(elements) => {
            elements.iter().enumerate().find_map(|(index, value)| pointed(value, &element(path, index), wanted))
        }
        _ => None,
    }
}

/// The text as a document that Istio reads.
fn plugin(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}\n")).collect();
    format!("kind: WasmPlugin\nspec:\n  url: tessera\n  pluginConfig: |\n{}", lines.concat())
}

#[test]
fn check_says_what_the_reader_says_of_documents() {
    compare(MUTATIONS - MUTATIONS / 3, false);
    assert!(mistakes(&read(SMALLEST), false).is_empty());
}

#[test]
fn check_says_what_the_reader_says_of_texts_in_documents() {
    compare(MUTATIONS / 3, true);
}

fn compare(cases: u32, is_text: bool) {
    let full = full();
    assert_eq!(problems(&full.to_string()), []);
    let change = (any::<prop::sample::Index>(), 0..15_usize);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&prop::collection::vec(change, 1..4), |changes| {
        let (mut value, mut twice) = (full.clone(), None);
        for (place, how) in changes {
            let (next, again) = mutated(value, place, how);
            (value, twice) = (next, again.or(twice));
        }
        prop_assume!(value.get("providers").is_some() || value.get("apis").is_some());
        let text = written(&value, "", twice.as_deref().unwrap_or("-"));
        agrees(&text, &if is_text { plugin(&text) } else { text.clone() })
    });
    result.unwrap();
}
