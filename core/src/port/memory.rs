//! What a host offers, without a host.

use std::ops::Bound;

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

    /// Forgets values whose keys begin so, as many as `most`, so that nobody waits for long; whether that were all.
    pub fn forget(&self, prefix: &str, most: usize) -> bool {
        let mut map = self.lock();
        let from = map.values.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let keys = from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).take(most);
        let keys: Vec<String> = keys.cloned().collect();
        for key in &keys {
            map.values.remove(key);
        }
        keys.len() < most
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_is_forgotten_bit_by_bit_and_nothing_else_is() {
        let store = MemoryStore::default();
        for key in ["a", "b", "b1", "b2", "ba", "c", "a/b"] {
            store.set(key, b"1", Expect::Absent).unwrap();
        }
        assert!(!store.forget("b", 3));
        assert!(store.forget("b", 3));
        let kept: Vec<_> = store.dump().into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["a", "a/b", "c"]);
        let before = store.get("c").unwrap().version;
        store.set("b", b"2", Expect::Absent).unwrap();
        assert_ne!(store.get("b").unwrap().version, before, "versions go on");
        assert!(store.forget("d", 1));
    }
}
