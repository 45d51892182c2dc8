//! Samples of the engine as the proxy's stats.

use crate::engine::metrics::Sample;
use hashbrown::HashMap;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

/// The metrics that have been defined through it, by name.
#[derive(Default)]
pub struct Stats(HashMap<String, u32, foldhash::fast::RandomState>);

impl Stats {
    /// Hands one sample to the host. A host that refuses loses a sample, nothing else.
    pub fn record(&mut self, sample: Sample<'_>) {
        match sample {
            Sample::Count(name, by) => self.shift(MetricType::Counter, name, i64::try_from(by).unwrap_or(i64::MAX)),
            Sample::Shift(name, by) => self.shift(MetricType::Gauge, name, by),
            Sample::Set(name, value) => self.set(MetricType::Gauge, name, value),
            Sample::Observe(name, value) => self.set(MetricType::Histogram, name, value),
        }
    }

    fn shift(&mut self, kind: MetricType, name: &str, by: i64) {
        if let Some(id) = self.id(kind, name) {
            let _ = hostcalls::increment_metric(id, by);
        }
    }

    fn set(&mut self, kind: MetricType, name: &str, value: u64) {
        if let Some(id) = self.id(kind, name) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn id(&mut self, kind: MetricType, name: &str) -> Option<u32> {
        if let Some(id) = self.0.get(name) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(kind, name).ok()?;
        self.0.insert(name.to_owned(), id);
        Some(id)
    }
}
