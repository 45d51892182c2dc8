//! The manifests of `envoy/` with the digests of what was built filled in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The folders of `envoy/` that have manifests.
const FOLDERS: &[&str] = &["envoy-gateway", "istio", "kubernetes"];
/// What stands in the repository for the digest of the image, which fetchers compare.
const IMAGE: char = '0';
/// What stands there for the digest of the module, which Envoy compares where it downloads the module itself.
const MODULE: char = '1';

/// Where they are written.
pub fn path() -> Result<PathBuf> {
    Ok(crate::module::root()?.join("target/manifests"))
}

/// Writes all manifests to `folder`, in the place of what was there.
///
/// # Errors
/// When a file cannot be read or written, or no digest was to be filled in.
pub fn write(folder: &Path, image: &str, module: &str) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let mut filled = false;
    for name in FOLDERS {
        let source = crate::module::root()?.join("envoy").join(name);
        for file in crate::files::all(&source)? {
            let text = fs::read_to_string(source.join(&file)).with_context(|| format!("cannot read {file}"))?;
            let complete = fill(&text, image, module);
            filled |= complete != text;
            let target = folder.join(name).join(&file);
            fs::create_dir_all(target.parent().unwrap_or(folder))?;
            fs::write(&target, complete).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    ensure!(filled, "no manifest has a place for a digest");
    Ok(())
}

fn fill(text: &str, image: &str, module: &str) -> String {
    let place = |digit: char| format!("\"{}\"", digit.to_string().repeat(64));
    let quoted = |digest: &str| format!("\"{digest}\"");
    text.replace(&place(IMAGE), &quoted(image)).replace(&place(MODULE), &quoted(module))
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn each_place_gets_the_digest_that_is_compared_there() {
        let text = format!("a: \"{}\"\nb: \"{}\"\nc: \"{}\"\n", "0".repeat(64), "1".repeat(64), "0".repeat(63));
        let filled = fill(&text, "image", "module");
        assert_eq!(filled, format!("a: \"image\"\nb: \"module\"\nc: \"{}\"\n", "0".repeat(63)));
    }
}
