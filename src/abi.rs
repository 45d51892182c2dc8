//! The host functions that requests need, called directly: bytes as they are, and every status as a result. The
//! SDK's wrappers expect text, allocate for each header, leave the details of a reply empty, and panic on any
//! status they do not expect.

use std::time::Duration;
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::time::Timestamp;
use tessera_core::port::{HeaderEdits, HostFailure, WriteError};

mod sys;

/// One of the two header maps of the request in whose context the VM runs.
#[derive(Clone, Copy)]
pub struct RequestMap(u32);

pub const HEADERS: RequestMap = RequestMap(0);
pub const TRAILERS: RequestMap = RequestMap(1);

impl RequestMap {
    pub fn read(self) -> Result<HeaderMap, HostFailure> {
        HeaderMap::new(sys::header_map_pairs(self.0)?)
    }
}

impl HeaderEdits for RequestMap {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        sys::remove_header(self.0, name)
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        sys::replace_header(self.0, name.as_bytes(), value)
    }

    /// Envoy makes an index of all lines where it has to look for one.
    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        sys::add_header(self.0, name.as_bytes(), value)
    }
}

/// The SHA-256 of the certificate that the client has authenticated with, in hexadecimal digits, if it has.
pub fn peer_certificate() -> Option<Vec<u8>> {
    sys::get_property(b"connection\0sha256_peer_certificate_digest").ok()
}

/// A value of shared data and its version; `None` where there is none, or the host fails.
pub fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    sys::get_shared_data(key.as_bytes()).ok()
}

/// Writes a value of shared data, if its version is this one; 0 for any.
pub fn set_shared_data(key: &str, value: &[u8], version: u32) -> Result<(), WriteError> {
    match sys::set_shared_data(key.as_bytes(), value, version) {
        0 => Ok(()),
        sys::CAS_MISMATCH => Err(WriteError::Conflict),
        _ => Err(WriteError::Unavailable),
    }
}

/// The wall clock. A host without one is a host at the epoch: nothing fresh is ever stale, but everything with an
/// `exp` is still valid, so callers get an error instead.
pub fn now() -> Result<Timestamp, HostFailure> {
    Ok(Timestamp::from_millis(sys::nanoseconds()? / 1_000_000))
}

/// Makes `context` the one that the next calls are about; fails when it is gone.
pub fn enter(context: u32) -> Result<(), HostFailure> {
    sys::set_effective_context(context)
}

/// Sends a call on the root context of the context in which the VM runs, and gives its number.
pub fn http_call(cluster: &str, headers: &HeaderMap, body: &[u8], timeout: Duration) -> Result<u32, HostFailure> {
    let timeout = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    sys::http_call(cluster.as_bytes(), headers.as_bytes(), body, HeaderMap::NONE, timeout)
}

/// What a foreign function of the host gives; fails when it has none of that name or cannot read the arguments.
pub fn call_foreign_function(name: &str, arguments: &[u8]) -> Result<Vec<u8>, HostFailure> {
    sys::call_foreign_function(name.as_bytes(), arguments)
}

pub fn resume_request() -> Result<(), HostFailure> {
    const HTTP_REQUEST: u32 = 0;
    sys::continue_stream(HTTP_REQUEST)
}

/// Answers the request. `details` are what access logs show as response code details.
pub fn reply(status: u16, details: &str, headers: &HeaderMap, body: &str) -> Result<(), HostFailure> {
    sys::send_local_response(u32::from(status), details.as_bytes(), headers.as_bytes(), body.as_bytes())
}

/// Sets a property of the stream, for access logs.
pub fn set_property(name: &str, value: &str) -> Result<(), HostFailure> {
    sys::set_property(name.as_bytes(), value.as_bytes())
}
