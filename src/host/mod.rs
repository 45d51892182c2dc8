//! The shell: the only code that names the Proxy-Wasm SDK. It carries events in and effects out and decides nothing.

mod abi;
pub mod callbacks;
mod callouts;
pub mod plugin;
mod sdk;
mod shared_data;
mod stats;
mod stream;
mod turn;
