//! The engines' samples as Envoy's metrics: what are parts of a name in Proxy-Wasm are labels here.

use crate::abi::{ConfigHost, MAX_LABELS, Measured, MetricId, MetricKind, Recorder};
use tessera_core::engine::metrics::{IN_FLIGHT, Sample};
use tessera_core::port::HostFailure;

/// Every metric with its labels, in the order that they have in names.
const METRICS: &[(MetricKind, &str, &[&str])] = &[
    (MetricKind::Counter, "tessera_requests", &["outcome", "api"]),
    (MetricKind::Counter, "tessera_cache", &["result", "level"]),
    (MetricKind::Counter, "tessera_introspections", &["provider", "result"]),
    (MetricKind::Counter, "tessera_signatures", &["provider", "result", "by"]),
    (MetricKind::Counter, "tessera_key_fetches", &["provider", "result"]),
    (MetricKind::Counter, "tessera_proofs", &["result"]),
    (MetricKind::Counter, "tessera_contract_polls", &["result"]),
    (MetricKind::Counter, "tessera_contracts_skipped", &[]),
    (MetricKind::Histogram, "tessera_introspection_ms", &["provider"]),
    (MetricKind::Gauge, IN_FLIGHT, &[]),
    (MetricKind::Gauge, "tessera_contracts", &[]),
    (MetricKind::Gauge, "tessera_contracts_age_s", &[]),
    (MetricKind::Gauge, "tessera_keys_age_s", &["provider"]),
    (MetricKind::Gauge, "tessera_build_info", &["version"]),
];

/// The metrics of one configuration.
pub struct Stats {
    /// `None` where Envoy has no functions for it.
    recorder: Option<Recorder>,
    defined: Vec<(&'static str, MetricId)>,
}

/// A sample that has left its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    Count(String, u64),
    Shift(String, i64),
    Set(String, u64),
    Observe(String, u64),
}

impl Taken {
    pub fn of(sample: Sample<'_>) -> Self {
        match sample {
            Sample::Count(name, by) => Self::Count(name.to_owned(), by),
            Sample::Shift(name, by) => Self::Shift(name.to_owned(), by),
            Sample::Set(name, value) => Self::Set(name.to_owned(), value),
            Sample::Observe(name, value) => Self::Observe(name.to_owned(), value),
        }
    }
}

impl Stats {
    /// Defines them, while the configuration is new.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy does not let them be defined.
    pub fn define(host: &ConfigHost) -> Result<Self, HostFailure> {
        let defined = METRICS.iter().map(|(kind, name, labels)| Ok((*name, host.define(*kind, name, labels)?)));
        Ok(Self { recorder: Recorder::find(), defined: defined.collect::<Result<_, _>>()? })
    }

    /// Whether samples can be recorded within requests only.
    pub fn needs_request(&self) -> bool {
        self.recorder.is_some_and(|recorder| recorder.needs_request)
    }

    /// Hands one sample to Envoy.
    pub fn record(&self, through: &Measured<'_>, sample: &Taken) {
        let Some(recorder) = &self.recorder else { return };
        let (Taken::Count(name, _) | Taken::Shift(name, _) | Taken::Set(name, _) | Taken::Observe(name, _)) = sample;
        let mut parts = name.split('.');
        let base = parts.next().unwrap_or_default();
        let Some((_, id)) = self.defined.iter().find(|(known, _)| *known == base) else { return };
        // What follows are names of labels and their values in turn.
        let mut values = [""; MAX_LABELS];
        let mut count = 0;
        for (place, value) in values.iter_mut().zip(parts.skip(1).step_by(2)) {
            *place = value;
            count += 1;
        }
        let labels = values.get(..count).unwrap_or_default();
        match sample {
            Taken::Count(_, by) => recorder.count(through, *id, labels, *by),
            Taken::Shift(_, by) => recorder.shift(through, *id, labels, *by),
            Taken::Set(_, value) => recorder.set(through, *id, labels, *value),
            Taken::Observe(_, value) => recorder.observe(through, *id, labels, *value),
        }
    }
}
