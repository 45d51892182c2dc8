//! The module as an image: an OCI layout in the form that the fetchers of Istio and Envoy Gateway accept.
//!
//! They take one manifest whose last layer is a gzipped archive with a file `plugin.wasm` (the *compat* variant of the
//! Wasm image specification), and refuse an image of several platforms, a layer that is the bare module, and zstd.
//! One module gives one digest.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use crate::digest::sha256;
use crate::layout::{Image, Layout, annotations};
use crate::manifests::{self, Digests};
use crate::native_image;
use crate::package::Package;

/// The name of the module in the layer: fetchers look for this one.
const MODULE: &str = "plugin.wasm";

/// Where the layout is written.
pub fn path() -> Result<PathBuf> {
    Ok(crate::module::root()?.join("target/image"))
}

/// Writes the layout of the finished module, and the manifests that name it; prints the image's digest, and gives it back.
/// Those that name the dynamic module are written too where its image has been built.
///
/// # Errors
/// When the module has not been built yet, or a file cannot be written.
pub fn build() -> Result<String> {
    let module = crate::module::read()?;
    let package = Package::read()?;
    let digest = write(&module, &package, &path()?)?;
    let digests = Digests { image: digest.clone(), module: sha256(&module), native: native_image::built()? };
    manifests::write(&manifests::path()?, &digests)?;
    println!("target/image: sha256:{digest}");
    println!(
        "  revision {}",
        package.commit.as_deref().unwrap_or("not named: git knows no commit with just these files")
    );
    Ok(digest)
}

/// Writes the layout with the module `wasm` to `folder`, in the place of what was there. The digest of the manifest, by
/// which the image is pinned.
///
/// # Errors
/// When it cannot be written.
pub fn write(wasm: &[u8], package: &Package, folder: &Path) -> Result<String> {
    let mut annotations = annotations(package, &package.description);
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert("module.wasm.image/variant".to_owned(), json!("compat"));
    }
    let image = Image {
        name: MODULE,
        content: wasm,
        architecture: "wasm",
        os: "wasip1",
        step: "cargo xtask image",
        annotations: &annotations,
    };
    let layout = Layout::new(folder)?;
    let manifest = layout.image(&image)?;
    layout.finish(&manifest)?;
    Ok(manifest.digest)
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
