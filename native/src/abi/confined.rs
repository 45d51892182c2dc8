//! A value that threads use one at a time, although it counts its references without atomics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// A panic was caught while a confined value was used. The value is still there, and may be half changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// A value behind a lock, with everything that it refers to: nothing that shares a counter with it gets out.
pub struct Confined<T>(Mutex<T>);

// SAFETY: `T` may hold `Rc`s, whose counters must be changed by one thread at a time, each seeing the changes of the one
// before. They are changed only within `with`, under the lock, or by whoever owns the whole. `new` and `with` let
// nothing else in or out: what they run, what that captures and what it returns are `Send`, and an `Rc` is not.
unsafe impl<T> Send for Confined<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Confined<T> {}

impl<T> Confined<T> {
    /// The value that `make` makes, within.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn new<E: Send>(make: impl FnOnce() -> Result<T, E> + Send) -> Result<Self, E> {
        make().map(|value| Self(Mutex::new(value)))
    }

    /// Lets `work` use the value, and nobody else meanwhile. It must not call what may come back to the same value.
    ///
    /// # Errors
    /// [`Fault`] when it panics.
    pub fn with<R: Send>(&self, work: impl FnOnce(&mut T) -> R + Send) -> Result<R, Fault> {
        let mut value = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        catch_unwind(AssertUnwindSafe(|| work(&mut value))).map_err(|_| Fault)
    }
}
