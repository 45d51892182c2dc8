//! Proxy-Wasm shared data as the engine's store.

use crate::shared::store::{Expect, SharedStore, Version, Versioned, WriteError};
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

/// The shared data of this VM's `vm_id`.
pub struct SharedData;

/// A version that no value has had yet: the host creates a missing key whatever version is expected, and refuses one
/// that exists.
const NEVER: u32 = u32::MAX;

impl SharedStore for SharedData {
    fn get(&self, key: &str) -> Option<Versioned> {
        let (value, version) = hostcalls::get_shared_data(key).ok()?;
        Some(Versioned { value: value.unwrap_or_default(), version: Version(version?) })
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        let version = match expect {
            Expect::Anything => None,
            Expect::Absent => Some(NEVER),
            Expect::Version(Version(version)) => Some(version),
        };
        hostcalls::set_shared_data(key, Some(value), version).map_err(|status| match status {
            Status::CasMismatch => WriteError::Conflict,
            _ => WriteError::Unavailable,
        })
    }
}
