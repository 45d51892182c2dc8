//! An OCI image layout in a folder. Nothing in it depends on the time, the machine or the folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::archive::archive;
use crate::digest::sha256;
use crate::package::Package;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// An image of one file.
pub struct Image<'a> {
    /// The file's name in the image.
    pub name: &'static str,
    pub content: &'a [u8],
    pub architecture: &'static str,
    pub os: &'static str,
    /// The build step that writes it.
    pub step: &'static str,
    pub annotations: &'a Value,
}

/// The blobs of a layout, each in a file named by its digest.
pub struct Layout<'a> {
    folder: &'a Path,
    blobs: PathBuf,
}

/// A blob that has been added.
pub struct Blob {
    media_type: &'static str,
    pub digest: String,
    size: usize,
}

impl<'a> Layout<'a> {
    /// A new one, in the place of what was in `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(folder: &'a Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| format!("cannot write {}", blobs.display()))?;
        Ok(Self { folder, blobs })
    }

    /// Adds an image; the blob is its manifest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn image(&self, image: &Image<'_>) -> Result<Blob> {
        let files = archive([(image.name, image.content)])?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&files)?;
        let config = json!({
            "architecture": image.architecture, "os": image.os, "created": EPOCH,
            "config": {"Labels": image.annotations},
            // The digest of the layer before compression.
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(&files))]},
            "history": [{"created": EPOCH, "created_by": image.step}],
        });
        let config = self.json(CONFIG, &config)?;
        let layer = self.add(LAYER, &gzip.finish()?)?;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "annotations": image.annotations,
            "config": config.descriptor(), "layers": [layer.descriptor()],
        });
        self.json(MANIFEST, &manifest)
    }

    /// Adds an index of images, each with its architecture on Linux.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn index(&self, images: &[(&'static str, Blob)], annotations: &Value) -> Result<Blob> {
        let described = images.iter().map(|(architecture, image)| {
            let mut descriptor = image.descriptor();
            if let Some(descriptor) = descriptor.as_object_mut() {
                let platform = json!({"architecture": architecture, "os": "linux"});
                descriptor.insert("platform".to_owned(), platform);
            }
            descriptor
        });
        let manifests: Vec<Value> = described.collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "annotations": annotations, "manifests": manifests});
        self.json(INDEX, &index)
    }

    /// Makes this image or index that of the layout.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self, blob: &Blob) -> Result<()> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [blob.descriptor()]});
        fs::write(self.folder.join("index.json"), index.to_string())?;
        fs::write(self.folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
        Ok(())
    }

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

impl Blob {
    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": format!("sha256:{}", self.digest), "size": self.size})
    }
}

/// What an image says of itself.
pub fn annotations(package: &Package, description: &str) -> Value {
    let mut annotations = json!({
        "org.opencontainers.image.title": "Tessera",
        "org.opencontainers.image.description": description,
        "org.opencontainers.image.version": package.version,
        "org.opencontainers.image.licenses": package.license,
    });
    if let (Some(annotations), Some(commit)) = (annotations.as_object_mut(), &package.commit) {
        annotations.insert("org.opencontainers.image.revision".to_owned(), json!(commit));
    }
    annotations
}
