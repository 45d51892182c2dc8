//! What `check` says of a configuration is what the filter's reader says, each at the value that it is about.

use super::command::SMALLEST;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tessera_cli::check::diagnostic::Diagnostic;
use tessera_cli::check::input::{Input, understand};
use tessera_cli::check::mistakes;
use tessera_cli::document::file::File;
use tessera_cli::document::node::Node;
use tessera_cli::document::source::Source;
use tessera_core::config;
use tessera_core::config::problem::{Problem, element, member};

const FULL: &str = include_str!("../../../envoy/envoy.full.yaml");
const MUTATIONS: usize = 10_000;
/// How many ways there are to change a value.
const WAYS: usize = 15;

fn full() -> Value {
    let input = read(FULL);
    input.configurations[0].root.as_ref().unwrap().to_json()
}

fn read(text: &str) -> Input {
    understand(vec![File { name: "a.yaml".to_owned(), text: text.to_owned() }])
}

/// A value as JSON text, in which the object at `twice` gives its first member once more.
fn written(value: &Value, twice: Option<&[usize]>) -> String {
    // Whether it is on the way to that object, and what is left of the way.
    let below =
        |index: usize| twice.and_then(|way| way.split_first()).filter(|(step, _)| **step == index).map(|(_, way)| way);
    match value {
        Value::Object(members) => {
            let member = |(index, (name, value))| format!("{}: {}", json!(name), written(value, below(index)));
            let mut list: Vec<String> = members.iter().enumerate().map(member).collect();
            list.extend(list.first().filter(|_| twice.is_some_and(<[_]>::is_empty)).cloned());
            format!("{{{}}}", list.join(",\n "))
        }
        Value::Array(elements) => {
            let list = elements.iter().enumerate().map(|(index, value)| written(value, below(index)));
            format!("[{}]", list.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn inner(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(elements) => elements.iter_mut().collect(),
        _ => Vec::new(),
    }
}

/// How many values there are, from this one down.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(size).sum(),
        Value::Array(elements) => elements.iter().map(size).sum(),
        _ => 0,
    }
}

/// The value of that number, and the way to it.
fn nth(value: &mut Value, mut number: usize, mut way: Vec<usize>) -> (&mut Value, Vec<usize>) {
    if number == 0 {
        return (value, way);
    }
    number -= 1;
    for (index, value) in inner(value).into_iter().enumerate() {
        match size(value) {
            size if number < size => {
                way.push(index);
                return nth(value, number, way);
            }
            size => number -= size,
        }
    }
    unreachable!()
}

/// The key of each value, in the order of their numbers: `apis[].match.hosts`, and nothing for the whole.
fn keys(value: &Value, key: &str) -> Vec<String> {
    let mut found = vec![key.to_owned()];
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| found.extend(keys(value, &member(key, name))))
        }
        Value::Array(elements) => elements.iter().for_each(|value| found.extend(keys(value, &format!("{key}[]")))),
        _ => {}
    }
    found
}

/// Changes the value of that number; what it is then, and the way to an object with a member to be repeated.
fn mutated(mut value: Value, number: usize, how: usize) -> (Value, Option<Vec<usize>>) {
    let (target, way) = nth(&mut value, number, Vec::new());
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
            twice = Some(way);
            old
        }
    };
    (value, twice)
}

/// Sound configurations with less in them than this one: they are read faster, and together they have everything.
fn parts(whole: &Value) -> Vec<Value> {
    let mut state = 7_usize;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let mut part = |_| {
        let mut value = whole.clone();
        for _ in 0..60 {
            let mut less = value.clone();
            let mut place = &mut less;
            while below(3) > 0 && size(place) > 1 {
                let number = 1 + below(size(place) - 1);
                place = nth(place, number, Vec::new()).0;
            }
            match place {
                Value::Object(members) => {
                    let keys: Vec<String> = members.keys().cloned().collect();
                    keys.get(below(keys.len().max(1))).map(|key| members.remove(key));
                }
                Value::Array(list) if !list.is_empty() => drop(list.remove(below(list.len()))),
                _ => continue,
            }
            if problems(&less.to_string()).is_empty() {
                value = less;
            }
        }
        value
    };
    (0..20).map(&mut part).collect()
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

/// Where the two object; it fails unless they do so to the same.
fn agrees(text: &str, outer: &str) -> Result<Vec<String>, TestCaseError> {
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
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let (plain, mut values): (Value, _) = (serde_json::from_str(text).unwrap(), HashMap::new());
    by_path(&plain, String::new(), &mut values);
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
            if name != "missing-member" && !one.path.contains("strange") {
                prop_assert_eq!(values.get(&one.path), Some(&&json), "{}", one.path);
            }
        }
    }
    Ok(found.into_iter().map(|one| one.path).collect())
}

/// The key of a path: `apis[].id` of `apis[3].id`.
fn key_of(path: &str) -> String {
    let (mut key, mut is_index) = (String::new(), false);
    for letter in path.chars() {
        is_index = letter == '[' || is_index && letter.is_ascii_digit();
        if letter == '[' || !is_index {
            key.push(letter);
        }
    }
    key
}

/// Every value by its path.
fn by_path<'a>(value: &'a Value, path: String, found: &mut HashMap<String, &'a Value>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| by_path(value, member(&path, name), found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| by_path(value, element(&path, index), found));
        }
        _ => {}
    }
    found.insert(path, value);
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

/// Each key of the full example is changed in each way, in it or in a part of it, and other values with it.
fn compare(cases: usize, is_text: bool) {
    let full = full();
    assert_eq!(problems(&full.to_string()), []);
    let mut contexts = parts(&full);
    contexts.push(full.clone());
    let contexts = Contexts::new(contexts);
    let all: Vec<&String> = contexts.by_key.keys().collect();
    let expected: BTreeSet<String> = keys(&full, "").into_iter().collect();
    assert_eq!(all.iter().copied().cloned().collect::<BTreeSet<_>>(), expected);
    assert!(is_text || cases >= all.len() * WAYS, "{} keys are too many", all.len());

    let (mut random, mut noticed) = (TestRunner::deterministic(), BTreeSet::new());
    let (mut case, mut compared) = (0, 0);
    let change = (any::<prop::sample::Index>(), 0..WAYS);
    let strategy = (any::<prop::sample::Index>(), prop::collection::vec(change, 0..3));
    while compared < cases {
        let (index, more) = strategy.new_tree(&mut random).unwrap().current();
        let (key, how) = (all[case % all.len()], case / all.len() % WAYS);
        let (context, number) = *index.get(&contexts.by_key[key]);
        let (mut value, mut twice) = mutated(contexts.list[context].clone(), number, how);
        case += 1;
        for (place, how) in more {
            let number = place.index(size(&value));
            let (next, again) = mutated(value, number, how);
            (value, twice) = (next, again.or(twice));
        }
        if value.get("providers").is_none() && value.get("apis").is_none() {
            continue; // Nobody would take it for a configuration.
        }
        compared += 1;
        let text = written(&value, twice.as_deref());
        let paths = agrees(&text, &if is_text { plugin(&text) } else { text.clone() })
            .unwrap_or_else(|error| panic!("{key} changed in way {how}: {error}"));
        noticed.extend(paths.iter().any(|path| key_of(path) == *key).then_some(key));
    }
    // Something was said of each key, but of the whole, and of a key's members: a key that is none is passed over.
    let is_silent = |key: &str| key.is_empty() || key.starts_with("providers[].jwt.keys.inline.keys");
    for key in all {
        assert_eq!(noticed.contains(key), !is_silent(key), "{key}");
    }
}

/// Sound configurations, and where in them each key is: the number of one, and that of the value in it.
struct Contexts {
    list: Vec<Value>,
    by_key: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Contexts {
    fn new(list: Vec<Value>) -> Self {
        let mut by_key: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (context, value) in list.iter().enumerate() {
            for (number, key) in keys(value, "").into_iter().enumerate() {
                by_key.entry(key).or_default().push((context, number));
            }
        }
        Self { list, by_key }
    }
}
