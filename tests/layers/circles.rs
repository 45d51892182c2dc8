//! Files that import each other in a circle.
//!
//! An import leads to the file that defines what it names: re-exports are followed, and are no imports of the file that
//! makes them unless it also uses the name. Test code does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as File;

use crate::source::{Path, Source, Tests, read};

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = crate::CRATES.iter().flat_map(|first| circles(&modules(&crate::root().join(first))));
    let circles: Vec<String> = circles.map(|circle| circle.to_string()).collect();
    assert!(circles.is_empty(), "files that import each other in a circle:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_noticed_however_it_is_written() {
    for (a, b) in [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use super::b::B;", "use super::a::A;"),
        ("use crate::{b::{self, B}};", "fn f() { crate::a::f() }"),
        ("use crate::b; fn f() { b::f() }", "struct B(super::a::A);"),
        ("use crate::B;", "use crate::A;"),
        ("mod inside { use super::super::b::B; }", "use crate::{other::O, a::A as Z};"),
        ("use crate::b::*;", "use crate::a::*;"),
        ("fn f() { let x = [1]; g(crate::b::B) }", "pub(crate) use crate::a::A; fn f(_: A) {}"),
    ] {
        let root = "mod a; mod b; mod other; pub use a::A; pub use self::b::B;";
        assert_eq!(found(&[("", root), ("a", a), ("b", b), ("other", "")]), [["a", "b"]], "{a} {b}");
    }
    let three =
        [("", "mod a; mod b; mod c;"), ("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", "use crate::a::A;")];
    assert_eq!(found(&three), [["a", "b", "c"]]);
}

#[test]
fn a_parent_that_uses_the_child_that_uses_it_is_a_circle() {
    for (parent, child) in [
        ("mod child; use child::C; pub struct P;", "use super::P;"),
        ("mod child; pub use child::C; pub struct P(C);", "use super::P;"),
        ("mod child; fn f() { child::f() } pub struct P;", "fn g() -> super::P { super::P }"),
    ] {
        assert_eq!(found(&[("", parent), ("child", child)]), [["", "child"]], "{parent} {child}");
    }
}

#[test]
fn declarations_re_exports_and_tests_are_no_imports() {
    for (parent, child) in [
        ("mod child; mod peer; pub use child::C; pub use peer::Q; pub struct P;", "use super::P; use super::Q;"),
        ("mod child; mod peer; pub struct P;", "use super::P; #[cfg(test)] mod tests { use super::super::peer; }"),
        ("mod child; mod peer; #[cfg(test)] use child::C; pub struct P;", "use super::P; use crate::peer::Q;"),
        (
            "mod child; mod peer; /// [`child::C`]\npub struct P;",
            "use super::P; use std::peer::Q; fn f() { ::child::g() }",
        ),
    ] {
        let files = [
            ("", parent),
            ("child", child),
            ("peer", "#[cfg(test)] #[path = \"x\"] mod tests { use crate::child::C; }"),
        ];
        assert_eq!(found(&files), Vec::<Vec<String>>::new(), "{parent} {child}");
    }
}

/// The circles of a crate with these modules, directly below its root.
fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let module = |(name, text): &(&str, &str)| {
        let at: Path = Some((*name).to_owned()).filter(|name| !name.is_empty()).into_iter().collect();
        (at.clone(), Module { file: (*name).to_owned(), source: read(&at, text, Tests::Skip) })
    };
    circles(&files.iter().map(module).collect()).into_iter().map(|circle| circle.files).collect()
}

struct Module {
    /// Its path in the repository.
    file: String,
    source: Source,
}

type Modules = BTreeMap<Path, Module>;

/// The modules of the crate that begins with `first`, those for tests apart.
fn modules(first: &File) -> Modules {
    let mut modules = Modules::new();
    let folder = first.parent().unwrap();
    let mut open = vec![(Path::new(), first.to_owned())];
    while let Some((at, file)) = open.pop() {
        let source = read(&at, &fs::read_to_string(&file).unwrap(), Tests::Skip);
        for name in &source.modules {
            let at: Path = at.iter().chain([name]).cloned().collect();
            let stem = folder.join(at.join("/"));
            let candidates = [stem.with_extension("rs"), stem.join("mod.rs")];
            let file = candidates.into_iter().find(|file| file.exists());
            open.push((at, file.unwrap_or_else(|| panic!("no file for {}", stem.display()))));
        }
        let file = file.strip_prefix(crate::root()).unwrap().display().to_string();
        modules.insert(at, Module { file, source });
    }
    modules
}

struct Circle {
    files: Vec<String>,
    /// Who imports whom within it.
    arrows: Vec<String>,
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "  {}\n    {}", self.files.join(", "), self.arrows.join("\n    "))
    }
}

/// The groups of modules in which each reaches each other one.
fn circles(modules: &Modules) -> Vec<Circle> {
    let arrows: BTreeMap<&Path, BTreeMap<&Path, String>> =
        modules.keys().map(|at| (at, imports(modules, at))).collect();
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = modules.keys().map(|at| (at, reach(&arrows, at))).collect();
    let mut circles = Vec::new();
    let mut seen = BTreeSet::new();
    for at in modules.keys() {
        if !reached[at].contains(at) || seen.contains(at) {
            continue;
        }
        let group: Vec<&Path> = reached[at].iter().copied().filter(|other| reached[other].contains(at)).collect();
        seen.extend(group.iter().copied());
        let file = |at: &Path| modules[at].file.clone();
        let inner = group.iter().flat_map(|from| {
            let inside = arrows[from].iter().filter(|(to, _)| group.contains(to));
            inside.map(|(to, name)| format!("{} names {name} of {}", file(from), file(to)))
        });
        circles.push(Circle { arrows: inner.collect(), files: group.iter().map(|at| file(at)).collect() });
    }
    circles
}

fn reach<'a>(arrows: &BTreeMap<&'a Path, BTreeMap<&'a Path, String>>, from: &'a Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        open.extend(arrows[at].keys().copied().filter(|to| reached.insert(*to)));
    }
    reached
}

/// The modules that the one at `at` imports from, each with a name that it imports.
fn imports<'a>(modules: &'a Modules, at: &Path) -> BTreeMap<&'a Path, String> {
    let source = &modules[at].source;
    let is_used = |name: &Option<String>| name.as_ref().is_some_and(|name| source.identifiers.contains(name));
    let imported = source.imports.iter().filter(|import| !import.public || is_used(&import.name));
    let named = imported.map(|import| &import.path).chain(&source.paths);
    let mut found = BTreeMap::new();
    for path in named {
        if let Some(module) = home(modules, path.clone())
            && module != at
        {
            found.entry(module).or_insert_with(|| path.join("::"));
        }
    }
    found
}

/// The module that defines what `path` names.
fn home(modules: &Modules, mut path: Path) -> Option<&Path> {
    // More re-exports than modules: one that leads to itself.
    for _ in 0..=modules.len() {
        let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
        let (module, of) = modules.get_key_value(&path[..length])?;
        let Some(name) = path.get(length) else { return Some(module) };
        let import = of.source.imports.iter().find(|import| import.name.as_ref() == Some(name));
        let Some(import) = import else { return Some(module) };
        path = import.path.iter().chain(&path[length + 1..]).cloned().collect();
    }
    None
}
