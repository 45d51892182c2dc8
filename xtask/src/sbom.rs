//! What the module is made of, as a bill of materials in the CycloneDX format.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::module::{TARGET, root};
use crate::package::{cargo, output};

/// The tool that writes it, installed into `target/tools`.
const TOOL: &str = "cargo-cyclonedx";
const VERSION: &str = "0.5.9";

/// The bill of the module; it depends on the commit alone.
///
/// # Errors
/// When the tool cannot be installed, or fails.
pub fn build() -> Result<String> {
    let tool = tool()?;
    let mut command = std::process::Command::new(&tool);
    command.current_dir(root()?).env("SOURCE_DATE_EPOCH", "0").args(["cyclonedx", "--quiet", "--format", "json"]);
    command.args(["--spec-version", "1.5", "--no-build-deps", "--target", TARGET]);
    output(&mut command)?;

    // It writes one beside each package of the workspace.
    let beside =
        |folder: &str, package: &str| Ok::<_, anyhow::Error>(root()?.join(folder).join(format!("{package}.cdx.json")));
    let bill = beside("", "tessera")?;
    let text = fs::read_to_string(&bill).with_context(|| format!("{TOOL} has not written {}", bill.display()))?;
    for (folder, package) in [("", "tessera"), ("cli", "tessera-cli"), ("core", "tessera-core"), ("xtask", "xtask")] {
        let _ = fs::remove_file(beside(folder, package)?);
    }
    Ok(text.replace(&root()?.display().to_string(), "/tessera"))
}

fn tool() -> Result<PathBuf> {
    let folder = root()?.join("target/tools");
    let tool = folder.join("bin").join(TOOL);
    if !tool.exists() {
        println!("{TOOL} {VERSION} into target/tools");
        let version = format!("={VERSION}");
        output(cargo()?.args(["install", "--quiet", "--locked", TOOL, "--version", &version, "--root"]).arg(&folder))?;
    }
    Ok(tool)
}
