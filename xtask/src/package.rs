//! What the package of the module says of itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub struct Package {
    pub version: String,
    pub description: String,
    pub license: String,
    /// The commit that is checked out; none where a file differs from it, or where there is no checkout.
    pub commit: Option<String>,
}

impl Package {
    /// # Errors
    /// When cargo does not know the package, or git cannot be started.
    pub fn read() -> Result<Self> {
        let packages = packages()?;
        let is_module = |package: &&Value| package.get("name") == Some(&Value::from("tessera"));
        let package = packages.iter().find(is_module).context("cargo knows no package tessera")?;
        let text = |key: &str| {
            let text = package.get(key).and_then(Value::as_str);
            text.map(str::to_owned).with_context(|| format!("the package tessera has no {key}"))
        };
        Ok(Self {
            version: text("version")?,
            description: text("description")?,
            license: text("license")?,
            commit: commit()?,
        })
    }
}

/// A package of the workspace.
pub struct Member {
    pub name: String,
    pub folder: PathBuf,
}

/// # Errors
/// When cargo does not say them.
pub fn members() -> Result<Vec<Member>> {
    let member = |package: &Value| {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let folder = Path::new(text("manifest_path")?).parent()?;
        Some(Member { name: text("name")?.to_owned(), folder: folder.to_owned() })
    };
    packages()?.iter().map(|package| member(package).context("a package has no name or no folder")).collect()
}

fn packages() -> Result<Vec<Value>> {
    let metadata = output(cargo()?.args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    metadata.get("packages").and_then(Value::as_array).cloned().context("cargo names no packages")
}

fn commit() -> Result<Option<String>> {
    let git = |arguments: &[&str]| in_root("git")?.args(arguments).output().context("git could not be started");
    let [commit, changes] = [git(&["rev-parse", "HEAD"])?, git(&["status", "--porcelain"])?];
    let is_that = commit.status.success() && changes.status.success() && changes.stdout.trim_ascii().is_empty();
    let commit = String::from_utf8(commit.stdout)?;
    Ok(is_that.then(|| commit.trim().to_owned()))
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
