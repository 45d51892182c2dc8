//! Removes the exports that the filter does not use, and the code behind them.
//!
//! The SDK exports every callback of the ABI, and Envoy enters the VM for each one that exists: an export without a
//! use costs every request. What stays is a list, so that a new callback is a decision and not an accident.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use walrus::ModuleConfig;

/// The exports of the finished module, each as the names it may go by.
///
/// `proxy_on_delete` looks unused and is not: there a request stops waiting, and a plugin tells its last counts. In a
/// module without callbacks of its own the SDK drops a stream's context there.
const KEPT: &[&[&str]] = &[
    &["memory"],
    &["_initialize"],
    // The host's way to place bytes in the module's memory: older and newer SDKs name it differently.
    &["proxy_on_memory_allocate", "malloc"],
    &["proxy_abi_version_0_2_1"],
    &["proxy_on_vm_start"],
    &["proxy_on_context_create"],
    &["proxy_on_configure"],
    &["proxy_on_tick"],
    &["proxy_on_queue_ready"],
    &["proxy_on_request_headers"],
    &["proxy_on_request_trailers"],
    &["proxy_on_http_call_response"],
    &["proxy_on_delete"],
];

/// What the names of callbacks begin with that take the place of the SDK's.
const OWN: &str = "tessera_";

/// The module `wasm` with only the exports in [`KEPT`], and without the code that nothing reaches any more.
///
/// # Errors
/// When `wasm` is not a valid module, or lacks one of the exports to keep.
pub fn prune(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut module = ModuleConfig::new()
        .generate_name_section(false)
        .generate_producers_section(false)
        .parse(wasm)
        .context("not a valid WebAssembly module")?;

    take_over(&mut module);
    let present: BTreeSet<String> = module.exports.iter().map(|e| e.name.clone()).collect();
    let missing: Vec<String> = KEPT
        .iter()
        .filter(|names| !names.iter().any(|name| present.contains(*name)))
        .map(|names| names.join(" or "))
        .collect();
    ensure!(
        missing.is_empty(),
        "the module does not export {}; it exports {}",
        missing.join(", "),
        Vec::from_iter(present).join(", ")
    );

    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !KEPT.iter().any(|names| names.contains(&export.name.as_str())))
        .map(walrus::Export::id)
        .collect();
    for id in unused {
        module.exports.delete(id);
    }
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

/// Puts the module's own callbacks in the place of the SDK's: the export `tessera_on_delete` becomes `proxy_on_delete`.
fn take_over(module: &mut walrus::Module) {
    let own: Vec<(walrus::ExportId, String)> = module
        .exports
        .iter()
        .filter_map(|export| Some((export.id(), format!("proxy_{}", export.name.strip_prefix(OWN)?))))
        .collect();
    for (id, name) in own {
        let _ = module.exports.remove(&name);
        module.exports.get_mut(id).name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, prune};
    use wasmparser::{Operator, Parser, Payload, Validator};

    /// A module that exports `memory` and, for each name given, a function that returns a number of its own.
    fn module(functions: &[&str]) -> Vec<u8> {
        let functions: String = functions
            .iter()
            .enumerate()
            .map(|(n, name)| format!(r#"(func (export "{name}") (result i32) i32.const {n})"#))
            .collect();
        wat::parse_str(format!(r#"(module (memory (export "memory") 1) {functions})"#)).unwrap()
    }

    fn kept_functions() -> Vec<&'static str> {
        KEPT.iter().map(|names| names[0]).filter(|name| *name != "memory").collect()
    }

    fn exports(wasm: &[u8]) -> Vec<String> {
        Parser::new(0)
            .parse_all(wasm)
            .filter_map(|payload| match payload.unwrap() {
                Payload::ExportSection(section) => Some(section),
                _ => None,
            })
            .flatten()
            .map(|export| export.unwrap().name.to_owned())
            .collect()
    }

    fn function_count(wasm: &[u8]) -> u32 {
        Parser::new(0)
            .parse_all(wasm)
            .find_map(|payload| match payload.unwrap() {
                Payload::FunctionSection(section) => Some(section.count()),
                _ => None,
            })
            .unwrap_or(0)
    }

    /// The numbers that the functions left in a [`module`] give back.
    fn results(wasm: &[u8]) -> Vec<usize> {
        let bodies = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
        bodies
            .filter_map(|body| match body.get_operators_reader().unwrap().read().unwrap() {
                Operator::I32Const { value } => usize::try_from(value).ok(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_unused_export_goes_with_its_code() {
        let mut functions = kept_functions();
        functions.extend(["proxy_on_log", "proxy_on_response_body"]);

        let pruned = prune(&module(&functions)).unwrap();

        Validator::new().validate_all(&pruned).unwrap();
        assert_eq!(exports(&pruned).len(), KEPT.len());
        assert!(!exports(&pruned).contains(&"proxy_on_log".to_owned()));
        assert_eq!(function_count(&pruned) as usize, kept_functions().len());
    }

    #[test]
    fn code_that_a_kept_export_calls_stays() {
        let kept: String =
            kept_functions().iter().map(|name| format!(r#"(func (export "{name}") (call $shared))"#)).collect();
        let source = format!(r#"(module (memory (export "memory") 1) (func $shared (export "proxy_on_done")) {kept})"#);

        let pruned = prune(&wat::parse_str(source).unwrap()).unwrap();

        Validator::new().validate_all(&pruned).unwrap();
        assert_eq!(function_count(&pruned) as usize, kept_functions().len() + 1);
    }

    #[test]
    fn a_callback_of_the_modules_own_takes_the_place_of_the_sdks() {
        let mut functions = kept_functions();
        let of_the_sdk = functions.iter().position(|name| *name == "proxy_on_delete").unwrap();
        let own = functions.len();
        functions.push("tessera_on_delete");

        let pruned = prune(&module(&functions)).unwrap();

        Validator::new().validate_all(&pruned).unwrap();
        assert_eq!(exports(&pruned), exports(&prune(&module(&kept_functions())).unwrap()));
        let left = results(&pruned);
        assert!(left.contains(&own) && !left.contains(&of_the_sdk), "{left:?}");
    }

    #[test]
    fn pruning_twice_changes_nothing() {
        let once = prune(&module(&kept_functions())).unwrap();
        assert_eq!(prune(&once).unwrap(), once);
    }

    #[test]
    fn the_allocator_may_go_by_its_older_name() {
        let functions: Vec<_> = kept_functions()
            .into_iter()
            .map(|name| if name == "proxy_on_memory_allocate" { "malloc" } else { name })
            .collect();
        assert!(prune(&module(&functions)).is_ok());
    }

    #[test]
    fn missing_exports_are_named() {
        let functions: Vec<_> = kept_functions()
            .into_iter()
            .filter(|name| !["proxy_on_delete", "proxy_on_memory_allocate"].contains(name))
            .collect();
        let error = prune(&module(&functions)).unwrap_err().to_string();
        assert!(error.contains("does not export proxy_on_memory_allocate or malloc, proxy_on_delete;"), "{error}");
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(prune(b"\0asm, or not").is_err());
    }
}
