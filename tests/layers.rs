//! The arrows between the modules: who may name whom. ARCHITECTURE.md shows the same table.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};

/// Each module, from the bottom to the top, and the modules that it may name. All of those stand before it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("port", &[]),
    ("base", &["port"]),
    ("outcome", &[]),
    ("feed", &["base", "port"]),
    ("token", &["base", "port"]),
    ("reply", &["base", "outcome"]),
    ("provider", &["base", "outcome", "token"]),
    ("cache", &["base", "port", "token"]),
    ("contract", &["base", "feed", "port"]),
    ("policy", &["base", "provider", "token"]),
    ("decision", &["base", "contract", "outcome", "policy", "provider", "token"]),
    ("upstream", &["base", "decision", "policy", "port", "token"]),
    (
        "engine",
        &[
            "base", "cache", "contract", "decision", "feed", "outcome", "policy", "port", "provider", "reply", "token",
            "upstream",
        ],
    ),
    ("config", &["base", "cache", "contract", "engine", "feed", "policy", "provider", "reply", "token"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source of the core.
fn core() -> PathBuf {
    root().join("core/src")
}

#[test]
fn every_arrow_in_the_source_points_where_it_may() {
    let mut wrong = Vec::new();
    for file in sources(&core()) {
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
    let of_files: BTreeSet<String> = sources(&core())
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
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut named = Vec::new();
    find_names(tokens, depth(file), &mut named);
    named
        .into_iter()
        .filter(|name| *name != module && !allowed.contains(&name.as_str()))
        .map(|name| format!("core/src/{}: {module} may not name {name}", file.display()))
        .collect()
}

/// The first segment of `file`'s module path.
fn module_of(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// How many `super`s lead from `file` to the crate's root.
fn depth(file: &Path) -> usize {
    file.components().count() - usize::from(file.ends_with("mod.rs"))
}

/// Collects the modules at the crate's root that `tokens` name: by `crate::`, or by as many `super::` as lead there.
fn find_names(tokens: TokenStream, depth: usize, named: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) => find_names(group.stream(), depth, named),
            TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                let by_super = ident == "super";
                let mut supers = usize::from(by_super);
                while by_super && is_path(&tokens, at) && is_super(tokens.get(at + 2)) {
                    supers += 1;
                    at += 3;
                }
                if is_path(&tokens, at) && (!by_super || supers >= depth) {
                    let roots = roots(tokens.get(at + 2));
                    // Inside of nested modules that many `super`s may stay below the root: only known names count.
                    let known = |name: &String| !by_super || MAY_NAME.iter().any(|(module, _)| module == name);
                    named.extend(roots.into_iter().filter(known));
                }
            }
            _ => {}
        }
    }
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    [at, at + 1].iter().all(|at| matches!(tokens.get(*at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':'))
}

fn is_super(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == "super")
}

/// The first segments behind `crate::`: one name, or those of a `{…}` list.
fn roots(token: Option<&TokenTree>) -> Vec<String> {
    match token {
        Some(TokenTree::Ident(ident)) => vec![ident.to_string()],
        Some(TokenTree::Group(group)) => {
            let mut starts = true;
            let mut names = Vec::new();
            for token in group.stream() {
                match token {
                    TokenTree::Ident(ident) if starts => names.push(ident.to_string()),
                    TokenTree::Punct(punct) if punct.as_char() == ',' => {
                        starts = true;
                        continue;
                    }
                    _ => {}
                }
                starts = false;
            }
            names
        }
        _ => Vec::new(),
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
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
