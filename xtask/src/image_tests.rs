use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::write;
use crate::digest::sha256;
use crate::package::Package;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-image-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn package() -> Package {
    Package {
        version: "1.2.3".to_owned(),
        description: "a module".to_owned(),
        license: "Apache-2.0".to_owned(),
        commit: Some("0f".repeat(20)),
    }
}

fn json_at(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The blob that `descriptor` speaks of; its size and digest hold.
fn blob(folder: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let content = fs::read(folder.join("blobs/sha256").join(digest)).unwrap();
    assert_eq!((descriptor["size"].as_u64().unwrap(), digest), (content.len() as u64, sha256(&content).as_str()));
    content
}

#[test]
fn fetchers_find_the_module_in_the_last_layer() {
    let folder = Folder::new("layer");
    let digest = write(b"\0asm", &package(), &folder.0).unwrap();

    assert_eq!(json_at(&folder.0.join("oci-layout")), json!({"imageLayoutVersion": "1.0.0"}));
    let index = json_at(&folder.0.join("index.json"));
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(index["manifests"][0]["digest"], format!("sha256:{digest}"));

    let manifest: Value = serde_json::from_slice(&blob(&folder.0, &index["manifests"][0])).unwrap();
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["annotations"]["module.wasm.image/variant"], "compat");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "1.2.3");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.revision"], "0f".repeat(20));
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");

    let mut files = Vec::new();
    GzDecoder::new(blob(&folder.0, &manifest["layers"][0]).as_slice()).read_to_end(&mut files).unwrap();
    let config: Value = serde_json::from_slice(&blob(&folder.0, &manifest["config"])).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"], json!([format!("sha256:{}", sha256(&files))]));

    let mut archive = tar::Archive::new(files.as_slice());
    let entries: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.mode().unwrap()), (0, 0, 0o644));
            (entry.path().unwrap().into_owned(), content)
        })
        .collect();
    assert_eq!(entries, [(PathBuf::from("plugin.wasm"), b"\0asm".to_vec())]);
}

#[test]
fn one_module_gives_one_digest() {
    let (one, other) = (Folder::new("one"), Folder::new("other"));
    let digest = write(b"\0asm", &package(), &one.0).unwrap();
    // What was there before takes no part.
    write(b"an older one", &package(), &other.0).unwrap();
    assert_eq!(write(b"\0asm", &package(), &other.0).unwrap(), digest);

    let files = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder.join("blobs/sha256")).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        (names, fs::read(folder.join("index.json")).unwrap())
    };
    assert_eq!(files(&one.0), files(&other.0));
    assert_ne!(write(b"another", &package(), &other.0).unwrap(), digest);
}

#[test]
fn a_changed_work_tree_names_no_commit() {
    let folder = Folder::new("changed");
    write(b"\0asm", &Package { commit: None, ..package() }, &folder.0).unwrap();
    let index = json_at(&folder.0.join("index.json"));
    let manifest: Value = serde_json::from_slice(&blob(&folder.0, &index["manifests"][0])).unwrap();
    assert_eq!(manifest["annotations"].get("org.opencontainers.image.revision"), None);
}
