//! What a release is made of, as bills of materials in the CycloneDX format.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bill::SPECIFICATION;
use crate::module::{TARGET, root};
use crate::native::X86_64;
use crate::package::{Member, members, output};
use crate::tools::Tool;

/// The tool that writes them.
const TOOL: Tool = Tool { name: "cargo-cyclonedx", version: "0.5.9", purpose: "writes the SBOM" };

/// What there is a bill of.
pub struct Subject {
    pub package: &'static str,
    /// The name of the bill.
    pub file: &'static str,
    /// What the package is built for, where that is not this machine.
    pub target: Option<&'static str>,
}

/// The module, the dynamic module, the command, and the contract registry.
pub const SUBJECTS: &[Subject] = &[
    Subject { package: "tessera", file: "tessera.cdx.json", target: Some(TARGET) },
    Subject { package: "tessera-native", file: "tessera-native.cdx.json", target: Some(X86_64) },
    Subject { package: "tessera-cli", file: "tessera-cli.cdx.json", target: None },
    Subject { package: "tessera-registry", file: "tessera-registry.cdx.json", target: None },
];

/// The bill of each of [`SUBJECTS`]; it depends on commit and target alone.
///
/// # Errors
/// When the tool cannot be installed, or fails.
pub fn build() -> Result<Vec<String>> {
    let tool = TOOL.path()?;
    SUBJECTS.iter().map(|subject| write(&tool, subject)).collect()
}

fn write(tool: &Path, subject: &Subject) -> Result<String> {
    let mut command = std::process::Command::new(tool);
    command.current_dir(root()?).env("SOURCE_DATE_EPOCH", "0").args(["cyclonedx", "--quiet", "--format", "json"]);
    command.args(["--spec-version", SPECIFICATION, "--no-build-deps"]);
    output(command.args(subject.target.map(|target| format!("--target={target}"))))?;

    // It writes one beside each package of the workspace.
    let mut bill = None;
    for Member { name, folder } in members()? {
        let file = folder.join(format!("{name}.cdx.json"));
        let text =
            fs::read_to_string(&file).with_context(|| format!("{} has not written {}", TOOL.name, file.display()))?;
        fs::remove_file(&file)?;
        if name == subject.package {
            bill = Some(text.replace(&root()?.display().to_string(), "/tessera"));
        }
    }
    bill.with_context(|| format!("there is no package {}", subject.package))
}
