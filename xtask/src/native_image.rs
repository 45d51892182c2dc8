//! The dynamic module as an image of several platforms, to be mounted into Envoy's container: an OCI layout with one file
//! for each processor.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::layout::{Image, Layout, annotations};
use crate::module::root;
use crate::native::{LIBRARY, PLATFORMS};
use crate::package::Package;
use crate::release::read;

const DESCRIPTION: &str = "OAuth 2.0 access-token enforcement for Envoy, as a dynamic module";

/// Where the layout is written.
///
/// # Errors
/// When the repository's root cannot be found.
pub fn path() -> Result<PathBuf> {
    Ok(root()?.join("target/native-image"))
}

/// Writes the layout of what [`crate::native::release`] has built, and prints its digest.
///
/// # Errors
/// When a library has not been built, or a file cannot be written.
pub fn build() -> Result<String> {
    let libraries = PLATFORMS.iter().map(|platform| read(&platform.path()?)).collect::<Result<Vec<_>>>()?;
    let digest = write(&libraries, &Package::read()?, &path()?)?;
    println!("target/native-image: sha256:{digest}");
    Ok(digest)
}

/// Writes the layout with these libraries, one for each of [`PLATFORMS`], to `folder`, in the place of what was there. The
/// digest of the index, by which the image is pinned.
///
/// # Errors
/// When it cannot be written.
pub fn write(libraries: &[Vec<u8>], package: &Package, folder: &Path) -> Result<String> {
    let annotations = annotations(package, DESCRIPTION);
    let layout = Layout::new(folder)?;
    let mut images = Vec::new();
    for (platform, content) in PLATFORMS.iter().zip(libraries) {
        let image = Image {
            name: LIBRARY,
            content,
            architecture: platform.architecture,
            os: "linux",
            step: "cargo xtask native-image",
            annotations: &annotations,
        };
        images.push((platform.architecture, layout.image(&image)?));
    }
    let index = layout.index(&images, &annotations)?;
    layout.finish(&index)?;
    Ok(index.digest)
}

/// The digest of the image, if it has been built.
///
/// # Errors
/// When its layout cannot be read.
pub fn built() -> Result<Option<String>> {
    let index = path()?.join("index.json");
    if !index.exists() {
        return Ok(None);
    }
    let index: Value = serde_json::from_slice(&fs::read(&index)?)?;
    let digest = index.pointer("/manifests/0/digest").and_then(Value::as_str);
    let digest = digest.and_then(|digest| digest.strip_prefix("sha256:"));
    Ok(Some(digest.context("target/native-image names no image: remove it")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_finds_its_own_library() {
        let folder = std::env::temp_dir().join(format!("tessera-native-image-{}", std::process::id()));
        let package = Package {
            version: "1.2.3".to_owned(),
            description: String::new(),
            license: "Apache-2.0".to_owned(),
            commit: None,
        };
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
            fs::read(folder.join("blobs/sha256").join(digest)).unwrap()
        };
        let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
        let libraries = [b"first".to_vec(), b"second".to_vec()];
        let digest = write(&libraries, &package, &folder).unwrap();
        assert_eq!(write(&libraries, &package, &folder).unwrap(), digest, "the same once more");

        let layout = json(fs::read(folder.join("index.json")).unwrap());
        assert_eq!(layout["manifests"][0]["digest"], format!("sha256:{digest}"));
        let index = json(blob(&layout["manifests"][0]));
        let images = index["manifests"].as_array().unwrap();
        assert_eq!(images.len(), PLATFORMS.len());
        for ((image, library), platform) in images.iter().zip(&libraries).zip(PLATFORMS) {
            let expected = serde_json::json!({"architecture": platform.architecture, "os": "linux"});
            assert_eq!(image["platform"], expected);
            let manifest = json(blob(image));
            assert_eq!(json(blob(&manifest["config"]))["architecture"], platform.architecture);
            let layer = blob(&manifest["layers"][0]);
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer.as_slice()));
            let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(entry.path().unwrap(), Path::new(LIBRARY));
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            assert_eq!(content, *library);
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
