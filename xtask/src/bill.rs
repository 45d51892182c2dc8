//! A bill of materials in the CycloneDX format, held against the members that its schema requires and against the crates
//! of which cargo builds a package.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::package::{cargo, output};

/// The version of the format.
pub const SPECIFICATION: &str = "1.5";
/// The kinds of components that it knows.
const KINDS: &[&str] = &[
    "application",
    "container",
    "cryptographic-asset",
    "data",
    "device",
    "device-driver",
    "file",
    "firmware",
    "framework",
    "library",
    "machine-learning-model",
    "operating-system",
    "platform",
];

/// The crates of which `package` is built for `target`, or for this machine: `NAME VERSION`.
///
/// # Errors
/// When cargo does not say them, as where `Cargo.lock` is not up to date.
pub fn crates(package: &str, target: Option<&str>) -> Result<BTreeSet<String>> {
    let mut tree = cargo()?;
    tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}"]);
    tree.args(["--package", package]).args(target.map(|target| format!("--target={target}")));
    let text = output(&mut tree)?;
    let named = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some(format!("{name} {}", rest.split(' ').next()?))
    };
    text.lines().map(|line| named(line).with_context(|| format!("cargo tree says {line:?}"))).collect()
}

/// What is wrong with a bill of materials of these crates.
pub fn problems(text: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let bill: Value = match serde_json::from_str(text) {
        Ok(bill) => bill,
        Err(error) => return vec![format!("it is no JSON: {error}")],
    };
    let mut problems = Vec::new();
    for (member, expected) in [("bomFormat", "CycloneDX"), ("specVersion", SPECIFICATION)] {
        if bill.get(member).and_then(Value::as_str) != Some(expected) {
            problems.push(format!("{member} is not {expected:?}"));
        }
    }
    let (mut named, mut references) = (BTreeSet::new(), BTreeSet::new());
    let Some(subject) = bill.pointer("/metadata/component") else {
        return vec!["it says of nothing what it is".to_owned()];
    };
    for component in std::iter::once(subject).chain(list(&bill, "components")) {
        match read(component) {
            Ok((name, reference)) if references.insert(reference) => drop(named.insert(name)),
            Ok((name, _)) => problems.push(format!("{name} is there twice")),
            Err(problem) => problems.push(problem),
        }
    }
    for dependency in list(&bill, "dependencies") {
        let from = dependency.get("ref").and_then(Value::as_str).unwrap_or_default();
        let to = list(dependency, "dependsOn").map(|to| to.as_str().unwrap_or_default());
        let unknown = std::iter::once(from).chain(to).filter(|reference| !references.contains(*reference));
        problems.extend(unknown.map(|reference| format!("dependencies: {reference:?} is no component")));
    }
    problems.extend(crates.difference(&named).map(|each| format!("it does not name {each}")));
    problems
}

/// `NAME VERSION` of a component, and what it is referred to by.
fn read(component: &Value) -> std::result::Result<(String, &str), String> {
    let text = |member: &str| {
        let text = component.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("a component has no {member}: {component}"))
    };
    let (kind, name, version, address) = (text("type")?, text("name")?, text("version")?, text("purl")?);
    if !KINDS.contains(&kind) {
        return Err(format!("{name} is of no kind that there is: {kind}"));
    }
    let expected = format!("pkg:cargo/{name}@{version}");
    if address.split('?').next() != Some(&expected) {
        return Err(format!("the purl of {name} {version} is {address}"));
    }
    Ok((format!("{name} {version}"), text("bom-ref")?))
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}
