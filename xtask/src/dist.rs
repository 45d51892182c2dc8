//! Everything of a release, in one folder with its checksums.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::archive::archive;
use crate::digest::sha256;
use crate::package::{cargo, output};
use crate::{files, image, manifests, module, sbom};

/// Files of the repository that are part of a release, and their names there.
const FILES: &[(&str, &str)] = &[
    ("LICENSE", "LICENSE"),
    ("envoy/grafana/registry.json", "grafana/registry.json"),
    ("envoy/grafana/tessera.json", "grafana/tessera.json"),
    ("envoy/prometheus/registry-rules.yaml", "prometheus/registry-rules.yaml"),
    ("envoy/prometheus/relabel.yaml", "prometheus/relabel.yaml"),
    ("envoy/prometheus/rules.yaml", "prometheus/rules.yaml"),
];

/// Builds what is not yet built but the module, and writes `target/dist`, in the place of what was there.
///
/// # Errors
/// When a part is missing or cannot be built.
pub fn build() -> Result<()> {
    let root = module::root()?;
    let folder = Release(root.join("target/dist"));
    let missing: Vec<&str> =
        FILES.iter().map(|(source, _)| *source).filter(|source| !root.join(source).is_file()).collect();
    if !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    // First, since its tool may be missing.
    let bill = sbom::build()?;
    if folder.0.exists() {
        fs::remove_dir_all(&folder.0).with_context(|| format!("cannot remove {}", folder.0.display()))?;
    }

    let digest = image::build()?;
    folder.add("tessera.wasm", &module::read()?)?;
    folder.add("tessera-image.tar", &archive_of(&image::path()?)?)?;
    folder.add("tessera.cdx.json", bill.as_bytes())?;
    for (source, name) in FILES {
        folder.add(name, &read(&root.join(source))?)?;
    }
    let filled = manifests::path()?;
    for file in files::all(&filled)? {
        folder.add(&format!("manifests/{file}"), &read(&filled.join(&file))?)?;
    }
    folder.add_command(root)?;
    folder.add_checksums()?;
    println!("target/dist: the image is sha256:{digest}");
    Ok(())
}

/// The folder of a release.
struct Release(PathBuf);

impl Release {
    fn add(&self, name: &str, content: &[u8]) -> Result<()> {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap_or(&self.0))?;
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))
    }

    /// The command for this machine, and the schema that it prints.
    fn add_command(&self, root: &Path) -> Result<()> {
        let target = root.join("target");
        let build = ["build", "--quiet", "--release", "--locked", "--package", "tessera-cli", "--target-dir"];
        let flags = module::encoded(&module::without_paths()?);
        output(cargo()?.args(build).arg(&target).env("CARGO_ENCODED_RUSTFLAGS", flags))?;
        let name = format!("tessera{}", std::env::consts::EXE_SUFFIX);
        let built = target.join("release").join(&name);
        // With its permissions.
        fs::copy(&built, self.0.join(&name)).with_context(|| format!("cannot copy {}", built.display()))?;
        self.add("tessera.schema.json", output(std::process::Command::new(&built).arg("schema"))?.as_bytes())
    }

    /// As `sha256sum --check` reads them.
    fn add_checksums(&self) -> Result<()> {
        let mut lines = String::new();
        for file in files::all(&self.0)? {
            lines.push_str(&format!("{}  {file}\n", sha256(&read(&self.0.join(&file))?)));
        }
        self.add("SHA256SUMS", lines.as_bytes())
    }
}

/// The files in `folder` as one archive: of an OCI layout what tools call an OCI archive.
fn archive_of(folder: &Path) -> Result<Vec<u8>> {
    let names = files::all(folder)?;
    let contents: Vec<Vec<u8>> = names.iter().map(|name| read(&folder.join(name))).collect::<Result<_>>()?;
    archive(names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
