//! Builds the module as it ships.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::prune::prune;

/// What the module is built for.
pub const TARGET: &str = "wasm32-wasip1";
const PROFILE: &str = "module";

/// The repository's root.
pub fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a folder of the repository")
}

/// Where the finished module is written.
pub fn path() -> Result<PathBuf> {
    Ok(root()?.join("target/tessera.wasm"))
}

/// The finished module.
///
/// # Errors
/// When it has not been built yet.
pub fn read() -> Result<Vec<u8>> {
    let path = path()?;
    fs::read(&path).with_context(|| format!("cannot read {}: build it with `cargo xtask module`", path.display()))
}

/// Compiles the library for Wasm, prunes it, writes [`path`].
///
/// # Errors
/// When the build fails, or the built module lacks an export that Envoy needs.
pub fn build() -> Result<()> {
    let target = root()?.join("target");
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root()?)
        .args(["build", "--quiet", "--package", "tessera", "--lib"])
        .args(["--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the build of the module failed");

    let built = target.join(TARGET).join(PROFILE).join("tessera.wasm");
    let wasm = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    let pruned = prune(&wasm)?;
    let finished = path()?;
    fs::write(&finished, &pruned).with_context(|| format!("cannot write {}", finished.display()))?;
    println!(
        "target/tessera.wasm: {} ({} before pruning)",
        crate::size::kib(pruned.len()),
        crate::size::kib(wasm.len())
    );
    Ok(())
}

/// Somewhat less is inlined than by default, which makes the module smaller by a twentieth. What the warm path calls
/// across crates is marked.
const INLINING: &str = "llvm-args=-inline-threshold=120";

/// Compiler flags, as `CARGO_ENCODED_RUSTFLAGS` takes them. They replace any `RUSTFLAGS` of the environment, so that
/// one commit gives one module.
fn flags() -> Result<OsString> {
    let mut flags = without_paths()?;
    // SHA-2 in loops, not unrolled: 12 KB less.
    flags.extend(["--cfg", "sha2_backend_soft=\"compact\"", "-C", INLINING].map(OsString::from));
    Ok(encoded(&flags))
}

/// Flags with which no path of the machine that builds stays inside.
///
/// # Errors
/// When cargo's or the compiler's folder cannot be found.
pub fn without_paths() -> Result<Vec<OsString>> {
    let sysroot = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(root()?)
        .args(["--print", "sysroot"])
        .output()
        .context("rustc could not be started")?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout)?.trim());
    let home = env::home_dir().context("there is no home folder")?;
    let cargo_home = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);

    // Of several prefixes that fit, the last one given counts. Crates lie in a folder named after their registry.
    let mut prefixes = vec![(home, "/home"), (cargo_home.clone(), "/cargo")];
    if let Ok(registries) = fs::read_dir(cargo_home.join("registry/src")) {
        for registry in registries {
            prefixes.push((registry?.path(), "/cargo/registry"));
        }
    }
    prefixes.push((sysroot, "/rust"));
    prefixes.push((root()?.to_owned(), "/tessera"));
    Ok(prefixes.into_iter().map(|(from, to)| remap(&from, to)).collect())
}

/// As `CARGO_ENCODED_RUSTFLAGS` takes them.
pub fn encoded(flags: &[OsString]) -> OsString {
    flags.join(OsStr::new("\u{1f}"))
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}
