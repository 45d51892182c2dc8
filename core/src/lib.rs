//! The core of Tessera: everything that decides about a request, without a host.
//!
//! No IO, no clock, no threads, no Proxy-Wasm SDK: events, the time and a store go in, endings and effects come out.
//! `ARCHITECTURE.md` shows how the modules depend on each other.
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

pub mod base;
pub mod cache;
pub mod config;
pub mod contract;
pub mod decision;
pub mod engine;
pub mod feed;
pub mod jose;
pub mod outcome;
pub mod policy;
pub mod port;
pub mod proof;
pub mod provider;
pub mod reply;
pub mod token;
pub mod upstream;
