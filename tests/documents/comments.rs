//! Every module and every type of the source says what it is for.

use std::fs;
use std::path::{Path, PathBuf};

use super::root;

#[test]
fn every_module_and_every_public_type_has_documentation() {
    let (mut missing, mut types) = (Vec::new(), 0);
    for file in ["src", "core/src"].iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        if !lines.first().is_some_and(|line| line.starts_with("//! ")) {
            missing.push(format!("{}", file.display()));
        }
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| declares_type(line)) {
            types += 1;
            if !is_documented(&lines[..number]) {
                missing.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(missing.is_empty(), "without documentation:\n{}", missing.join("\n"));
    assert!(types > 100, "only {types} types were found");
}

#[test]
fn a_type_without_documentation_is_noticed() {
    let documented = ["/// A word.", "#[derive(Clone)]"];
    assert!(declares_type("pub struct Word(u8);") && declares_type("    pub(super) enum Kind {"));
    assert!(!declares_type("use crate::word::Word;") && !declares_type("pub fn structure() {}"));
    assert!(is_documented(&documented));
    assert!(!is_documented(&documented[1..]));
    assert!(!is_documented(&["/// Another one.", "struct Other;", ""]));
}

fn declares_type(line: &str) -> bool {
    let Some(public) = line.trim_start().strip_prefix("pub") else { return false };
    let declared = public.strip_prefix('(').and_then(|scope| scope.split_once(')')).map_or(public, |(_, rest)| rest);
    [" struct ", " enum ", " trait ", " type ", " union "].iter().any(|keyword| declared.starts_with(keyword))
}

/// Whether the lines before a declaration end with its documentation, or with that of a macro's caller; attributes may be
/// in between.
fn is_documented(before: &[&str]) -> bool {
    let line = before.iter().rev().map(|line| line.trim_start()).find(|line| !line.starts_with("#["));
    line.is_some_and(|line| line.starts_with("///") || line.starts_with("$(#[$doc])"))
}

/// The source files below `folder`, those of tests apart.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
