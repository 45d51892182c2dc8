//! What the engines of a process share, whatever configuration they belong to: so a listener that is replaced hands
//! over what is known. It goes when nobody has a configuration any more, before Envoy may unload the module.

use std::sync::{Arc, Mutex, Weak};
use tessera_core::port::memory::MemoryStore;

static STORE: Mutex<Weak<MemoryStore>> = Mutex::new(Weak::new());

/// The process's store.
pub fn shared() -> Arc<MemoryStore> {
    crate::lock::shared(&STORE)
}
