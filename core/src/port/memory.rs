//! The in-memory twin of shared data.

use super::{Expect, SharedStore, Version, Versioned, WriteError};

/// A store in this process's memory. Clones share their content.
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
