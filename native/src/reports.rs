//! What the engines have counted, on its way to Envoy.

use crate::abi::{ConfigHost, HttpFilter, Measured};
use crate::engine::Engine;
use crate::lock::lock;
use crate::stats::{Stats, Taken};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tessera_core::engine::metrics::{IN_FLIGHT, build_info};

/// Most samples that wait for a request to take them to Envoy; beyond that they are lost.
const MAX_SAMPLES: usize = 16_384;

/// The samples of one configuration.
pub struct Reports {
    stats: Stats,
    samples: Mutex<Vec<Taken>>,
    /// Whether a request is to report them.
    are_due: AtomicBool,
}

impl Reports {
    pub fn new(stats: Stats) -> Self {
        // Calls that begin and end between two reports shift nothing: without this the gauge would be missing, not 0.
        let samples = vec![Taken::Set(build_info(), 1), Taken::Shift(IN_FLIGHT.to_owned(), 0)];
        Self { stats, samples: Mutex::new(samples), are_due: AtomicBool::new(false) }
    }

    /// Takes over what an engine has counted.
    pub fn put(&self, taken: Vec<Taken>) {
        let mut samples = lock(&self.samples);
        let room = MAX_SAMPLES.saturating_sub(samples.len());
        samples.extend(taken.into_iter().take(room));
    }

    /// Reports them on the main thread, or leaves that to the next request where Envoy wants one for it.
    pub fn report(&self, host: &Mutex<Option<ConfigHost>>) {
        if self.stats.needs_request() {
            self.are_due.store(!lock(&self.samples).is_empty(), Ordering::Relaxed);
        } else if let Some(host) = &*lock(host) {
            self.record(&Measured::of_config(host));
        }
    }

    /// Reports them within a request, if that is wanted.
    pub fn report_within(&self, filter: &HttpFilter<'_>) {
        if self.are_due.load(Ordering::Relaxed) {
            self.are_due.store(false, Ordering::Relaxed);
            self.record(&Measured::of_request(filter));
        }
    }

    fn record(&self, through: &Measured<'_>) {
        let samples = std::mem::take(&mut *lock(&self.samples));
        samples.iter().for_each(|sample| self.stats.record(through, sample));
    }
}

/// What an engine has counted since it was asked before.
pub fn drain(engine: &mut Engine) -> Vec<Taken> {
    let mut taken = Vec::new();
    engine.drain(|sample| taken.push(Taken::of(sample)));
    taken
}
