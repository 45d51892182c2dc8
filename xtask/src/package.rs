//! What the package of the module says of itself.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub struct Package {
    pub version: String,
    pub description: String,
    pub license: String,
    /// The commit that is checked out; none where a file differs from it.
    pub commit: Option<String>,
}

impl Package {
    /// # Errors
    /// When cargo does not know the package.
    pub fn read() -> Result<Self> {
        let metadata = output(cargo()?.args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let package = metadata
            .pointer("/packages")
            .and_then(Value::as_array)
            .and_then(|packages| packages.iter().find(|package| package.get("name") == Some(&Value::from("tessera"))))
            .context("cargo knows no package tessera")?;
        let text = |key: &str| {
            let text = package.get(key).and_then(Value::as_str);
            text.map(str::to_owned).with_context(|| format!("the package tessera has no {key}"))
        };
        Ok(Self {
            version: text("version")?,
            description: text("description")?,
            license: text("license")?,
            commit: commit(),
        })
    }
}

fn commit() -> Option<String> {
    let unchanged = output(in_root("git").ok()?.args(["status", "--porcelain"])).ok()?.trim().is_empty();
    let commit = output(in_root("git").ok()?.args(["rev-parse", "HEAD"])).ok()?;
    unchanged.then(|| commit.trim().to_owned())
}

/// Cargo, started in the repository's root.
///
/// # Errors
/// When there is no root.
pub fn cargo() -> Result<Command> {
    in_root(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn in_root(program: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(crate::module::root()?);
    Ok(command)
}

/// What `command` prints.
///
/// # Errors
/// When it cannot be started or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    ensure!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}
