//! The manifests of `envoy/` with the digests of what was built filled in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The folders of `envoy/` that have manifests.
const FOLDERS: &[&str] = &["envoy-gateway", "envoy-gateway-native", "istio", "kubernetes"];
/// The end of the names of folders whose manifests name the dynamic module.
const NATIVE_FOLDER: &str = "native";
/// The kinds of resources that name the Wasm module.
const KINDS: &[&str] = &["EnvoyExtensionPolicy", "EnvoyFilter", "TrafficExtension", "WasmPlugin"];
/// What stands in the repository for the digest of the image, which fetchers compare.
const IMAGE: char = '0';
/// What stands there for the digest of the module, which Envoy compares where it downloads the module itself.
const MODULE: char = '1';
/// What stands there for the digest of the dynamic module's image, which Kubernetes compares.
const NATIVE: char = '2';
/// What names that image, with its digest behind it.
const NATIVE_IMAGE: &str = "/tessera-native:";

/// What the manifests are filled with.
pub struct Digests {
    /// Of the image of the Wasm module.
    pub image: String,
    pub module: String,
    /// Of the dynamic module's image; without it, no manifest that names it is written.
    pub native: Option<String>,
}

/// Where they are written.
pub fn path() -> Result<PathBuf> {
    Ok(crate::module::root()?.join("target/manifests"))
}

/// Writes the manifests to `folder`, in the place of what was there.
///
/// # Errors
/// When a file cannot be read or written, or has not the places for digests that it must have.
pub fn write(folder: &Path, digests: &Digests) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let source = crate::module::root()?.join("envoy");
    for name in names()? {
        let text = fs::read_to_string(source.join(&name)).with_context(|| format!("cannot read {name}"))?;
        let complete = match &digests.native {
            Some(native) if is_native(&name) => fill_native(&text, native),
            None if is_native(&name) => continue,
            _ => fill(&text, &digests.image, &digests.module),
        };
        let target = folder.join(&name);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        fs::write(&target, complete.context(name)?).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// All manifests, as paths in `envoy/` and in the folder that they are written to.
///
/// # Errors
/// When a folder cannot be read.
pub fn names() -> Result<Vec<String>> {
    let envoy = crate::module::root()?.join("envoy");
    let mut names = Vec::new();
    for folder in FOLDERS {
        names.extend(crate::files::all(&envoy.join(folder))?.into_iter().map(|file| format!("{folder}/{file}")));
    }
    Ok(names)
}

fn is_native(name: &str) -> bool {
    name.split('/').any(|folder| folder.ends_with(NATIVE_FOLDER))
}

/// The manifest with the digests in their places.
///
/// # Errors
/// When it names the module without a place for a digest, or has a digest that is none.
fn fill(text: &str, image: &str, module: &str) -> Result<String> {
    let place = |digit: char| format!("\"{}\"", digit.to_string().repeat(64));
    let quoted = |digest: &str| format!("\"{digest}\"");
    let (image, module) = (quoted(image), quoted(module));
    let complete = text.replace(&place(IMAGE), &image).replace(&place(MODULE), &module);
    let kinds = text.lines().filter_map(|line| line.strip_prefix("kind: "));
    let needed = kinds.filter(|kind| KINDS.contains(kind)).count();
    let digests: Vec<&str> =
        complete.lines().filter_map(|line| line.trim_start().strip_prefix("sha256: ")).map(str::trim).collect();
    ensure!(digests.len() >= needed, "it names the module {needed} times and has {} digests", digests.len());
    let odd = digests.iter().find(|digest| **digest != image && **digest != module);
    ensure!(odd.is_none(), "sha256 is no place for a digest: {odd:?}");
    Ok(complete)
}

/// The manifest with the digest of the dynamic module's image in its places.
///
/// # Errors
/// When it names the image without a place for its digest.
fn fill_native(text: &str, native: &str) -> Result<String> {
    let place = format!("@sha256:{}", NATIVE.to_string().repeat(64));
    let (needed, places) = (text.matches(NATIVE_IMAGE).count(), text.matches(&place).count());
    ensure!(needed == places, "it names the image {needed} times and has {places} places for its digest");
    Ok(text.replace(&place, &format!("@sha256:{native}")))
}

#[cfg(test)]
mod tests {
    use super::{fill, fill_native, is_native};

    const ZERO: &str = "0";

    #[test]
    fn each_place_gets_the_digest_that_is_compared_there() {
        let text =
            format!("sha256: \"{}\"\n  sha256: \"{}\"\nc: \"{}\"\n", ZERO.repeat(64), "1".repeat(64), ZERO.repeat(63));
        let filled = fill(&text, "image", "module").unwrap();
        assert_eq!(filled, format!("sha256: \"image\"\n  sha256: \"module\"\nc: \"{}\"\n", ZERO.repeat(63)));
    }

    #[test]
    fn no_manifest_goes_without_its_digest() {
        let plugin = |digest: &str| format!("kind: WasmPlugin\nspec:\n  url: oci://a\n{digest}");
        let place = format!("  sha256: \"{}\"\n", ZERO.repeat(64));
        assert!(fill(&plugin(&place), "image", "module").is_ok());
        let long = place.replacen(ZERO, "00", 1);
        let bare = place.replace('"', "");
        let shared = format!("{}---\n{}", plugin(&place), plugin(""));
        for faulty in [plugin(""), plugin(&long), plugin(&bare), shared] {
            assert!(fill(&faulty, "image", "module").is_err(), "{faulty}");
        }
    }

    #[test]
    fn the_image_of_the_dynamic_module_gets_its_digest_wherever_it_is_named() {
        let text = |digit: &str| format!("reference: r.example.com/tessera-native:1@sha256:{}\n", digit.repeat(64));
        assert_eq!(fill_native(&text("2"), &"a".repeat(64)).unwrap(), text("a"));
        assert!(fill_native("reference: r.example.com/tessera-native:1\n", "a").is_err());
        assert!(fill_native(&text("1"), "a").is_err());
        assert!(is_native("envoy-gateway-native/proxy.yaml") && is_native("istio/native/plugin.yaml"));
        assert!(!is_native("istio/gateway/native.yaml"));
    }
}
