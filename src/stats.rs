//! Reports the engine's samples as the proxy's stats.

use hashbrown::HashMap;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use std::cell::RefCell;
use tessera_core::engine::metrics::Sample;

/// The metrics that have been defined through it, by name.
#[derive(Default)]
pub struct Stats(RefCell<HashMap<String, u32, foldhash::fast::RandomState>>);

impl Stats {
    /// Hands one sample to the host. A host that refuses loses a sample, nothing else.
    pub fn record(&self, sample: Sample<'_>) {
        match sample {
            Sample::Count(name, by) => self.shift(MetricType::Counter, name, i64::try_from(by).unwrap_or(i64::MAX)),
            Sample::Shift(name, by) => self.shift(MetricType::Gauge, name, by),
            Sample::Set(name, value) => self.set(MetricType::Gauge, name, value),
            Sample::Observe(name, value) => self.set(MetricType::Histogram, name, value),
        }
    }

    fn shift(&self, kind: MetricType, name: &str, by: i64) {
        if let Some(id) = self.id(kind, name) {
            let _ = hostcalls::increment_metric(id, by);
        }
    }

    fn set(&self, kind: MetricType, name: &str, value: u64) {
        if let Some(id) = self.id(kind, name) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn id(&self, kind: MetricType, name: &str) -> Option<u32> {
        let known = self.0.borrow().get(name).copied();
        if known.is_some() {
            return known;
        }
        let id = hostcalls::define_metric(kind, name).ok()?;
        self.0.borrow_mut().insert(name.to_owned(), id);
        Some(id)
    }
}
