//! What everything that is done needs.

use std::fmt::Debug;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::configuration::{FeedSettings, TaskSettings};
use crate::http::registry::Registry;
use crate::store::Database;
use crate::use_case::background::Background;
use crate::use_case::ports::{Messenger, ProofJudge};
use crate::use_case::registrar::Registrar;

/// Whom providers are asked through.
pub struct Outbound {
    pub registrar: Arc<dyn Registrar>,
    pub judge: Arc<dyn ProofJudge>,
}

pub struct Work {
    pub registry: Arc<Registry>,
    pub database: Arc<Database>,
    pub messenger: Arc<dyn Messenger>,
    pub outbound: Outbound,
    pub metrics: PrometheusHandle,
    pub feed: FeedSettings,
    pub tasks: TaskSettings,
}

pub(super) fn warn(error: &dyn Debug) {
    tracing::warn!(?error, "work of the service failed and is tried again");
}

pub(super) fn background(work: &Work) -> Background<'_> {
    let (outside, settings) = (&work.registry.outside, &work.registry.settings);
    Background {
        store: &*outside.store,
        clock: &*outside.clock,
        randomness: &*outside.randomness,
        sealing: &*outside.sealing,
        limits: &settings.limits,
        subscribers: &settings.subscribers,
    }
}
