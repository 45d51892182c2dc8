//! The module as an image: an OCI layout in the form that the fetchers of Istio and Envoy Gateway accept.
//!
//! They take one manifest whose last layer is a gzipped archive with a file `plugin.wasm` (the *compat* variant of the
//! Wasm image specification), and refuse an image of several platforms, a layer that is the bare module, and zstd.
//! Nothing in the layout depends on the time, the machine or the folder: one module gives one digest.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::archive::archive;
use crate::digest::sha256;
use crate::manifests;
use crate::package::Package;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The name of the module in the layer: fetchers look for this one.
const MODULE: &str = "plugin.wasm";
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Where the layout is written.
pub fn path() -> Result<PathBuf> {
    Ok(crate::module::root()?.join("target/image"))
}

/// Writes the layout of the finished module, and the manifests that name it; prints the image's digest, and gives it back.
///
/// # Errors
/// When the module has not been built yet, or a file cannot be written.
pub fn build() -> Result<String> {
    let module = crate::module::read()?;
    let package = Package::read()?;
    let digest = write(&module, &package, &path()?)?;
    manifests::write(&manifests::path()?, &digest, &sha256(&module))?;
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
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let layout = Layout { blobs: folder.join("blobs/sha256") };
    fs::create_dir_all(&layout.blobs).with_context(|| format!("cannot write {}", layout.blobs.display()))?;

    let files = archive([(MODULE, wasm)])?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&files)?;

    let config = layout.json(CONFIG, &configuration(package, &sha256(&files)))?;
    let layer = layout.add(LAYER, &gzip.finish()?)?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "annotations": annotations(package),
        "config": config.descriptor(), "layers": [layer.descriptor()],
    });
    let manifest = layout.json(MANIFEST, &manifest)?;
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest.descriptor()],
    });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    Ok(manifest.digest)
}

/// The blobs of a layout, each in a file named by its digest.
struct Layout {
    blobs: PathBuf,
}

impl Layout {
    fn add(&self, media_type: &'static str, content: &[u8]) -> Result<Blob> {
        let digest = sha256(content);
        let file = self.blobs.join(&digest);
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Blob { media_type, digest, size: content.len() })
    }

    fn json(&self, media_type: &'static str, content: &Value) -> Result<Blob> {
        self.add(media_type, content.to_string().as_bytes())
    }
}

struct Blob {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Blob {
    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": format!("sha256:{}", self.digest), "size": self.size})
    }
}

/// What the image runs on; `files` is the digest of the layer before compression.
fn configuration(package: &Package, files: &str) -> Value {
    json!({
        "architecture": "wasm", "os": "wasip1", "created": EPOCH,
        "config": {"Labels": annotations(package)},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{files}")]},
        "history": [{"created": EPOCH, "created_by": "cargo xtask image"}],
    })
}

fn annotations(package: &Package) -> Value {
    let mut annotations = json!({
        "module.wasm.image/variant": "compat",
        "org.opencontainers.image.title": "Tessera",
        "org.opencontainers.image.description": package.description,
        "org.opencontainers.image.version": package.version,
        "org.opencontainers.image.licenses": package.license,
    });
    if let (Some(annotations), Some(commit)) = (annotations.as_object_mut(), &package.commit) {
        annotations.insert("org.opencontainers.image.revision".to_owned(), json!(commit));
    }
    annotations
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
