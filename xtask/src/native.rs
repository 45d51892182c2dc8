//! Builds the dynamic module as it ships.

use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::module::root;

const PROFILE: &str = "native";

/// Compiles the library for this machine, and copies it to `target/libtessera.so`.
///
/// # Errors
/// When the build fails.
pub fn build() -> Result<()> {
    let target = root()?.join("target");
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root()?)
        .args(["build", "--quiet", "--package", "tessera-native", "--profile", PROFILE, "--target-dir"])
        .arg(&target)
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the build of the dynamic module failed");
    let built = target.join(PROFILE).join("libtessera_native.so");
    let finished = target.join("libtessera.so");
    // Removed first: a process that has loaded the one before keeps what it has.
    if finished.exists() {
        fs::remove_file(&finished).with_context(|| format!("cannot remove {}", finished.display()))?;
    }
    let bytes = fs::copy(&built, &finished).with_context(|| format!("cannot copy {}", built.display()))?;
    println!("target/libtessera.so: {}", crate::size::kib(usize::try_from(bytes)?));
    Ok(())
}
