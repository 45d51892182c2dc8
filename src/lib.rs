//! Tessera: OAuth 2.0 access-token enforcement for Envoy, as one Proxy-Wasm module.
//!
//! For each request it takes the access token, asks the authorization server about it, looks up the contract that the
//! token's client has for the API, and lets the request pass with trustworthy headers or refuses it with an answer that
//! says why.
//!
//! This package is the shell: the only code that names the Proxy-Wasm SDK. It carries events in and effects out, and
//! decides nothing; `tessera-core` does. `ARCHITECTURE.md` describes both.
// Allowed in `abi`, `sdk` and `callbacks`, for names that the compiler cannot check: the ABI's.
#![deny(unsafe_code)]

mod abi;
pub mod callbacks;
mod callouts;
mod host;
mod plugin;
mod request;
mod root;
mod sdk;
mod shared_data;
pub mod signatures;
mod stats;
mod stream;

mod module {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|id| Box::new(crate::root::Root::new(id)));
    }}
}
