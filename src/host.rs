//! What Envoy offers to an event.

use crate::shared_data::SharedData;
use crate::signatures::ForeignSignatures;
use tessera_core::base::time::Timestamp;
use tessera_core::engine::effect::Cx;
use tessera_core::port::{HostFailure, Random};

/// The context of an event at this time.
pub fn cx(now: Timestamp) -> Cx<'static> {
    Cx::new(&SharedData, &ForeignSignatures, &WasiRandom, now)
}

/// The host's randomness (WASI `random_get`).
pub struct WasiRandom;

impl Random for WasiRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        getrandom::fill(bytes).map_err(|_| HostFailure)
    }
}
