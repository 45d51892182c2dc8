//! What the engines have counted, on its way to Envoy.

use crate::abi::{ConfigHost, HttpFilter, Measured};
use crate::engine::Engine;
use crate::lock::{lock, shared};
use crate::samples::Samples;
use crate::stats::{Stats, Taken};
use hashbrown::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tessera_core::engine::metrics::{IN_FLIGHT, build_info};

/// Most counters of the process that are kept beyond the configuration that has reported them.
const MAX_COUNTERS: usize = 16_384;

/// The counters that configurations of this process have reported, by name. Envoy forgets one with the last configuration
/// that has reported it, so each configuration reports those of the others, too: they go on after a reload.
static COUNTERS: Mutex<Option<Counters>> = Mutex::new(None);

#[derive(Default)]
struct Counters {
    known: HashSet<Arc<str>, foldhash::fast::RandomState>,
    in_order: Vec<Arc<str>>,
}

impl Counters {
    /// Adds those among the samples; the counters from this index on.
    fn add(&mut self, samples: &[Taken], from: usize) -> Vec<Taken> {
        for sample in samples {
            let Taken::Count(name, _) = sample else { continue };
            if !self.known.contains(name.as_str()) && self.in_order.len() < MAX_COUNTERS {
                let name: Arc<str> = name.as_str().into();
                self.known.insert(Arc::clone(&name));
                self.in_order.push(name);
            }
        }
        let further = self.in_order.get(from..).unwrap_or_default();
        further.iter().map(|name| Taken::Count(name.to_string(), 0)).collect()
    }
}

/// What waits to be reported.
#[derive(Default)]
struct Waiting {
    samples: Mutex<Samples>,
    /// Where only requests report: the calls that are under way, in the place of what each sample shifts them by.
    in_flight: Mutex<i64>,
    /// Whether a request is to report all that.
    are_due: AtomicBool,
}

/// That of all configurations, where only requests report: one that was replaced may have none any more, and still counts.
/// It goes with the last configuration, as Envoy's metrics do.
static SHARED: Mutex<Weak<Waiting>> = Mutex::new(Weak::new());

/// The samples of one configuration.
pub struct Reports {
    stats: Stats,
    waiting: Arc<Waiting>,
    /// How many of [`COUNTERS`] it has reported.
    counters: AtomicUsize,
}

impl Reports {
    pub fn new(stats: Stats) -> Self {
        let waiting = if stats.needs_request() { shared(&SHARED) } else { Arc::default() };
        let reports = Self { stats, waiting, counters: AtomicUsize::new(0) };
        // Calls that begin and end between two reports shift nothing: without this the gauge would be missing, not 0.
        reports.put(vec![Taken::Set(build_info(), 1), Taken::Shift(IN_FLIGHT.to_owned(), 0)]);
        reports
    }

    /// Takes over what an engine has counted.
    pub fn put(&self, taken: Vec<Taken>) {
        let is_level = |sample: &Taken| self.stats.needs_request() && matches!(sample, Taken::Shift(..));
        let (shifts, taken): (Vec<_>, Vec<_>) = taken.into_iter().partition(is_level);
        let by = shifts.iter().map(|sample| if let Taken::Shift(_, by) = sample { *by } else { 0 });
        *lock(&self.waiting.in_flight) += by.sum::<i64>();
        let mut samples = lock(&self.waiting.samples);
        taken.into_iter().for_each(|sample| samples.put(sample));
    }

    /// Reports them on the main thread, or leaves that to the next request where Envoy wants one for it.
    pub fn report(&self, host: &Mutex<Option<ConfigHost>>) {
        if self.stats.needs_request() {
            self.waiting.are_due.store(true, Ordering::Relaxed);
        } else if let Some(host) = &*lock(host) {
            self.record(&Measured::of_config(host));
        }
    }

    /// Reports them within a request, if that is wanted.
    pub fn report_within(&self, filter: &HttpFilter<'_>) {
        if self.waiting.are_due.load(Ordering::Relaxed) {
            self.waiting.are_due.store(false, Ordering::Relaxed);
            self.record(&Measured::of_request(filter));
        }
    }

    fn record(&self, through: &Measured<'_>) {
        // Held until it is reported, so that no later number comes before it. Envoy could not shift the gauge rightly: it
        // forgets it with the last configuration that has reported it, and calls may outlive that.
        let in_flight = self.stats.needs_request().then(|| lock(&self.waiting.in_flight));
        let mut samples = lock(&self.waiting.samples).take();
        if let Some(count) = &in_flight {
            samples.push(Taken::Set(IN_FLIGHT.to_owned(), u64::try_from(**count).unwrap_or_default()));
        }
        let further = {
            let mut counters = lock(&COUNTERS);
            let counters = counters.get_or_insert_default();
            let further = counters.add(&samples, self.counters.load(Ordering::Relaxed));
            self.counters.store(counters.in_order.len(), Ordering::Relaxed);
            further
        };
        further.iter().chain(&samples).for_each(|sample| self.stats.record(through, sample));
    }
}

/// What an engine has counted since it was asked before.
pub fn drain(engine: &mut Engine) -> Vec<Taken> {
    let mut taken = Vec::new();
    engine.drain(|sample| taken.push(Taken::of(sample)));
    taken
}
