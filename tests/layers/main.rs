//! The form of the source: which module may name which, as ARCHITECTURE.md shows it, no circles, no long files.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use source::{Tests, files, read};

mod circles;
mod length;
mod names;
mod source;

/// Each module, from the bottom to the top, and the modules that it may name. All of those stand before it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("port", &[]),
    ("base", &["port"]),
    ("outcome", &[]),
    ("jose", &["base", "port"]),
    ("feed", &["base", "port"]),
    ("token", &["base", "port"]),
    ("proof", &["base", "jose", "port", "token"]),
    ("reply", &["base", "outcome"]),
    ("provider", &["base", "feed", "jose", "outcome", "port", "token"]),
    ("cache", &["base", "port", "token"]),
    ("contract", &["base", "feed", "port"]),
    ("policy", &["base", "provider", "token"]),
    ("decision", &["base", "contract", "outcome", "policy", "provider", "token"]),
    ("upstream", &["base", "decision", "policy", "port", "token"]),
    (
        "engine",
        &[
            "base", "cache", "contract", "decision", "feed", "jose", "outcome", "policy", "port", "proof", "provider",
            "reply", "token", "upstream",
        ],
    ),
    (
        "config",
        &[
            "base", "cache", "contract", "engine", "feed", "jose", "policy", "port", "proof", "provider", "reply",
            "token",
        ],
    ),
];

/// Every crate, by its first file.
const CRATES: &[&str] = &[
    "core/src/lib.rs",
    "src/lib.rs",
    "native/src/lib.rs",
    "cli/src/lib.rs",
    "registry/src/lib.rs",
    "signatures/src/lib.rs",
    "xtask/src/main.rs",
    "benches/load/src/main.rs",
    "benches/floor/src/lib.rs",
];

/// Crates for tests alone, which include files of other folders: only their length counts.
const TEST_CRATES: &[&str] = &["fuzz/src/lib.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files of a crate, those for tests apart.
fn production_files(first: &str) -> Vec<PathBuf> {
    let is_for_tests = |file: &PathBuf| file.ends_with("tests.rs") || file.iter().any(|part| part == "tests");
    let mut all = files(root().join(first).parent().unwrap());
    all.retain(|file| !is_for_tests(file));
    all
}

/// Where a file is in the repository.
fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn every_crate_is_looked_at() {
    let members = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = members.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    for name in members.split('"').skip(1).step_by(2) {
        assert!(CRATES.iter().any(|first| first.starts_with(&format!("{name}/"))), "{name} is not in the list");
    }
}

/// The source of the core.
fn core() -> PathBuf {
    root().join("core/src")
}

#[test]
fn every_arrow_in_the_source_points_where_it_may() {
    let mut wrong = Vec::new();
    for file in files(&core()) {
        let inside = file.strip_prefix(core()).unwrap().to_owned();
        if inside == Path::new("lib.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        wrong.extend(wrong_arrows(&inside, &text));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_every_module_once_and_no_arrow_points_up() {
    let listed: Vec<&str> = MAY_NAME.iter().map(|(module, _)| *module).collect();
    for (position, (module, named)) in MAY_NAME.iter().enumerate() {
        let below: BTreeSet<&str> = listed.iter().take(position).copied().collect();
        let up: Vec<_> = named.iter().filter(|name| !below.contains(**name)).collect();
        assert!(up.is_empty(), "{module} may name {up:?}, which do not stand before it");
    }
    let of_files: BTreeSet<String> = files(&core())
        .iter()
        .map(|file| module_of(file.strip_prefix(core()).unwrap()))
        .filter(|module| module != "lib")
        .collect();
    assert_eq!(listed.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), of_files);
    assert_eq!(listed.len(), of_files.len());
}

#[test]
fn architecture_md_shows_the_same_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (module, named) in MAY_NAME {
        let named: Vec<String> = named.iter().map(|name| format!("`{name}`")).collect();
        let named = if named.is_empty() { "nothing".to_owned() } else { named.join(", ") };
        let row = format!("| `{module}` | {named} |");
        assert!(text.contains(&row), "ARCHITECTURE.md has no row\n{row}");
    }
}

#[test]
fn a_wrong_arrow_is_noticed_however_it_is_written() {
    for text in [
        "use crate::engine::worker::Worker;",
        "use crate::{base::time::Timestamp, engine::worker::Worker};",
        "use crate::{\n    base::time::{self, Timestamp},\n    engine,\n};",
        "fn f() { crate::engine::worker::start(); }",
        "pub(crate) struct A(crate :: engine :: Worker);",
        "use super::super::engine::Worker;",
        "mod tests { use super::super::super::engine::Worker; }",
        "fn f() { let url = \"https://\"; crate::engine::go() }",
        "use crate::nowhere::Thing;",
    ] {
        assert_eq!(wrong_arrows(Path::new("cache/shared.rs"), text).len(), 1, "{text}");
    }
    assert_eq!(wrong_arrows(Path::new("reply.rs"), "use super::engine::Worker;").len(), 1);
    assert_eq!(wrong_arrows(Path::new("cache/mod.rs"), "use super::engine::Worker;").len(), 1);
}

#[test]
fn a_right_arrow_is_left_alone() {
    for text in [
        "use crate::base::time::Timestamp; use crate::cache::entry::Remembered; use super::entry::Remembered;",
        "// use crate::engine::worker::Worker;\n/// See [`crate::engine`].\nfn f() {}",
        "const TEXT: &str = \"use crate::engine::worker::Worker;\";",
        "pub(crate) fn f() {} mod tests { use super::*; }",
        "mod engine { } use self::engine as other; use super::engine as also;",
    ] {
        assert_eq!(wrong_arrows(Path::new("cache/shared.rs"), text), Vec::<String>::new(), "{text}");
    }
}

/// What `text`, the source of `file` below `src`, names without leave.
fn wrong_arrows(file: &Path, text: &str) -> Vec<String> {
    let module = module_of(file);
    let (_, allowed) = MAY_NAME.iter().find(|(name, _)| *name == module).expect("a module of the table");
    let source = read(&module_path(file), text, Tests::Read);
    let imported = source.imports.iter().map(|import| &import.path);
    imported
        .chain(&source.paths)
        .filter_map(|path| path.first())
        .filter(|name| **name != module && !allowed.contains(&name.as_str()))
        .map(|name| format!("core/src/{}: {module} may not name {name}", file.display()))
        .collect()
}

/// The first segment of `file`'s module path.
fn module_of(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn module_path(file: &Path) -> Vec<String> {
    let stem = if file.ends_with("mod.rs") { file.parent().unwrap().to_owned() } else { file.with_extension("") };
    stem.iter().map(|segment| segment.to_str().unwrap().to_owned()).collect()
}

/// Built with no SDK and for no host, by what cargo says of its dependencies.
#[test]
fn the_core_depends_on_no_sdk_on_any_target() {
    let tree = |package: &str, target: &str| {
        let output = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["tree", "--package", package, "--edges", "normal,build", "--prefix", "none", "--target", target])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for target in ["all", "wasm32-wasip1"] {
        let core = tree("tessera-core", target);
        assert!(core.starts_with("tessera-core ") && core.contains("\nserde_json "), "{core}");
        assert!(!core.contains("proxy-wasm"), "{core}");
    }
    assert!(
        tree("tessera", "wasm32-wasip1").contains("\nproxy-wasm "),
        "the shell does, or this looks in the wrong place"
    );
}
