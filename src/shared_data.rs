//! Proxy-Wasm shared data as the engine's store.

use crate::abi;
use tessera_core::port::{Expect, SharedStore, Version, Versioned, WriteError};

/// The shared data of this VM's `vm_id`.
pub struct SharedData;

const ANY: u32 = 0;
/// A version that no value has had yet: the host creates a missing key whatever version is expected, and refuses one
/// that exists.
const NEVER: u32 = u32::MAX;

impl SharedStore for SharedData {
    fn get(&self, key: &str) -> Option<Versioned> {
        let (value, version) = abi::shared_data(key).filter(|(_, version)| *version != ANY)?;
        Some(Versioned { value, version: Version(version) })
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        let version = match expect {
            Expect::Anything => ANY,
            Expect::Absent => NEVER,
            Expect::Version(Version(version)) => version,
        };
        abi::set_shared_data(key, value, version)
    }
}
