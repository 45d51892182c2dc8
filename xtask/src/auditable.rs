//! Programs that name the crates they are built of, in a section that `cargo audit bin` and scanners of images read.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::module::root;
use crate::release::read;
use crate::tools::Tool;

const TOOL: Tool =
    Tool { name: "cargo-auditable", version: "0.7.7", purpose: "has programs name the crates they are built of" };

/// The section.
const SECTION: &[u8] = b".dep-v0";

/// `cargo build`, in the root of the repository, of what names its crates.
///
/// # Errors
/// When the tool cannot be installed.
pub fn build() -> Result<Command> {
    let mut command = Command::new(TOOL.path()?);
    command.current_dir(root()?).args(["auditable", "build"]);
    Ok(command)
}

/// # Errors
/// When the program cannot be read, or names no crates.
pub fn check(program: &Path) -> Result<()> {
    let names = read(program)?.windows(SECTION.len()).any(|bytes| bytes == SECTION);
    ensure!(names, "{} does not name its crates: it was not built by cargo-auditable", program.display());
    Ok(())
}
