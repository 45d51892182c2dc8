//! Everything of a release, in one folder with its checksums.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::archive::archive;
use crate::digest::sha256;
use crate::native::{self, PLATFORMS};
use crate::package::output;
use crate::release::{CHECKSUMS, Contents, read};
use crate::sbom::SUBJECTS;
use crate::{auditable, bill, files, image, manifests, module, native_image, release, sbom};

const MODULE: &str = "tessera.wasm";
const IMAGE: &str = "tessera-image.tar";
const NATIVE_IMAGE: &str = "libtessera-image.tar";
const SCHEMA: &str = "tessera.schema.json";

/// Files of the repository that are part of a release, and their names there.
const FILES: &[(&str, &str)] = &[
    ("LICENSE", "LICENSE"),
    ("envoy/grafana/registry.json", "grafana/registry.json"),
    ("envoy/grafana/tessera.json", "grafana/tessera.json"),
    ("envoy/prometheus/registry-rules.yaml", "prometheus/registry-rules.yaml"),
    ("envoy/prometheus/relabel.yaml", "prometheus/relabel.yaml"),
    ("envoy/prometheus/rules.yaml", "prometheus/rules.yaml"),
];

/// Builds what is not yet built but the Wasm module, writes `target/dist`, in the place of what was there, and checks it.
///
/// # Errors
/// When a part is missing or cannot be built.
pub fn build() -> Result<()> {
    let root = module::root()?;
    let missing: Vec<&str> =
        FILES.iter().map(|(source, _)| *source).filter(|source| !root.join(source).is_file()).collect();
    if !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    // First, since its tool may be missing.
    let bills = sbom::build()?;
    native::release()?;
    let native_digest = native_image::build()?;
    let digest = image::build()?;
    let command = command(root)?;
    let schema = output(std::process::Command::new(&command).arg("schema"))?;
    let libraries = PLATFORMS.iter().map(|platform| read(&platform.path()?)).collect::<Result<_>>()?;
    let parts = Parts {
        module: module::read()?,
        image: image::path()?,
        libraries,
        native_image: native_image::path()?,
        manifests: manifests::path()?,
        command,
        schema,
        bills,
    };
    parts.write(&path()?)?;
    check()?;
    println!("target/dist: the image is sha256:{digest}, that of the dynamic module sha256:{native_digest}");
    Ok(())
}

/// Checks what [`build`] has written.
///
/// # Errors
/// When something of it is missing or wrong.
pub fn check() -> Result<()> {
    release::check(&path()?, &contents()?)
}

fn path() -> Result<PathBuf> {
    Ok(module::root()?.join("target/dist"))
}

/// What a release must have, as the repository says it.
///
/// # Errors
/// When a folder cannot be read, or cargo does not say what a package is built of.
pub fn contents() -> Result<Contents> {
    let own = [MODULE.to_owned(), IMAGE.to_owned(), NATIVE_IMAGE.to_owned(), SCHEMA.to_owned(), command_name()];
    let mut files = BTreeSet::from(own);
    files.extend(PLATFORMS.iter().map(|platform| platform.file.to_owned()));
    files.extend(SUBJECTS.iter().map(|subject| subject.file.to_owned()));
    files.extend(FILES.iter().map(|(_, name)| (*name).to_owned()));
    files.extend(manifests::names()?.into_iter().map(|name| format!("manifests/{name}")));
    let crates = SUBJECTS.iter().map(|subject| {
        let crates = bill::crates(subject.package, subject.target)?;
        Ok((subject.file.to_owned(), crates))
    });
    Ok(Contents { files, crates: crates.collect::<Result<_>>()? })
}

/// What is built for a release.
pub struct Parts {
    pub module: Vec<u8>,
    /// The dynamic module for each of [`PLATFORMS`].
    pub libraries: Vec<Vec<u8>>,
    /// The folders of the images' layouts, and of the manifests with their digests.
    pub image: PathBuf,
    pub native_image: PathBuf,
    pub manifests: PathBuf,
    /// The command for this machine, and the schema that it prints.
    pub command: PathBuf,
    pub schema: String,
    /// As [`SUBJECTS`] has them.
    pub bills: Vec<String>,
}

impl Parts {
    /// Writes the release to `folder`, in the place of what was there.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let release = Release(folder);
        release.add(MODULE, &self.module)?;
        release.add(IMAGE, &archive_of(&self.image)?)?;
        for (platform, library) in PLATFORMS.iter().zip(&self.libraries) {
            release.add(platform.file, library)?;
        }
        release.add(NATIVE_IMAGE, &archive_of(&self.native_image)?)?;
        release.add(SCHEMA, self.schema.as_bytes())?;
        for (subject, bill) in SUBJECTS.iter().zip(&self.bills) {
            release.add(subject.file, bill.as_bytes())?;
        }
        for (source, name) in FILES {
            release.add(name, &read(&module::root()?.join(source))?)?;
        }
        for file in files::all(&self.manifests)? {
            release.add(&format!("manifests/{file}"), &read(&self.manifests.join(&file))?)?;
        }
        // With its permissions.
        let copied = fs::copy(&self.command, folder.join(command_name()));
        copied.with_context(|| format!("cannot copy {}", self.command.display()))?;
        release.add_checksums()
    }
}

/// The folder of a release.
struct Release<'a>(&'a Path);

impl Release<'_> {
    fn add(&self, name: &str, content: &[u8]) -> Result<()> {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap_or(self.0))?;
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))
    }

    /// As `sha256sum --check` reads them.
    fn add_checksums(&self) -> Result<()> {
        let mut lines = String::new();
        for file in files::all(self.0)? {
            lines.push_str(&format!("{}  {file}\n", sha256(&read(&self.0.join(&file))?)));
        }
        self.add(CHECKSUMS, lines.as_bytes())
    }
}

/// Builds the command for this machine.
fn command(root: &Path) -> Result<PathBuf> {
    let target = root.join("target");
    let build = ["--quiet", "--release", "--locked", "--package", "tessera-cli", "--target-dir"];
    let flags = module::encoded(&module::without_paths()?);
    output(auditable::build()?.args(build).arg(&target).env("CARGO_ENCODED_RUSTFLAGS", flags))?;
    let built = target.join("release").join(command_name());
    auditable::check(&built)?;
    Ok(built)
}

fn command_name() -> String {
    format!("tessera{}", std::env::consts::EXE_SUFFIX)
}

/// The files in `folder` as one archive: of an OCI layout what tools call an OCI archive.
fn archive_of(folder: &Path) -> Result<Vec<u8>> {
    let names = files::all(folder)?;
    let contents: Vec<Vec<u8>> = names.iter().map(|name| read(&folder.join(name))).collect::<Result<_>>()?;
    archive(names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)))
}
