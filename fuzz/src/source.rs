//! Where seeds come from: the documents.

use super::markdown::{Block, blocks};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if package.ends_with("fuzz") { package.join("..") } else { package.to_owned() }
}

/// The blocks of this kind in all documents.
pub fn documented(kind: &str) -> Vec<Block> {
    let mut files: Vec<_> = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let read = |file: &PathBuf| blocks(&file.display().to_string(), &fs::read_to_string(file).unwrap());
    files.iter().flat_map(read).filter(|block| block.kind.split(' ').next() == Some(kind)).collect()
}
