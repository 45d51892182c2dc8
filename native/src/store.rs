//! What the engines of a process share, whatever configuration they belong to: so a listener that is replaced hands
//! over what is known. What only one configuration knows goes with it, and all of it when nobody has a configuration any
//! more, before Envoy may unload the module.

use crate::lock::{lock, shared};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, Weak};
use tessera_core::port::memory::MemoryStore;

static STORE: Mutex<Weak<MemoryStore>> = Mutex::new(Weak::new());
/// How many configurations have something in the store, by how its keys begin.
static SHARERS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// So many values are forgotten at once.
const AT_ONCE: usize = 256;

/// The process's store, for a configuration whose keys begin so.
pub struct Share {
    store: Arc<MemoryStore>,
    prefixes: Vec<String>,
}

impl Share {
    pub fn new(prefixes: Vec<String>) -> Self {
        let mut sharers = lock(&SHARERS);
        for prefix in &prefixes {
            *sharers.entry(prefix.clone()).or_default() += 1;
        }
        Self { store: shared(&STORE), prefixes }
    }
}

impl Deref for Share {
    type Target = MemoryStore;

    fn deref(&self) -> &MemoryStore {
        &self.store
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Held until all is gone, so that nothing is taken from a configuration that begins meanwhile.
        let mut sharers = lock(&SHARERS);
        for prefix in &self.prefixes {
            let Some(count) = sharers.get_mut(prefix) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                sharers.remove(prefix);
                while !self.store.forget(prefix, AT_ONCE) {}
            }
        }
    }
}
