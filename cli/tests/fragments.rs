//! Parts of configurations of Envoy and of Kubernetes that documents show: in the place that they are meant for, nothing is
//! wrong with the whole, and where `check` would miss them, it says so.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

/// An Envoy with a place, and something in it, for each part that is shown: `KEY:` alone on its line, and the lines below.
const ENVOY: &str = r#"
static_resources:
  listeners:
  - name: orders
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.raw_buffer
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          common_http_protocol_options:
            headers_with_underscores_action: DROP_HEADER
          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
              log_format:
                text_format_source: {inline_string: "%RESPONSE_CODE%\n"}
          http_filters:
          - name: tessera
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                vm_config:
                  environment_variables: {host_env_keys: [IDP_CLIENT_SECRET]}
                configuration:
                  "@type": type.googleapis.com/google.protobuf.Struct
                  value:
                    providers:
                    - name: main
                      introspection:
                        endpoint: https://login.example.com/introspect
                        cluster: idp
                        client: {id: gateway, secret: {env: IDP_CLIENT_SECRET}}
                      audiences: [https://api.example.com]
                    apis: [{id: orders-v1}]
          - name: envoy.filters.http.cors
          - name: envoy.filters.http.router
          route_config:
            virtual_hosts:
            - name: orders
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: upstream}}]
  clusters:
  - name: other
"#;

/// What stands for the filter itself where its place is shown.
const FILTER: &str = "- name: tessera   # …";

/// What `check` says of [`ENVOY`] where the part of this key is not the one that a document shows.
const MISSED: [(&str, &str); 3] =
    [("clusters", "unknown-cluster"), ("http_filters", "preflight-refused"), ("vm_config", "env-not-passed")];

/// The same of the bases, without the resource of this kind.
const MISSED_RESOURCES: [(&str, &str, &str); 2] =
    [("DestinationRule", "istio/gateway", "no-tls"), ("BackendTLSPolicy", "envoy-gateway", "no-tls")];

/// What the clusters of [`ENVOY`] are where a document is not about them.
const IDP: &str = r#"clusters:
- name: idp
  connect_timeout: 1s
  transport_socket:
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
      common_tls_context:
        validation_context:
          trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}
          match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: login.example.com}}]
"#;

/// The filters of [`ENVOY`] likewise.
const FILTERS: &str =
    "http_filters:\n- name: envoy.filters.http.cors\n- name: tessera   # …\n- name: envoy.filters.http.router\n";

/// No variable is handed over.
const NO_VARIABLES: &str = "vm_config:\n  environment_variables: {host_env_keys: [OTHER]}\n";

#[test]
fn every_part_of_an_envoy_configuration_is_sound_in_its_place() {
    let mut shown = BTreeSet::new();
    for Block { place, text } in blocks("envoy") {
        let parts = parts(&text);
        let keys: Vec<&str> = parts.iter().map(|part| key(part)).collect();
        let rest: Vec<&str> = [IDP, FILTERS].into_iter().filter(|part| !keys.contains(&key(part))).collect();
        let whole = |parts: &[&str]| parts.iter().fold(ENVOY.to_owned(), |whole, part| put(&whole, part));
        let all: Vec<&str> = parts.iter().map(String::as_str).chain(rest).collect();
        assert_eq!(codes(&whole(&all)), [""; 0], "{place}");
        for (missed, code) in MISSED.into_iter().filter(|(missed, _)| keys.contains(missed)) {
            let mut without: Vec<&str> = all.iter().copied().filter(|part| key(part) != missed).collect();
            without.extend((missed == "vm_config").then_some(NO_VARIABLES));
            assert!(codes(&whole(&without)).iter().any(|said| said == code), "{place}: it does not matter");
            shown.insert(missed);
        }
    }
    assert_eq!(shown, MISSED.map(|(missed, _)| missed).into(), "shown nowhere");
}

#[test]
fn every_resource_is_sound_in_its_base() {
    let mut shown = BTreeSet::new();
    for Block { place, text } in blocks("kubernetes") {
        let kind = kind(&text).unwrap_or_else(|| panic!("{place}: no resource"));
        let known = MISSED_RESOURCES.into_iter().find(|(known, ..)| *known == kind);
        let (kind, base, code) = known.unwrap_or_else(|| panic!("{place}: no base for a {kind}"));
        let others: Vec<String> = resources(&root().join("envoy").join(base))
            .into_iter()
            .filter(|resource| self::kind(resource) != Some(kind))
            .map(|resource| resource.replace("idp.example.com", "login.example.com"))
            .collect();
        assert!(codes(&others.join("\n---\n")).iter().any(|said| said == code), "{place}: it does not matter");
        // As `kubectl --namespace tessera` would.
        let applied = text.replace("metadata: {name: idp}", "metadata: {name: idp, namespace: tessera}");
        assert_eq!(codes(&[others, vec![applied]].concat().join("\n---\n")), [""; 0], "{place}");
        shown.insert(kind);
    }
    assert_eq!(shown, MISSED_RESOURCES.map(|(kind, ..)| kind).into(), "shown nowhere");
}

struct Block {
    place: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The blocks of YAML of this kind in the documents.
fn blocks(kind: &str) -> Vec<Block> {
    let opening = format!("```yaml {kind}");
    let mut found = Vec::new();
    for document in markdown() {
        let text = fs::read_to_string(&document).unwrap();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if line == opening {
                let block = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
                let text = block.map(|line| format!("{line}\n")).collect();
                found.push(Block { place: format!("{}:{}", document.display(), number + 1), text });
            }
        }
    }
    assert!(found.len() > 1, "only {} blocks of {kind}", found.len());
    found
}

fn markdown() -> Vec<PathBuf> {
    let listed = |folder: &str| fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = listed(".").chain(listed("docs")).chain(listed("envoy"));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The members at the top, each with all its lines.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines() {
        if !line.starts_with([' ', '-', '#']) {
            parts.push(String::new());
        }
        let part = parts.last_mut().expect("a key at the top");
        part.push_str(&format!("{line}\n"));
    }
    parts
}

fn key(part: &str) -> &str {
    part.split(':').next().unwrap()
}

/// `whole` with this part instead of the one that it has.
#[track_caller]
fn put(whole: &str, part: &str) -> String {
    let key = key(part);
    let lines: Vec<&str> = whole.lines().collect();
    let is_there = |line: &&str| line.trim_start().trim_start_matches("- ") == format!("{key}:");
    let at = lines.iter().position(is_there).unwrap_or_else(|| panic!("no place for {key}"));
    let column = lines[at].find(key).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_of_it =
        |line: &&&str| indent(line) > column || indent(line) == column && line.trim_start().starts_with("- ");
    let end = at + 1 + lines[at + 1..].iter().take_while(is_of_it).count();
    let mut put: Vec<String> = lines[..at].iter().map(|line| (*line).to_owned()).collect();
    for (number, line) in part.lines().enumerate() {
        match line {
            // A list's dash stands before it.
            _ if number == 0 => put.push(format!("{}{line}", &lines[at][..column])),
            FILTER => put.extend(filter(&lines).map(|line| format!("{:column$}{}", "", &line[column..]))),
            _ => put.push(format!("{:column$}{line}", "")),
        }
    }
    put.extend(lines[end..].iter().map(|line| (*line).to_owned()));
    put.join("\n")
}

/// The lines of the filter.
fn filter<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let from = lines.iter().skip_while(|line| line.trim_start() != "- name: tessera").copied();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut column = None;
    from.take_while(move |line| *column.get_or_insert(indent(line)) < indent(line) || line.ends_with("name: tessera"))
}

fn kind(resource: &str) -> Option<&str> {
    resource.lines().find_map(|line| line.strip_prefix("kind: "))
}

/// What the kustomization of a folder consists of.
fn resources(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    let listed = text.lines().skip_while(|line| *line != "resources:").skip(1);
    let paths = listed.map_while(|line| line.strip_prefix("- ").map(|name| folder.join(name)));
    let read = |path: PathBuf| match path.is_dir() {
        true => resources(&path),
        false => fs::read_to_string(path).unwrap().split("\n---\n").map(str::to_owned).collect(),
    };
    paths.flat_map(read).collect()
}

/// The codes of all that `check` has to say.
fn codes(text: &str) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.args(["--json", "check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writing = thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["configurations"].as_array().unwrap().len(), 1, "{told}");
    let diagnostics = told["diagnostics"].as_array().unwrap();
    diagnostics.iter().map(|diagnostic| diagnostic["code"].as_str().unwrap().to_owned()).collect()
}
