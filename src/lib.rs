//! Tessera: OAuth 2.0 access-token enforcement for Envoy, as one Proxy-Wasm module.
//!
//! For each request it takes the access token, learns what the authorization server says about it, looks up the
//! contract that the token's client holds for the API, and lets the request pass with trustworthy headers or refuses it
//! with an honest answer. `ARCHITECTURE.md` tells how the modules hang together.
// Allowed in `host::abi`, `host::sdk` and `host::callbacks`, for names that the compiler cannot check: the ABI's.
#![deny(unsafe_code)]

pub mod base;
pub mod cache;
pub mod config;
pub mod contract;
pub mod decision;
pub mod engine;
pub mod host;
pub mod introspection;
pub mod outcome;
pub mod reply;
pub mod shared;
pub mod token;
pub mod upstream;

// The macro documents nothing it defines.
#[allow(missing_docs)]
mod module {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|id| Box::new(crate::host::plugin::Plugin::new(id)));
    }}
}
