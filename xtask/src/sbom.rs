//! What the module is made of, as a bill of materials in the CycloneDX format.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::module::{TARGET, root};
use crate::package::{Member, cargo, members, output};

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
    let mut bill = None;
    for Member { name, folder } in members()? {
        let file = folder.join(format!("{name}.cdx.json"));
        let text = fs::read_to_string(&file).with_context(|| format!("{TOOL} has not written {}", file.display()))?;
        fs::remove_file(&file)?;
        if name == "tessera" {
            bill = Some(text.replace(&root()?.display().to_string(), "/tessera"));
        }
    }
    bill.context("there is no package tessera")
}

fn tool() -> Result<PathBuf> {
    let folder = root()?.join("target/tools");
    let tool = folder.join("bin").join(TOOL);
    if !tool.exists() {
        println!("{TOOL} {VERSION} into target/tools");
        let version = format!("={VERSION}");
        let install = ["install", "--quiet", "--locked", TOOL, "--version", &version, "--root"];
        output(cargo()?.args(install).arg(&folder)).with_context(|| {
            format!("{TOOL} {VERSION}, which writes the SBOM, cannot be installed into target/tools")
        })?;
    }
    Ok(tool)
}
