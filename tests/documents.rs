//! What the documents say, held against the code: configurations, keys, outcomes, metrics, links, files, commands.
//!
//! A fenced block of JSON or YAML says behind its language what it is: ```` ```yaml configuration ````.
//!
//! * `configuration`: a plugin configuration, or the members of one that the text is about;
//! * `contracts`: a contract document;
//! * `metadata`: what the configuration before it makes the filter say of its first resource;
//! * `envoy`: part of an Envoy configuration, which `cli/tests/fragments.rs` checks in its place;
//! * `kubernetes`: a resource, which is checked there in its base;
//! * `token`: header and payload of an access token, which `tests/filter/documented_providers.rs` sends.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "documents/commands.rs"]
mod commands;
#[path = "documents/comments.rs"]
mod comments;
#[path = "documents/containers.rs"]
mod containers;
#[path = "documents/keys.rs"]
mod keys;
#[path = "documents/markdown.rs"]
mod markdown;
#[path = "documents/programs.rs"]
mod programs;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use markdown::{Block, code_spans, yaml};
use serde_json::{Value, json};
use tessera_core::base::http::HttpUrl;
use tessera_core::config;
use tessera_core::contract::row::Row;
use tessera_core::engine::metrics::{Introspected, Level, Lookup, Metrics, Polled, Sample, build_info};
use tessera_core::jose::verify::Implementation;
use tessera_core::outcome::Outcome;
use tessera_core::proof::Unproved;

#[test]
fn every_document_is_a_page_of_the_site() {
    let summary = document("tests/site/SUMMARY.md").text;
    for document in documents() {
        assert!(summary.contains(&format!("]({})", document.name())), "SUMMARY.md does not list {}", document.name());
    }
}

// ---- configurations ----

#[test]
fn every_configuration_in_a_document_is_accepted() {
    let mut checked = 0;
    let mut last = Value::Null;
    for block in documents().iter().flat_map(Document::blocks) {
        let place = &block.place;
        match (block.language.as_str(), block.kind.as_str()) {
            ("json" | "yaml", "configuration") => {
                last = completed(block.value());
                accept(place, &last);
            }
            ("json", "metadata") => assert_eq!(block.value(), metadata(&last), "{place}"),
            ("json", "token") => drop(block.token()),
            ("json", "contracts") => read_contracts(place, &block.value()),
            ("yaml", "envoy") => {
                for plugin in plugins(&block.value()) {
                    accept(place, plugin);
                }
            }
            ("yaml", "kubernetes") => assert!(block.value().get("kind").is_some(), "{place}: no resource"),
            ("json" | "yaml", kind) => panic!("{place}: a block of JSON or YAML must say what it is, not {kind:?}"),
            _ => continue,
        }
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} blocks were found");
}

#[test]
fn every_envoy_file_holds_a_configuration_that_is_accepted() {
    for name in ["envoy.yaml", "envoy.full.yaml", "mcp.yaml", "native.yaml", "rate-limit.yaml"] {
        assert!(root().join("envoy").join(name).is_file(), "{name}");
    }
    for file in files("envoy", "yaml") {
        let envoy = yaml(&fs::read_to_string(&file).unwrap(), &file.display().to_string());
        if envoy.get("static_resources").is_none() {
            continue;
        }
        let plugins = plugins(&envoy);
        assert!(!plugins.is_empty(), "{}: no plugin", file.display());
        for plugin in plugins {
            accept(&file.display().to_string(), plugin);
        }
    }
}

#[test]
fn a_configuration_shown_in_a_document_is_that_of_its_file() {
    for (name, file) in [("README.md", "envoy.yaml"), ("docs/mcp.md", "mcp.yaml")] {
        let document = document(name);
        let shown: Vec<Value> =
            document.blocks().iter().filter(|block| block.kind == "configuration").map(Block::value).collect();
        let file = yaml(&fs::read_to_string(root().join("envoy").join(file)).unwrap(), file);
        assert_eq!(shown.iter().collect::<Vec<_>>(), plugins(&file), "{name}");
    }
}

#[test]
fn the_example_of_the_dynamic_module_is_the_smallest_one_but_for_the_filter() {
    fn without_filter(mut envoy: Value) -> Value {
        let filter = envoy.pointer_mut(
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config",
        );
        *filter.unwrap() = Value::Null;
        envoy
    }
    let [wasm, native] = ["envoy.yaml", "native.yaml"]
        .map(|name| yaml(&fs::read_to_string(root().join("envoy").join(name)).unwrap(), name));
    assert_eq!(plugins(&native), plugins(&wasm));
    assert_eq!(without_filter(native), without_filter(wasm));
}

/// Members that are shown alone, in a configuration that is complete but for them.
fn completed(shown: Value) -> Value {
    let mut whole = json!({
        "providers": [{"name": "main", "introspection": {
            "endpoint": "https://idp.example.com/introspect", "cluster": "idp",
            "client": {"id": "gateway", "secret": {"env": "IDP_CLIENT_SECRET"}}}}],
        "apis": [{"id": "orders-v1"}],
    });
    let Value::Object(members) = shown else { panic!("a configuration is an object") };
    whole.as_object_mut().unwrap().extend(members);
    whole
}

fn accept(place: &str, configuration: &Value) {
    if let Err(problems) = config::read(configuration.to_string().as_bytes(), &environment) {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{place}: the configuration is refused\n{}", lines.join("\n"));
    }
}

/// What the variables of examples contain, as their names say.
fn environment(name: &str) -> Option<String> {
    const KEY: &str = include_str!("../core/src/jose/sign/samples/p256.pem");
    Some(if name.ends_with("_KEY") { KEY } else { "a secret that is long enough for HS256" }.to_owned())
}

/// What the filter says of the first resource (RFC 9728).
fn metadata(configuration: &Value) -> Value {
    let settings = config::read(configuration.to_string().as_bytes(), &environment).unwrap();
    let resource = settings.policy.apis().iter().find_map(|api| api.resource.as_ref()).expect("a resource");
    let url = HttpUrl::parse(resource.identifier.metadata_url()).unwrap();
    let (_, document) = settings.resources.at(url.authority().as_bytes(), url.path().as_bytes()).unwrap();
    serde_json::from_str(document).unwrap()
}

fn read_contracts(place: &str, document: &Value) {
    let rows = document.get("contracts").or(document.get("changes")).and_then(Value::as_array).expect(place);
    for row in rows {
        Row::from_json(row.to_string().as_bytes()).unwrap_or_else(|error| panic!("{place}: {row}: {error}"));
    }
}

/// The plugin configurations inside of an Envoy configuration.
fn plugins(value: &Value) -> Vec<&Value> {
    const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";
    match value {
        Value::Object(members) if members.get("@type").and_then(Value::as_str) == Some(STRUCT) => {
            members.get("value").into_iter().collect()
        }
        Value::Object(members) => members.values().flat_map(plugins).collect(),
        Value::Array(elements) => elements.iter().flat_map(plugins).collect(),
        _ => Vec::new(),
    }
}

// ---- keys ----

/// The keys that exclude others of the example, in the only place for both: comments show them.
const ALTERNATIVES: [&str; 5] = [
    "apis[].scopes.any",
    "providers[].introspection.client.algorithm",
    "providers[].introspection.client.audience",
    "providers[].introspection.client.key",
    "providers[].introspection.client.key_id",
];

#[test]
fn every_key_is_in_the_full_example_and_in_configuration_md_and_no_other() {
    let text = fs::read_to_string(root().join("envoy/envoy.full.yaml")).unwrap();
    let envoy = yaml(&text, "envoy.full.yaml");
    let example = plugins(&envoy)[0].clone();
    let mut known = known_keys(&example);
    let mut alternative = example.clone();
    alternative["providers"][0]["introspection"]["client"] = json!({"auth": "private_key_jwt"});
    known.extend(known_keys(&alternative));

    // Every member of the example is known, or it would be refused: what is left is that every known key is in it.
    let mut shown = BTreeSet::new();
    collect_keys("", &example, &mut shown);
    let hidden: Vec<_> = known.difference(&shown).filter(|key| !ALTERNATIVES.contains(&key.as_str())).collect();
    assert!(hidden.is_empty(), "envoy.full.yaml does not show {hidden:#?}");
    let comments: String = text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment).collect();
    for key in ALTERNATIVES {
        let member = format!("{}: ", key.rsplit('.').next().unwrap());
        assert!(comments.contains(&member), "envoy.full.yaml does not show {key} in a comment");
    }

    let documented = documented_keys();
    let missing: Vec<_> = known.difference(&documented).collect();
    let superfluous: Vec<_> = documented.difference(&known).collect();
    assert!(missing.is_empty(), "configuration.md does not explain {missing:#?}");
    assert!(superfluous.is_empty(), "configuration.md explains what is not known: {superfluous:#?}");
}

/// The keys that the reader knows in each object of `example`, such as `apis[].match.hosts`.
///
/// The reader is asked: each object gets a member that nobody knows, and the complaint lists those that are known.
fn known_keys(example: &Value) -> BTreeSet<String> {
    const STRANGER: &str = "?";
    fn add_strangers(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(add_strangers);
                members.insert(STRANGER.to_owned(), Value::Null);
            }
            Value::Array(elements) => elements.iter_mut().for_each(add_strangers),
            _ => {}
        }
    }
    let mut example = example.clone();
    add_strangers(&mut example);
    let problems = config::read(example.to_string().as_bytes(), &environment).err().unwrap();
    let mut known = BTreeSet::new();
    for problem in problems {
        let Some((_, keys)) = problem.reason.split_once("is not known here; known are ") else { continue };
        let object = generic(problem.path.strip_suffix(STRANGER).unwrap());
        if keys == "env" {
            continue; // A secret; the text explains those once.
        }
        known.extend(keys.split(", ").map(|key| format!("{object}{key}")));
    }
    assert!(known.contains("cache.entries") && known.contains("providers"), "{known:#?}");
    known
}

/// The path without the numbers of elements.
fn generic(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |path, part| format!("{path}[]{}", part.split_once(']').unwrap().1))
}

fn collect_keys(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect_keys(&path, value, keys);
                keys.insert(path);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_keys(&format!("{path}[]"), element, keys)),
        _ => {}
    }
}

/// The keys in the tables of configuration.md, each table under a heading that names its object.
fn documented_keys() -> BTreeSet<String> {
    let text = document("docs/configuration.md").text;
    let mut keys = BTreeSet::new();
    let mut objects: Vec<String> = Vec::new();
    let mut in_key_table = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            objects = match heading.trim_start_matches('#').trim() {
                "Top level" => vec![String::new()],
                heading => code_spans(heading).iter().map(|object| format!("{object}.")).collect(),
            };
        }
        in_key_table = line.starts_with("| key |") || in_key_table && line.starts_with('|');
        if in_key_table && let Some(key) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) {
            assert!(!objects.is_empty(), "{line}: the heading above names no object");
            keys.extend(objects.iter().map(|object| format!("{object}{key}")));
        }
    }
    keys
}

// ---- outcomes and metrics ----

#[test]
fn the_table_of_outcomes_is_that_of_the_code() {
    let shown: Vec<(String, String, String)> = table(&document("docs/outcomes.md").text, "| outcome |")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
        .collect();
    let code = |text: &str| format!("`{text}`");
    let expected: Vec<_> = Outcome::ALL
        .into_iter()
        .map(|outcome| match outcome.answer() {
            None if outcome == Outcome::ResourceMetadata => (code(outcome.name()), "200".to_owned(), String::new()),
            None => (code(outcome.name()), "passes".to_owned(), String::new()),
            Some(answer) => (code(outcome.name()), answer.status.to_string(), code(answer.error)),
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_metrics_of_the_document_are_those_of_the_code() {
    let documented: Vec<String> = table(&document("docs/metrics.md").text, "| name |")
        .into_iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    let named = named_metrics();
    for name in &named {
        let fitting = documented.iter().filter(|pattern| fits(pattern, name)).count();
        assert_eq!(fitting, 1, "metrics.md names {name} {fitting} times");
    }
    for pattern in &documented {
        assert!(named.iter().any(|name| fits(pattern, name)), "nothing is counted as {pattern}");
    }
}

/// Whether `name` is `pattern` with one part of a name for each `<…>`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), name.split('.').collect());
    pattern.len() == name.len()
        && pattern.iter().zip(&name).all(|(pattern, name)| pattern.starts_with('<') || pattern == name)
}

/// What a configuration with two providers and APIs may count.
fn named_metrics() -> BTreeSet<String> {
    let provider = |name: &str| {
        json!({"name": name, "issuer": format!("https://{name}"), "introspection": {
            "endpoint": "https://idp/introspect", "cluster": "idp", "client": {"auth": "none"}}})
    };
    let configuration =
        json!({"providers": [provider("one"), provider("two")], "apis": [{"id": "orders v1.2"}, {"id": "rest"}]});
    let settings = config::read(configuration.to_string().as_bytes(), &|_| None).unwrap();
    let mut metrics = Metrics::new(&settings);
    for outcome in Outcome::ALL {
        for api in [None].into_iter().chain(settings.policy.apis().iter().map(Some)) {
            metrics.request(outcome, api.map(AsRef::as_ref));
        }
    }
    for result in [Lookup::Hit, Lookup::NegativeHit, Lookup::Miss, Lookup::Stale, Lookup::Coalesced] {
        metrics.lookup(result, Level::Worker);
        metrics.lookup(result, Level::Shared);
    }
    for result in [Introspected::Active, Introspected::Inactive, Introspected::Unavailable, Introspected::Error] {
        for provider in &settings.providers {
            metrics.introspected(provider, result, Duration::from_millis(7));
        }
    }
    for provider in &settings.providers {
        for by in [Implementation::Host, Implementation::Module] {
            [true, false].into_iter().for_each(|is_good| metrics.signature(provider, is_good, by));
        }
        for result in [Polled::Changed, Polled::Unchanged, Polled::Failed] {
            metrics.key_fetch(provider, result);
        }
    }
    for found in [Ok(()), Err(Unproved::Missing), Err(Unproved::Unprovable), Err(Unproved::Replayed)] {
        metrics.proof(found);
    }
    metrics.in_flight(1);
    metrics.polls([1, 1, 1], 1);
    let mut names: BTreeSet<String> = gauges_of_the_engine();
    names.insert(build_info());
    metrics.drain(|sample| {
        let (Sample::Count(name, _) | Sample::Shift(name, _) | Sample::Set(name, _) | Sample::Observe(name, _)) =
            sample;
        names.insert(name.to_owned());
    });
    names
}

/// Gauges get their names where they are told.
fn gauges_of_the_engine() -> BTreeSet<String> {
    let sources = files("core/src/engine", "rs").into_iter().map(|file| fs::read_to_string(file).unwrap());
    let sent = sources.flat_map(|text| {
        let begins = [".gauge(\"", "(format!(\"tessera_"].map(|begin| begin.rsplit_once('"').unwrap());
        let named = |(begin, name): (&str, &str)| {
            let begin = format!("{begin}\"{name}");
            let rest = text.split(&begin).skip(1);
            rest.map(|rest| format!("{name}{}", rest.split('"').next().unwrap().replace("{}", "one")))
                .collect::<Vec<_>>()
        };
        begins.map(named).concat()
    });
    sent.collect()
}

// ---- links, files, commands ----

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        for link in document.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(file, at)| (file, Some(at)));
            let target = match file {
                "" => document.path.clone(),
                file => document.path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link} leads nowhere", document.name());
            if let Some(anchor) = anchor {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(anchors.contains(anchor), "{}: {link} has no such heading", document.name());
            }
        }
    }
}

#[test]
fn every_file_that_is_named_exists() {
    let mut named = 0;
    for document in documents() {
        for span in code_spans(&document.prose()) {
            let is_path = span.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte));
            let folder = ["src/", "core/", "tests/", "docs/", "envoy/", "benches/", "xtask/", ".ci/"]
                .iter()
                .any(|folder| span.starts_with(folder));
            let file = [".rs", ".md", ".toml", ".yaml"].iter().any(|ending| span.ends_with(ending));
            if !is_path || !(folder || file) {
                continue;
            }
            named += 1;
            let found = [root().join(&span), document.path.parent().unwrap().join(&span)];
            assert!(found.iter().any(|path| path.exists()), "{} names {span}", document.name());
        }
    }
    assert!(named > 20, "only {named} files were found");
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let targets: BTreeSet<&str> = makefile.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let mut named = 0;
    for document in documents() {
        for code in code_spans(&document.prose()).into_iter().chain(document.code_lines()) {
            for target in code.split("make ").skip(1) {
                let target: String = target
                    .chars()
                    .take_while(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '-')
                    .collect();
                if target.is_empty() {
                    continue; // `make` alone.
                }
                named += 1;
                assert!(targets.contains(target.as_str()), "{}: no target {target:?}", document.name());
            }
        }
    }
    assert!(named > 5, "only {named} targets were found");
}

// ---- reading documents ----

struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    fn blocks(&self) -> Vec<Block> {
        markdown::blocks(&self.name(), &self.text)
    }

    fn code_lines(&self) -> Vec<String> {
        self.blocks().iter().flat_map(|block| block.text.lines()).map(str::to_owned).collect()
    }

    /// The text without its fenced blocks.
    fn prose(&self) -> String {
        let mut inside = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            inside ^= fence;
            !inside && !fence
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    fn links(&self) -> Vec<String> {
        self.prose().split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> Document {
    let path = root().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    Document { path, text }
}

/// Everything that is written for people.
fn documents() -> Vec<Document> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let mut documents: Vec<Document> = top.map(document).into();
    for file in files("docs", "md").into_iter().chain(files("envoy", "md")) {
        documents.push(document(file.strip_prefix(root()).unwrap().to_str().unwrap()));
    }
    documents
}

/// The files of `folder` itself with that ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

/// The cells of the first table whose head begins so.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows = markdown::rows(text, head);
    assert!(!rows.is_empty(), "no table {head}");
    rows
}

/// The anchors of a document's headings, as they are made from their text.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        text.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let letters = |heading: &str| -> String {
        let kept = heading
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(letters).collect()
}
