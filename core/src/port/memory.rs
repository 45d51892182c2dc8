//! What a host offers, without a host.

use super::{Expect, HostFailure, Random, SharedStore, SignatureHash, Signatures, Version, Versioned, WriteError};

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

/// A host that knows nothing of signatures.
pub struct NoSignatures;

impl Signatures for NoSignatures {
    fn verify(&self, _: SignatureHash, _: &[u8], _: &[u8], _: &[u8]) -> Result<bool, HostFailure> {
        Err(HostFailure)
    }

    fn sign(&self, _: SignatureHash, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, HostFailure> {
        Err(HostFailure)
    }
}

/// The same byte each time.
pub struct FixedRandom(pub u8);

impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        bytes.fill(self.0);
        Ok(())
    }
}
