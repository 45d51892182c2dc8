//! The commands of other programs that documents show: their subcommands are there, and so is each file that they name.
//! Those of `tessera` and `tessera-registry` run in the tests of these.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Document, code_spans, documents, root, yaml};

const LANGUAGES: [&str; 4] = ["bash", "sh", "shell", "text"];

/// What documents use of each program.
const SUBCOMMANDS: [(&str, &[&str]); 6] = [
    ("cargo", &["build", "clippy", "fmt", "test", "xtask"]),
    ("docker", &["build", "compose"]),
    ("docker compose", &["down", "run", "up"]),
    ("kubectl", &["apply", "get"]),
    ("skopeo", &["copy"]),
    ("istioctl", &["proxy-config"]),
];

const PROGRAMS: [&str; 13] = [
    "cargo",
    "curl",
    "docker",
    "envoy",
    "istioctl",
    "kubectl",
    "node",
    "python3",
    "skopeo",
    "tessera",
    "tessera-registry",
    ".venv/bin/envoy",
    "sed",
];

/// What a reader has, or has made by a command before; everything else that looks like a file is in the repository.
const OF_THE_READER: [&str; 18] = [
    ".venv/bin/envoy",
    "adopted.json",
    "ca.crt",
    "catalogue.toml",
    "conf.d/*.yaml",
    "contracts-orders.json",
    "contracts-users.json",
    "contracts.csv",
    "contracts.json",
    "everything.jsonl",
    "facts.json",
    "found.toml",
    "postgres.toml",
    "provider.toml",
    "registry-backup.jsonl",
    "target/mcp.yaml",
    "target/image",
    "target/native-image",
];

/// A command as a document shows it, without what it is given in its environment.
struct Shown {
    document: PathBuf,
    place: String,
    words: Vec<String>,
}

#[test]
fn every_subcommand_is_known() {
    let mut used = BTreeSet::new();
    for shown in shown() {
        for (program, known) in SUBCOMMANDS {
            let Some(word) = shown.subcommand(program) else { continue };
            assert!(known.contains(&word), "{}: {program} {word}", shown.place);
            used.insert((program, word.to_owned()));
        }
    }
    let known = SUBCOMMANDS.iter().flat_map(|(program, words)| words.iter().map(|word| (*program, (*word).to_owned())));
    assert_eq!(used, known.collect());
}

#[test]
fn every_file_in_a_command_exists() {
    let (mut count, mut of_the_reader) = (0, BTreeSet::new());
    for shown in shown() {
        for word in shown.words.iter().filter_map(|word| path(word)) {
            count += 1;
            match OF_THE_READER.iter().find(|name| **name == word) {
                Some(name) => drop(of_the_reader.insert(*name)),
                None => assert!(shown.is_there(word), "{}: there is no {word}", shown.place),
            }
        }
    }
    assert!(count > 40, "only {count} files were found");
    assert_eq!(of_the_reader, OF_THE_READER.into(), "named by no command");
}

#[test]
fn cargo_knows_every_package_and_test_that_is_named() {
    let members = ["", "cli", "core", "registry", "xtask"].map(|folder| root().join(folder));
    let manifests: String =
        members.iter().map(|folder| fs::read_to_string(folder.join("Cargo.toml")).unwrap()).collect();
    let steps = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let mut count = 0;
    for shown in shown().iter().filter(|shown| shown.words[0] == "cargo") {
        for pair in shown.words.windows(2) {
            let (flag, name) = (pair[0].as_str(), pair[1].as_str());
            let is_known = match flag {
                "-p" | "--package" => manifests.contains(&format!("\nname = \"{name}\"\n")),
                "--test" => members.iter().any(|folder| {
                    let tests = folder.join("tests");
                    tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file()
                }),
                "xtask" => steps.contains(&format!("[\"{name}\"")),
                _ => continue,
            };
            count += 1;
            assert!(is_known, "{}: {flag} {name}", shown.place);
        }
    }
    assert!(count > 5, "only {count} were found");
}

#[test]
fn compose_knows_every_service_and_profile_that_is_named() {
    let mut count = 0;
    for shown in shown().iter().filter(|shown| shown.words.starts_with(&["docker".to_owned(), "compose".to_owned()])) {
        let after = |flag: &str| shown.words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].as_str());
        let Some(file) = after("-f") else { continue };
        let text = fs::read_to_string(root().join(file)).unwrap();
        let services = yaml(&text, file)["services"].clone();
        if let Some(profile) = after("--profile") {
            assert!(text.contains(&format!("profiles: [{profile}]\n")), "{}: {profile}", shown.place);
        }
        if let Some(service) = after("--rm") {
            count += 1;
            assert!(services.get(service).is_some(), "{}: no service {service}", shown.place);
        }
    }
    assert!(count > 1, "only {count} services were found");
}

#[test]
fn scripts_know_every_option_that_is_shown() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let benches = ["command", "rows", "bed"].map(|name| read(&format!("benches/testbed/{name}.py"))).concat();
    let mut count = 0;
    for shown in shown() {
        let [program, script, options @ ..] = shown.words.as_slice() else { continue };
        // As Python's `argparse` and Node's `parseArgs` have them.
        let declared: fn(&str) -> String = match program.as_str() {
            "python3" => |option| format!("\"{option}\""),
            "node" => |option| format!(" {}: {{ type: '", option.trim_start_matches('-')),
            _ => continue,
        };
        let text = if script.starts_with("benches/") { read(script) + &benches } else { read(script) };
        for option in options.iter().filter(|word| word.starts_with("--") && *word != "--help") {
            count += 1;
            assert!(text.contains(&declared(option)), "{}: {option}", shown.place);
        }
    }
    assert!(count > 5, "only {count} options were found");
}

impl Shown {
    fn subcommand(&self, program: &str) -> Option<&str> {
        let count = program.split(' ').count();
        let is_it = program.split(' ').eq(self.words.iter().take(count).map(String::as_str));
        let mut rest = self.words.iter().skip(count).filter(|_| is_it);
        loop {
            match rest.next()?.as_str() {
                "-f" | "--profile" => drop(rest.next()),
                word if word.starts_with('-') => {}
                word => return Some(word),
            }
        }
    }

    /// In the repository, among the examples, or beside the document.
    fn is_there(&self, word: &str) -> bool {
        let folders = [root(), root().join("envoy"), self.document.parent().unwrap().to_owned()];
        folders.iter().any(|folder| match word.rsplit_once("/*") {
            Some((inner, ending)) => has_any(&folder.join(inner), ending),
            None => folder.join(word).exists(),
        })
    }
}

fn has_any(folder: &Path, ending: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.into_iter().any(|entry| entry.unwrap().file_name().to_string_lossy().ends_with(ending))
}

/// The word, if it names a file or a folder.
fn path(word: &str) -> Option<&str> {
    const ENDINGS: [&str; 9] = [".crt", ".csv", ".json", ".jsonl", ".mjs", ".py", ".toml", ".wasm", ".yaml"];
    let word = word.strip_prefix("oci:").unwrap_or(word);
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/*".contains(&byte));
    let is_path = word.contains('/') || ENDINGS.iter().any(|ending| word.ends_with(ending));
    (is_plain && is_path && !word.starts_with(['-', '/'])).then_some(word)
}

/// The commands in blocks and between backticks.
fn shown() -> Vec<Shown> {
    let mut shown = Vec::new();
    for document in documents() {
        let blocks = document.blocks();
        let in_blocks = blocks.iter().filter(|block| LANGUAGES.contains(&block.language.as_str()));
        let mut lines: Vec<String> = in_blocks.flat_map(|block| joined(&block.text)).collect();
        lines.extend(code_spans(&document.prose()).into_iter().filter(|span| span.contains(' ')));
        lines.extend(indented(&document));
        for line in lines {
            // What it does stands behind it, further to the right; what is written somewhere is nobody's yet.
            let line = line.trim_start().trim_start_matches("$ ").split("    ").next().unwrap().to_owned();
            for part in line.split(" | ").flat_map(|part| part.split(" && ")) {
                let words = part.split(['>', '#']).next().unwrap().split_whitespace();
                let words: Vec<String> = words
                    .map(|word| word.trim_matches(['\'', '"']).to_owned())
                    .skip_while(|word| word.contains('=') && !word.starts_with('-'))
                    .collect();
                if words.first().is_some_and(|program| PROGRAMS.contains(&program.as_str())) {
                    let place = format!("{}: {part}", document.name());
                    shown.push(Shown { document: document.path.clone(), place, words });
                }
            }
        }
    }
    assert!(shown.len() > 70, "only {} commands were found", shown.len());
    shown
}

/// The lines; those that go on in the next are one.
fn joined(text: &str) -> Vec<String> {
    text.replace("\\\n", " ").lines().map(str::to_owned).collect()
}

/// The lines of blocks that are told by their indentation.
fn indented(document: &Document) -> Vec<String> {
    document.prose().lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
}
