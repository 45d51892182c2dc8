//! Host calls that neither panic on a byte nor hide an error.

use crate::base::time::Timestamp;
use crate::token::extract::{HostFailure, RequestHead};
use crate::upstream::HeaderEdits;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MapType;
use std::time::UNIX_EPOCH;

/// The headers of the request in whose context the VM runs.
pub struct RequestHeaders;

/// Beside pseudo-headers the one of which Envoy keeps one line at most: it joins several with `,` as they arrive.
const AUTHORIZATION: &str = "authorization";

impl RequestHead for RequestHeaders {
    fn header(&self, name: &str) -> Result<Option<Vec<u8>>, HostFailure> {
        // For other headers the getter answers with the first line and hides the rest; the property joins them all,
        // but does not tell an empty line from none.
        if name != AUTHORIZATION && !name.starts_with(':') {
            let joined = hostcalls::get_property(vec!["request", "headers", name]).map_err(|_| HostFailure)?;
            if joined.as_ref().is_some_and(|value| !value.is_empty()) {
                return Ok(joined);
            }
        }
        hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, name).map_err(|_| HostFailure)
    }
}

impl HeaderEdits for RequestHeaders {
    fn names(&self) -> Result<Vec<String>, HostFailure> {
        let map = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).map_err(|_| HostFailure)?;
        Ok(map.into_iter().map(|(name, _)| name).collect())
    }

    fn remove(&self, name: &str) -> Result<(), HostFailure> {
        hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).map_err(|_| HostFailure)
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, name, Some(value)).map_err(|_| HostFailure)
    }
}

/// The wall clock. A host without one is a host at the epoch: nothing fresh is ever stale, but everything with an
/// `exp` is still valid, so callers get an error instead.
pub fn now() -> Result<Timestamp, HostFailure> {
    let time = hostcalls::get_current_time().map_err(|_| HostFailure)?;
    let since_epoch = time.duration_since(UNIX_EPOCH).map_err(|_| HostFailure)?;
    Ok(Timestamp::from_millis(crate::base::time::millis(since_epoch)))
}

/// Makes `context` the one that the next calls are about; fails when it is gone.
pub fn enter(context: u32) -> Result<(), HostFailure> {
    hostcalls::set_effective_context(context).map_err(|_| HostFailure)
}
