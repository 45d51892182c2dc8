//! What the process offers to an event.

use std::time::{SystemTime, UNIX_EPOCH};
use tessera_core::base::time::Timestamp;
use tessera_core::engine::effect::Cx;
use tessera_core::port::memory::MemoryStore;
use tessera_core::port::{HostFailure, Random};
use tessera_signatures::AwsLc;

/// The context of an event, now.
pub fn cx(store: &MemoryStore) -> Cx<'_> {
    Cx::new(store, &AwsLc, &SystemRandom, now())
}

/// The wall clock. One before 1970 is at the epoch, where every token that ends is still valid and none has begun: so
/// the end of time is taken instead.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    Timestamp::from_millis(millis.unwrap_or(u64::MAX))
}

/// The operating system's randomness.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        getrandom::fill(bytes).map_err(|_| HostFailure)
    }
}
