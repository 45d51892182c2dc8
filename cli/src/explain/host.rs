//! What the filter has of its host, here: randomness, the time.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::time::{SystemTime, UNIX_EPOCH};
use tessera_core::base::time::{Timestamp, millis};
use tessera_core::port::{HostFailure, Random};

/// The randomness of the system.
pub struct SystemRandomness;

impl Random for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        SystemRandom::new().fill(bytes).map_err(|_| HostFailure)
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}
