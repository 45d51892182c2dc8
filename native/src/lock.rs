//! Locks that outlive a panic, and what is shared behind one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The value. Whoever panicked while using it has left it whole: what is behind these locks is replaced, or added to.
pub fn lock<T: ?Sized>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the configurations of a process share at this place. It goes with the last of them, and the next begins anew.
pub fn shared<T: Default>(place: &Mutex<Weak<T>>) -> Arc<T> {
    let mut place = lock(place);
    place.upgrade().unwrap_or_else(|| {
        let fresh = Arc::default();
        *place = Arc::downgrade(&fresh);
        fresh
    })
}
