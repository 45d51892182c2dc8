//! Builds the dynamic module as it ships.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::library::problems;
use crate::module::{encoded, root, without_paths};
use crate::release::read;

const PROFILE: &str = "native";
/// The library's name for Envoy.
pub const LIBRARY: &str = "libtessera.so";
/// The newest version of the C library, 2.n, of which a release may need anything: that of Debian 10 and RHEL 8.
pub const GLIBC: u32 = 28;

/// A processor that there is a release for.
pub struct Platform {
    pub triple: &'static str,
    /// As OCI names it.
    pub architecture: &'static str,
    /// As ELF numbers it.
    pub machine: u16,
    /// The library's name in a release.
    pub file: &'static str,
}

pub const X86_64: &str = "x86_64-unknown-linux-gnu";
pub const PLATFORMS: &[Platform] = &[
    Platform { triple: X86_64, architecture: "amd64", machine: 62, file: "libtessera-x86_64.so" },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        architecture: "arm64",
        machine: 183,
        file: "libtessera-aarch64.so",
    },
];

impl Platform {
    /// Where the finished library is written.
    ///
    /// # Errors
    /// When the repository's root cannot be found.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(root()?.join("target/native-release").join(self.file))
    }
}

/// Compiles the library for this machine, and copies it to `target/libtessera.so`.
///
/// # Errors
/// When the build fails.
pub fn build() -> Result<()> {
    let target = root()?.join("target");
    compile(cargo().args(["build"]).args(ARGUMENTS).arg(&target))?;
    finish(&target.join(PROFILE), &target.join(LIBRARY))?;
    refuse_faults(&target.join(LIBRARY))
}

/// The same with the feature `faults`, which nothing has that ships: a request can ask for a panic. All of it in a folder of
/// its own, since cargo gives both libraries the same name.
///
/// # Errors
/// When the build fails.
pub fn build_faulty() -> Result<()> {
    let target = root()?.join("target/faulty");
    compile(cargo().args(["build", "--features", "faults"]).args(ARGUMENTS).arg(&target))?;
    finish(&target.join(PROFILE), &target.join(LIBRARY))
}

/// What the engine says where a request has asked for a panic.
const FAULT: &[u8] = b"a fault that a test asks for";

/// Nobody who sends requests to what ships can ask for a panic.
fn refuse_faults(library: &Path) -> Result<()> {
    let has_fault = read(library)?.windows(FAULT.len()).any(|part| part == FAULT);
    ensure!(!has_fault, "{} has the fault that only tests may ask for", library.display());
    Ok(())
}

/// Compiles the library for each of [`PLATFORMS`] with cargo-zigbuild, which brings compiler, linker and the C library's
/// older interfaces, and looks whether Envoy can load it there.
///
/// # Errors
/// When cargo-zigbuild is missing or fails, or a library needs more than it may.
pub fn release() -> Result<()> {
    let target = root()?.join("target/zigbuild");
    let flags = encoded(&without_paths()?);
    for platform in PLATFORMS {
        let triple = OsString::from(format!("{}.2.{GLIBC}", platform.triple));
        let mut build = Command::new("cargo-zigbuild");
        build.arg("zigbuild").args(["--locked", "--target"]).arg(triple).args(ARGUMENTS).arg(&target);
        compile(build.env("CARGO_ENCODED_RUSTFLAGS", &flags))
            .context("cargo-zigbuild builds the dynamic module of a release: `make zig` installs it")?;
        let finished = platform.path()?;
        finish(&target.join(platform.triple).join(PROFILE), &finished)?;
        refuse_faults(&finished)?;
        let problems = problems(&read(&finished)?, platform.machine, GLIBC);
        ensure!(problems.is_empty(), "{}: {}", finished.display(), problems.join("; "));
    }
    Ok(())
}

const ARGUMENTS: [&str; 6] = ["--quiet", "--package", "tessera-native", "--profile", PROFILE, "--target-dir"];

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn compile(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.current_dir(root()?).status().with_context(|| format!("{name} could not be started"))?;
    ensure!(status.success(), "the build of the dynamic module failed");
    Ok(())
}

fn finish(built: &Path, finished: &Path) -> Result<()> {
    let built = built.join("libtessera_native.so");
    fs::create_dir_all(finished.parent().unwrap_or(finished))?;
    // Removed first: a process that has loaded the one before keeps what it has.
    if finished.exists() {
        fs::remove_file(finished).with_context(|| format!("cannot remove {}", finished.display()))?;
    }
    let bytes = fs::copy(&built, finished).with_context(|| format!("cannot copy {}", built.display()))?;
    let shown = finished.strip_prefix(root()?).unwrap_or(finished);
    println!("{}: {}", shown.display(), crate::size::kib(usize::try_from(bytes)?));
    Ok(())
}
