//! Folders, as lists of the files in them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The files in `folder`, however deep, as paths within it, sorted.
///
/// # Errors
/// When it cannot be read.
pub fn all(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            found.extend(all(&entry.path())?.into_iter().map(|file| format!("{name}/{file}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}
