//! What Envoy runs the engine in: its Wasm runtime, or its own process.

use std::env;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::prerequisites;

/// The host that these tests are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The Proxy-Wasm module.
    Wasm,
    /// The dynamic module.
    Native,
}

impl Host {
    /// The one that `TESSERA_HOST` names; Wasm unless it does.
    pub fn of_tests() -> Self {
        match env::var("TESSERA_HOST").as_deref() {
            Ok("native") => Self::Native,
            Ok("wasm") | Err(_) => Self::Wasm,
            Ok(other) => panic!("TESSERA_HOST is `native` or `wasm`, not {other:?}"),
        }
    }

    /// The one of `envoy/` that the demo runs.
    pub fn smallest_example(self) -> &'static str {
        match self {
            Self::Wasm => "envoy.yaml",
            Self::Native => "native.yaml",
        }
    }

    /// The filter's configuration in Envoy.
    pub fn filter(self, name: &str, configuration: Value) -> Value {
        match self {
            Self::Wasm => wasm_filter(&prerequisites::module(), name, configuration),
            Self::Native => json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
                // Under the name that Envoy gives what Wasm modules count, the metrics are the same.
                "dynamic_module_config": {"name": module_name(), "metrics_namespace": "wasmcustom"},
                "filter_name": name,
                "filter_config": configuration,
            }),
        }
    }

    /// Whether Envoy takes what the module has counted within requests only.
    pub fn counts_within_requests(self) -> bool {
        self == Self::Native && prerequisites::envoy_version() < (1, 39)
    }

    /// What the module's lines begin with in Envoy's log.
    pub fn log_mark(self) -> &'static str {
        match self {
            Self::Wasm => "wasm log: ",
            Self::Native => "] tessera: ",
        }
    }

    /// Where Envoy looks for dynamic modules.
    pub fn search_path(self) -> Option<(&'static str, String)> {
        let library = (self == Self::Native).then(prerequisites::native_module)?;
        let folder = library.parent().unwrap_or(Path::new(".")).display().to_string();
        Some(("ENVOY_DYNAMIC_MODULES_SEARCH_PATH", folder))
    }
}

/// A Wasm module as a filter.
pub fn wasm_filter(module: &Path, name: &str, configuration: Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": name,
            "failure_policy": "FAIL_RELOAD",
            "configuration": configuration,
            "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
        },
    })
}

/// The file's name without `lib` and `.so`.
fn module_name() -> String {
    let library = prerequisites::native_module();
    let stem = library.file_stem().expect("a file").to_string_lossy();
    stem.strip_prefix("lib").expect("a library").to_owned()
}
