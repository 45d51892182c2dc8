//! The one door to shared data, and its in-memory twin for tests.

use std::fmt;

/// Version of a shared value, for compare-and-swap. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// A shared value as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes; untrusted, whoever wrote them.
    pub value: Vec<u8>,
    /// To be handed back with [`Expect::Version`].
    pub version: Version,
}

/// What must hold for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Write whatever is there.
    Anything,
    /// Write only when the key has never been written.
    Absent,
    /// Write only over this version.
    Version(Version),
}

/// Why a write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// Another worker was first.
    Conflict,
    /// The host refused.
    Unavailable,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "another worker wrote the value first",
            Self::Unavailable => "the host refused the shared value",
        })
    }
}

/// Proxy-Wasm shared data: one map per process, read and written by every worker.
///
/// Keys cannot be deleted or listed, so callers draw them from a fixed set.
pub trait SharedStore {
    /// The value under `key`; `None` when it was never written (or the host failed).
    fn get(&self, key: &str) -> Option<Versioned>;

    /// Writes `value` under `key` if `expect` holds.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when `expect` does not hold, [`WriteError::Unavailable`] when the host refuses.
    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError>;
}

/// A store in this process's memory, for tests and simulations. Clones share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(std::sync::Arc<std::sync::Mutex<MemoryMap>>);

#[derive(Debug, Default)]
struct MemoryMap {
    last: u32,
    values: std::collections::BTreeMap<String, (Vec<u8>, u32)>,
}

impl MemoryStore {
    /// Every key and value, in key order.
    pub fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let map = self.lock();
        map.values.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, MemoryMap> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl SharedStore for MemoryStore {
    fn get(&self, key: &str) -> Option<Versioned> {
        let map = self.lock();
        map.values.get(key).map(|(value, version)| Versioned { value: value.clone(), version: Version(*version) })
    }

    fn set(&self, key: &str, value: &[u8], expect: Expect) -> Result<(), WriteError> {
        let mut map = self.lock();
        let found = map.values.get(key).map(|(_, version)| *version);
        match (expect, found) {
            (Expect::Absent, Some(_)) => return Err(WriteError::Conflict),
            (Expect::Version(expected), found) if found != Some(expected.0) => {
                return Err(WriteError::Conflict);
            }
            _ => {}
        }
        map.last = map.last.checked_add(1).unwrap_or(1);
        let version = map.last;
        map.values.insert(key.to_owned(), (value.to_vec(), version));
        Ok(())
    }
}
