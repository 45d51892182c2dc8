//! What is shipped and shown passes `check --deny-warnings`: everything under `envoy/`, every configuration in a document.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

/// Folders and files under `envoy/` that hold no configuration of Envoy or of a control plane.
const OTHERS: [&str; 6] =
    ["demo/", "docker-compose.yaml", "grafana/", "kubernetes/registry/", "prometheus/", "registry-compose.yaml"];

/// What a fragment of a configuration lacks.
const REST: [(&str, &str); 2] = [
    (
        "providers",
        r#"providers: [{name: main, audiences: [a], introspection: {endpoint: "https://idp.example.com/introspect", cluster: idp, client: {id: gateway, secret: {env: SECRET}}}}]"#,
    ),
    ("apis", "apis: [{id: orders-v1}]"),
];

#[test]
fn everything_under_envoy_passes() {
    let envoy = root().join("envoy");
    let mut checked = BTreeSet::new();
    for file in files(&envoy, &["yaml", "json"]) {
        let text = fs::read_to_string(&file).unwrap();
        let is_base = file.ends_with("kustomization.yaml");
        let group = if is_base { kustomized(file.parent().unwrap()) } else { vec![file.clone()] };
        if (is_base && has_plugin(&group)) || text.lines().any(|line| line == "static_resources:") {
            pass(&group);
            checked.extend(group);
        }
    }
    let kustomizations = |file: &PathBuf| file.ends_with("kustomization.yaml");
    let is_other = |file: &PathBuf| {
        let name = file.strip_prefix(&envoy).unwrap().to_str().unwrap();
        OTHERS.iter().any(|other| name.starts_with(other))
    };
    let mut unchecked = files(&envoy, &["yaml", "json"]);
    unchecked.retain(|file| !checked.contains(file) && !kustomizations(file) && !is_other(file));
    assert!(unchecked.is_empty(), "neither checked nor of another kind: {unchecked:#?}");
    assert!(checked.len() > 15, "only {} files were found", checked.len());
}

#[test]
fn every_configuration_in_a_document_passes() {
    let folder = env::temp_dir().join(format!("tessera-shipped-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut checked = 0;
    for document in files(&root().join("docs"), &["md"]).into_iter().chain([root().join("README.md")]) {
        for (number, text) in configurations(&fs::read_to_string(&document).unwrap()) {
            let stem = document.file_stem().unwrap().to_str().unwrap();
            let file = folder.join(format!("{stem}-{number}.yaml"));
            fs::write(&file, completed(&text)).unwrap();
            pass(&[file]);
            checked += 1;
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(checked > 30, "only {checked} configurations were found");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn pass(files: &[PathBuf]) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tessera")).args(["check", "--deny-warnings"]).args(files).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{files:#?}\n{}", String::from_utf8_lossy(&said));
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(|own| extensions.iter().any(|extension| own == *extension)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn has_plugin(files: &[PathBuf]) -> bool {
    const KINDS: [&str; 4] = ["WasmPlugin", "TrafficExtension", "EnvoyFilter", "EnvoyExtensionPolicy"];
    files.iter().any(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().any(|line| line.strip_prefix("kind: ").is_some_and(|kind| KINDS.contains(&kind)))
    })
}

/// The files that the kustomization of a folder consists of.
fn kustomized(folder: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    let resources = text.lines().skip_while(|line| *line != "resources:").skip(1);
    let resources = resources.map_while(|line| line.strip_prefix("- ").map(|name| folder.join(name)));
    resources
        .map(|resource| resource.canonicalize().unwrap())
        .flat_map(|resource| if resource.is_dir() { kustomized(&resource) } else { vec![resource] })
        .collect()
}

/// The blocks ```` ```yaml configuration ````, each with the number of its first line.
fn configurations(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
        if info.ends_with(" configuration") {
            assert_eq!(info, "yaml configuration");
            found.push((number + 1, format!("{}\n", block.join("\n"))));
        }
    }
    found
}

/// Members that are shown alone, in a configuration that is complete but for them.
fn completed(shown: &str) -> String {
    let has = |key: &str| shown.lines().any(|line| line.starts_with(&format!("{key}:")));
    let missing = REST.iter().filter(|(key, _)| !has(key)).map(|(_, member)| *member);
    std::iter::once(shown.trim_end()).chain(missing).collect::<Vec<_>>().join("\n")
}
