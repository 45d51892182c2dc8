//! The clock and the dice of the use cases.

use crate::domain::time::Time;

pub trait Clock: Send + Sync {
    fn now(&self) -> Time;
}

pub trait Randomness: Send + Sync {
    /// Unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUIDv7 of this moment (RFC 9562): identifiers ascend with time.
    fn id(&self, now: Time) -> String;
}
