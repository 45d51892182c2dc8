//! A release as its user gets it: each file that it must have and no other, with the content that its checksums say, and
//! bills of materials that name every crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::digest::sha256;
use crate::{bill, files};

/// The file that `sha256sum --check` reads.
pub const CHECKSUMS: &str = "SHA256SUMS";

/// What a release must have.
pub struct Contents {
    /// Every file but the checksums.
    pub files: BTreeSet<String>,
    /// The crates that a bill of materials must name, by its file.
    pub crates: BTreeMap<String, BTreeSet<String>>,
}

/// # Errors
/// When something is wrong with the release in `folder`, or it cannot be read.
pub fn check(folder: &Path, contents: &Contents) -> Result<()> {
    let problems = problems(folder, contents)?;
    ensure!(problems.is_empty(), "{} is no whole release:\n{}", folder.display(), problems.join("\n"));
    Ok(())
}

fn problems(folder: &Path, contents: &Contents) -> Result<Vec<String>> {
    let present: BTreeSet<String> = files::all(folder)?.into_iter().filter(|name| name != CHECKSUMS).collect();
    let mut problems: Vec<String> = Vec::new();
    problems.extend(contents.files.difference(&present).map(|name| format!("{name} is missing")));
    problems.extend(present.difference(&contents.files).map(|name| format!("{name} is no part of a release")));
    problems.extend(wrong_checksums(folder, &present)?);
    for (name, crates) in contents.crates.iter().filter(|(name, _)| present.contains(*name)) {
        let text = String::from_utf8(read(&folder.join(name))?)?;
        problems.extend(bill::problems(&text, crates).into_iter().map(|problem| format!("{name}: {problem}")));
    }
    Ok(problems)
}

fn wrong_checksums(folder: &Path, present: &BTreeSet<String>) -> Result<Vec<String>> {
    let file = folder.join(CHECKSUMS);
    if !file.is_file() {
        return Ok(vec![format!("{CHECKSUMS} is missing")]);
    }
    let text = String::from_utf8(read(&file)?)?;
    let (mut problems, mut told) = (Vec::new(), BTreeSet::new());
    for line in text.lines() {
        let (digest, name) = line.split_once("  ").with_context(|| format!("{CHECKSUMS}: {line:?} is no checksum"))?;
        if present.contains(name) && sha256(&read(&folder.join(name))?) != digest {
            problems.push(format!("{name} has another content than {CHECKSUMS} says"));
        }
        told.insert(name.to_owned());
    }
    problems.extend(present.difference(&told).map(|name| format!("{CHECKSUMS} does not know {name}")));
    problems.extend(told.difference(present).map(|name| format!("{CHECKSUMS} knows {name}, which is not there")));
    Ok(problems)
}

/// The content of a file.
///
/// # Errors
/// When it cannot be read; the text names it.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
