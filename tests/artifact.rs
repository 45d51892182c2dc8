//! What the finished module `target/tessera.wasm` asks of its host, offers to it, costs it, and gives away.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "artifact/host.rs"]
mod host;
#[path = "artifact/warm_hit.rs"]
mod warm_hit;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmparser::{Parser, Payload, TypeRef};

/// Bytes; it is loaded into each proxy's memory and sent to it over the network.
const BUDGET: usize = 1000 * 1024;

/// The host functions that the module may ask for. A new one is a decision: a host that lacks it cannot load the module.
const IMPORTS: &[&str] = &[
    "env.proxy_add_header_map_value",
    "env.proxy_call_foreign_function",
    "env.proxy_continue_stream",
    "env.proxy_define_metric",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_http_call",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_add_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_send_local_response",
    "env.proxy_set_effective_context",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
    "env.proxy_set_tick_period_milliseconds",
    // Never called: the SDK's traits carry them along as default methods.
    "env.proxy_close_stream",
    "env.proxy_get_status",
    "env.proxy_grpc_call",
    "env.proxy_grpc_cancel",
    "env.proxy_grpc_close",
    "env.proxy_grpc_send",
    "env.proxy_grpc_stream",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_header_map_pairs",
    // Rust's standard library: secrets from the environment, randomness for hash maps, the way out of a panic.
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
];

/// Every export costs: Envoy calls each callback that exists.
const EXPORTS: &[&str] = &[
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_queue_ready",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

fn module() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tessera.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make module` first", path.display()))
}

fn imports(module: &[u8]) -> BTreeSet<String> {
    Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload.unwrap() {
            Payload::ImportSection(section) => Some(section.into_imports()),
            _ => None,
        })
        .flatten()
        .map(|import| {
            let import = import.unwrap();
            assert!(matches!(import.ty, TypeRef::Func(_)), "{import:?} is no function");
            format!("{}.{}", import.module, import.name)
        })
        .collect()
}

fn exports(module: &[u8]) -> BTreeSet<String> {
    Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload.unwrap() {
            Payload::ExportSection(section) => Some(section),
            _ => None,
        })
        .flatten()
        .map(|export| export.unwrap().name.to_owned())
        .collect()
}

#[test]
fn it_is_valid() {
    wasmparser::Validator::new().validate_all(&module()).unwrap();
}

#[test]
fn it_asks_its_host_for_nothing_new() {
    let allowed: BTreeSet<String> = IMPORTS.iter().map(|name| (*name).to_owned()).collect();
    let imports = imports(&module());
    let unexpected: Vec<_> = imports.difference(&allowed).collect();
    assert!(unexpected.is_empty(), "imports that are not on the list: {unexpected:#?}");
}

#[test]
fn it_offers_what_the_filter_uses_and_no_more() {
    let expected: BTreeSet<String> = EXPORTS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(exports(&module()), expected);
}

#[test]
fn it_keeps_to_its_size() {
    let size = module().len();
    assert!(size <= BUDGET, "{size} bytes, {} over the budget", size - BUDGET);
}

#[test]
fn its_size_is_the_documented_one() {
    let size = module().len() / 1024;
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = std::fs::read_to_string(document).unwrap();
    let documented = text.split("The module has about ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let documented: usize = documented.parse().unwrap();
    assert!(size.abs_diff(documented) <= 10, "{size} KiB, and docs/performance.md says {documented}");
}

#[test]
fn it_says_nothing_about_the_machine_that_built_it() {
    let module = module();
    let mut private = vec![
        "/home/runner".to_owned(),
        "/root/".to_owned(),
        "/Users/".to_owned(),
        env!("CARGO_MANIFEST_DIR").to_owned(),
    ];
    private.extend(std::env::var("HOME").ok().filter(|home| home.len() > 1).map(|home| format!("{home}/")));
    private.extend(std::env::var("USER").ok().map(|user| format!("/{user}/")));

    let found: Vec<_> =
        private.iter().filter(|text| module.windows(text.len()).any(|window| window == text.as_bytes())).collect();
    assert!(found.is_empty(), "the module contains {found:?}");
}

/// The command, the registry and the build steps stand in the same workspace: what they need must not become a part of the
/// module, nor switch a feature on in what it shares with them.
#[test]
fn the_other_members_of_the_workspace_change_nothing_that_it_is_built_of() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let alone = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("alone");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members = ")).unwrap();
    let mut is_kept = true;
    let kept = manifest.replace(members, "members = [\"core\"]").lines().fold(String::new(), |kept, line| {
        if line.starts_with('[') {
            is_kept = !line.starts_with("[dev-dependencies]") && !line.starts_with("[[test]]");
        }
        if is_kept { format!("{kept}{line}\n") } else { kept }
    });
    for folder in ["src", "core/src"] {
        std::fs::create_dir_all(alone.join(folder)).unwrap();
        std::fs::write(alone.join(folder).join("lib.rs"), "").unwrap();
    }
    std::fs::write(alone.join("Cargo.toml"), kept).unwrap();
    for file in ["Cargo.lock", "core/Cargo.toml"] {
        std::fs::copy(root.join(file), alone.join(file)).unwrap();
    }
    let (with, without) = (built_of(&root), built_of(&alone));
    assert!(with.iter().any(|package| package.starts_with("serde_json v")), "{with:?}");
    assert_eq!(with, without);
}

/// The packages that the module is built of, each with its features.
fn built_of(workspace: &Path) -> BTreeSet<String> {
    let arguments = "tree --offline --package tessera --target wasm32-wasip1 --edges normal,build --prefix none";
    let cargo = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .args(["--no-dedupe", "--format", "{p} {f}", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let text = String::from_utf8(cargo.stdout).unwrap();
    text.replace(&format!(" ({}", workspace.display()), " (").lines().map(str::to_owned).collect()
}
