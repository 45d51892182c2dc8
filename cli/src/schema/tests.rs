//! The schema, held against the hand-made reader.

use super::schema;
use crate::check::input::load;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tessera_core::config::key::KeyTable;
use tessera_core::config::key_tables;
use tessera_core::config::problem::{Code, Problem};
use tessera_core::config::shape::Shape;

/// The full example.
fn example() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy/envoy.full.yaml");
    let input = load(&[file.to_owned()]).unwrap();
    input.configurations[0].root.as_ref().unwrap().to_json()
}

fn read(configuration: &Value) -> Vec<Problem> {
    let env = |_: &str| Some("x".repeat(64));
    tessera_core::config::read(configuration.to_string().as_bytes(), &env).err().unwrap_or_default()
}

/// Texts that are more than a pattern, as the documentation lists them.
const RICH_TEXTS: &[&str] = &[
    "apis[].match.hosts[]",
    "apis[].match.paths[]",
    "apis[].operations[].match.paths[]",
    "apis[].resource.documentation",
    "apis[].resource.identifier",
    "contracts.inline[].expires_at",
    "contracts.inline[].not_before",
    "contracts.source.headers.*",
    "contracts.source.url",
    "providers[].discovery.clusters.*",
    "providers[].discovery.url",
    "providers[].introspection.endpoint",
    "providers[].introspection.headers.*",
    "providers[].introspection.parameters.*",
    "providers[].jwt.keys.inline",
    "providers[].jwt.keys.url",
    "replies.resource_metadata",
];

/// What other members require, as the documentation lists it.
const REQUIRED_BY_OTHERS: &[&str] = &[
    "providers[].introspection.audience",
    "providers[].introspection.cluster",
    "providers[].issuer",
    "providers[].jwt.keys.cluster",
];

const SECRETS: &[&str] = &[
    "contracts.source.headers.*",
    "providers[].introspection.client.key",
    "providers[].introspection.client.secret",
    "providers[].introspection.headers.*",
];

/// Whether a path is that of a list, in which `[]` is any element, and `*` any name.
fn is_listed(path: &str, list: &[&str]) -> bool {
    let path: String = path
        .split('[')
        .map(|part| part.trim_start_matches(|one: char| one.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join("[");
    list.iter().any(|listed| match listed.strip_suffix('*') {
        Some(before) => path.starts_with(before),
        None => path == **listed,
    })
}

/// The paths of durations, whose bounds are no pattern.
fn durations() -> Vec<String> {
    let of_table = |table: KeyTable| {
        let durations = table.keys.into_iter().filter(|key| matches!(key.shape, Shape::Duration(..)));
        let prefix = |path: &str| if path.is_empty() { String::new() } else { format!("{path}.") };
        durations
            .flat_map(|key| table.paths.iter().map(move |path| format!("{}{}", prefix(path), key.name)))
            .collect::<Vec<_>>()
    };
    key_tables().into_iter().flat_map(of_table).collect()
}

/// What the schema cannot say, as its documentation lists it.
fn is_beyond_a_schema(problem: &Problem, durations: &[&str]) -> bool {
    match problem.code {
        Code::Conflict | Code::UnknownReference | Code::DuplicateMember => true,
        Code::OutOfRange => is_listed(&problem.path, durations),
        Code::BadValue => is_listed(&problem.path, RICH_TEXTS),
        Code::BadSecret => is_listed(&problem.path, SECRETS),
        Code::MissingMember => is_listed(&problem.path, REQUIRED_BY_OTHERS),
        _ => false,
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// How many values there are, from this one down.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(size).sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 0,
    }
}

/// The value of that number, from this one down.
fn nth(value: &mut Value, mut number: usize) -> &mut Value {
    if number == 0 {
        return value;
    }
    number -= 1;
    let inner: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Object(members) => Box::new(members.values_mut()),
        Value::Array(list) => Box::new(list.iter_mut()),
        _ => unreachable!(),
    };
    for inner in inner {
        match size(inner) {
            size if number < size => return nth(inner, number),
            size => number -= size,
        }
    }
    unreachable!()
}

/// A sound configuration with less in it than this one.
fn part(whole: &Value, random: &mut Random) -> Value {
    let mut value = whole.clone();
    for _ in 0..60 {
        let mut less = value.clone();
        let mut place = &mut less;
        while random.below(3) > 0 && size(place) > 1 {
            let number = 1 + random.below(size(place) - 1);
            place = nth(place, number);
        }
        match place {
            Value::Object(members) => {
                let keys: Vec<String> = members.keys().cloned().collect();
                keys.get(random.below(keys.len().max(1))).map(|key| members.remove(key));
            }
            Value::Array(list) if !list.is_empty() => drop(list.remove(random.below(list.len()))),
            _ => continue,
        }
        if read(&less).is_empty() {
            value = less;
        }
    }
    value
}

fn mutate(value: &mut Value, random: &mut Random, names: &[&str], pool: &[Value]) {
    let size = size(value);
    let other = nth(value, random.below(size)).clone();
    let target = nth(value, random.below(size));
    let pick = random.below(5);
    match target {
        Value::Object(members) if pick < 2 && !members.is_empty() => {
            let keys: Vec<String> = members.keys().cloned().collect();
            let removed = members.remove(random.of(&keys)).unwrap();
            if pick == 1 {
                members.insert((*random.of(names)).into(), removed);
            }
        }
        Value::Object(members) if pick < 4 => {
            let new = if pick == 2 { other } else { random.of(pool).clone() };
            members.insert((*random.of(names)).into(), new);
        }
        Value::Array(list) if pick < 2 && !list.is_empty() => drop(list.remove(random.below(list.len()))),
        Value::Array(list) if pick < 4 => list.push(if pick == 2 { other } else { random.of(pool).clone() }),
        target => *target = if pick == 0 { other } else { random.of(pool).clone() },
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the mutations are one list")]
fn ten_thousand_mutations_are_judged_as_the_reader_judges_them() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let example = example();
    assert!(validator.is_valid(&example) && read(&example).is_empty(), "{:?}", read(&example));
    let tables = key_tables();
    let names: Vec<&str> = tables.iter().flat_map(|table| table.keys.iter().map(|key| key.name)).chain(["x"]).collect();
    let words = [
        "",
        "x",
        "a b",
        "a\n",
        "é",
        "0s",
        "5m",
        "99999d",
        "/a",
        "/a*",
        "*",
        "a",
        "optional",
        "none",
        "jwt",
        "RS256",
        "GET",
        "x-a",
        "x-a-",
        "https://a",
        "http://a/?b",
        "https://u:p@a",
        "authorization",
        "bearer",
        "private_key_jwt",
        "api",
        "main",
        "*.a.b",
        "2026-01-01T00:00:00Z",
    ];
    let mut pool: Vec<Value> = words.map(Value::from).into();
    pool.extend([
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(3.0),
        json!(1.5),
        json!(1e9),
        json!([]),
        json!({}),
        json!(["x"]),
        json!(["x", "x"]),
        json!(["RS256"]),
        json!([{}]),
        json!({"env": "X"}),
        json!({"env": ""}),
        json!({"/a": [1]}),
    ]);
    let durations = durations();
    let durations: Vec<&str> = durations.iter().map(String::as_str).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut passed, mut beyond) = (0, 0, 0);
    let (mut too_strict, mut too_lax) = (BTreeSet::new(), BTreeSet::new());
    // Parts are read faster, and together they have everything.
    let parts: Vec<Value> = (0..20).map(|_| part(&example, &mut random)).collect();
    for number in 0..10_000 {
        let mut configuration = if number % 8 == 0 { example.clone() } else { random.of(&parts).clone() };
        for _ in 0..=random.below(2) {
            mutate(&mut configuration, &mut random, &names, &pool);
        }
        let problems = read(&configuration);
        match (validator.is_valid(&configuration), problems.is_empty()) {
            (true, true) => passed += 1,
            (false, false) => refused += 1,
            (false, true) => {
                let errors = validator.iter_errors(&configuration);
                too_strict.extend(errors.map(|error| format!("{} at {}", error, error.instance_path())));
            }
            (true, false) => {
                beyond += 1;
                let wrong = problems.iter().filter(|problem| !is_beyond_a_schema(problem, &durations));
                too_lax.extend(wrong.map(|problem| format!("{:?} {}: {}", problem.code, problem.path, problem.reason)));
            }
        }
    }
    assert!(too_strict.is_empty() && too_lax.is_empty(), "too strict: {too_strict:#?}\ntoo lax: {too_lax:#?}");
    assert!(passed > 300 && refused > 3000 && beyond > 50, "{passed} {refused} {beyond}");
}

#[test]
fn each_member_has_a_description_and_its_default() {
    fn look(schema: &Value, place: &str, seen: &mut usize) {
        let empty = Map::new();
        for (key, member) in schema["properties"].as_object().unwrap_or(&empty) {
            let place = format!("{place}.{key}");
            *seen += 1;
            assert!(
                member["description"].as_str().is_some_and(|text| text.len() > 5 && !text.contains("](")),
                "{place}"
            );
            look(member, &place, seen);
            look(&member["items"], &place, seen);
        }
        if schema.get("properties").is_some() {
            assert_eq!(schema["additionalProperties"], false, "{place}");
        }
    }
    let (schema, mut seen) = (schema(), 0);
    look(&schema, "", &mut seen);
    let keys: usize = key_tables().iter().map(|table| table.keys.len()).sum();
    assert!(seen + 1 >= keys, "{seen} of {keys}");
    assert_eq!(schema["properties"]["cache"]["properties"]["max_ttl"]["default"], "5m");
    assert_eq!(
        schema["properties"]["apis"]["items"]["properties"]["upstream"]["properties"]["claims_prefix"]["default"],
        Value::Null
    );
    assert_eq!(
        schema["properties"]["no_match"]["description"],
        "a request that no API matches: `refuse` (404) or `pass`; default: `refuse`"
    );
}
