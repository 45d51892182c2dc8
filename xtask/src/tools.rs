//! Tools of cargo that a release needs, each installed into `target/tools`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::module::root;
use crate::package::{cargo, output};

/// A subcommand of cargo, in this version.
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

impl Tool {
    /// Where it is, installed the first time.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub fn path(&self) -> Result<PathBuf> {
        let Self { name, version, purpose } = self;
        let folder = root()?.join("target/tools");
        let tool = folder.join("bin").join(name);
        // Another version may be there, of a commit before.
        let record = folder.join(format!("{name}-{version}"));
        if !tool.exists() || !record.exists() {
            println!("{name} {version} into target/tools");
            let exact = format!("={version}");
            let install = ["install", "--quiet", "--locked", "--force", name, "--version", &exact, "--root"];
            output(cargo()?.args(install).arg(&folder))
                .with_context(|| format!("{name} {version}, which {purpose}, cannot be installed into target/tools"))?;
            std::fs::write(&record, "")?;
        }
        Ok(tool)
    }
}
