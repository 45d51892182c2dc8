//! The binding to Envoy's dynamic modules. With `hooks`, which Envoy calls, it is the only code that may be `unsafe`: the
//! compiler cannot check the names, signatures and lifetimes of another program's functions. What it hands out is safe to
//! use: borrowed headers end before they may change, a request cannot be kept beyond its hook, and what ends a request
//! uses it up.
#![allow(unsafe_code)]

mod answer;
mod confined;
mod filter;
mod host;
mod metrics;
mod status;
mod sys;

pub use answer::Answer;
pub use confined::{Confined, Fault};
pub use filter::{Head, HttpFilter, Map, RequestScheduler};
pub use host::{ConfigHost, ConfigScheduler, abi_version, concurrency, log};
pub use metrics::{MAX_LABELS, Measured, MetricId, MetricKind, Recorder};
pub use status::{FollowingStatus, HeadersStatus};
pub use sys::{ConfigPtr, EnvoyBuffer, FilterPtr, Header, ModuleBuffer};

/// Bytes that Envoy passes to a hook.
///
/// # Safety
/// They are there, and nobody changes them, as long as the result is used.
pub unsafe fn lent_bytes<'hook>(buffer: EnvoyBuffer) -> &'hook [u8] {
    // SAFETY: as promised.
    unsafe { filter::bytes(buffer.ptr, buffer.length) }
}
