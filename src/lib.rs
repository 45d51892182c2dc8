//! Tessera: OAuth 2.0 access-token enforcement for Envoy, as one Proxy-Wasm module.
//!
//! For each request it takes the access token, learns what the authorization server says about it, looks up the
//! contract that the token's client holds for the API, and lets the request pass with trustworthy headers or refuses it
//! with an honest answer.
//!
//! This package is the shell: the only code that names the Proxy-Wasm SDK. It carries events in and effects out and
//! decides nothing; that is `tessera-core`. `ARCHITECTURE.md` tells how the modules hang together.
// Allowed in `abi`, `sdk` and `callbacks`, for names that the compiler cannot check: the ABI's.
#![deny(unsafe_code)]

mod abi;
pub mod callbacks;
mod callouts;
mod plugin;
mod root;
mod sdk;
mod shared_data;
mod stats;
mod stream;

mod module {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|id| Box::new(crate::root::Root::new(id)));
    }}
}
