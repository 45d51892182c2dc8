//! What `/metrics` tells: every name, with what it counts.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use metrics_util::MetricKindMask;

/// Of times, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0];

/// How a metric is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Counter,
    Gauge,
    Histogram,
}

pub const HTTP_REQUESTS: &str = "tessera_registry_http_requests_total";
pub const HTTP_SECONDS: &str = "tessera_registry_http_request_seconds";
pub const FEED_POSITION: &str = "tessera_registry_feed_position";
pub const FEED_ROWS: &str = "tessera_registry_feed_rows";
pub const HELD_POLLS: &str = "tessera_registry_feed_held_polls";
pub const LAST_POLL: &str = "tessera_registry_gateway_last_poll_seconds";
pub const FEED_POLLS: &str = "tessera_registry_feed_polls_total";
pub const TASKS: &str = "tessera_registry_tasks";
pub const TASK_OLDEST: &str = "tessera_registry_task_oldest_seconds";
pub const TASKS_STUCK: &str = "tessera_registry_tasks_stuck";
pub const ORPHANS: &str = "tessera_registry_orphans";
pub const ONE_TIME_LEFT: &str = "tessera_registry_one_time_left";
pub const APPROVALS_OPEN: &str = "tessera_registry_approvals_open";
pub const PROVIDER_CALLS: &str = "tessera_registry_provider_calls_total";
pub const PROVIDER_SECONDS: &str = "tessera_registry_provider_call_seconds";
pub const WEBHOOK_DELIVERIES: &str = "tessera_registry_webhook_deliveries_total";
pub const DATABASE_ERRORS: &str = "tessera_registry_database_errors_total";
pub const DATABASE_CONNECTIONS: &str = "tessera_registry_database_connections";
pub const HELD: &str = "tessera_registry_held";
pub const BUILD_INFO: &str = "tessera_registry_build_info";

/// Each name with its kind and its help.
pub const MEASURES: [(&str, Measure, &str); 20] = [
    (HTTP_REQUESTS, Measure::Counter, "Requests that were answered"),
    (HTTP_SECONDS, Measure::Histogram, "How long answers took, held polls included"),
    (FEED_POSITION, Measure::Gauge, "Position of the latest change of the feed"),
    (FEED_ROWS, Measure::Gauge, "Rows of the feed that are not gone"),
    (HELD_POLLS, Measure::Gauge, "Polls that wait for something to report"),
    (LAST_POLL, Measure::Gauge, "When the gateway last asked this replica, as Unix time"),
    (FEED_POLLS, Measure::Counter, "Polls of the feed, by what they were answered"),
    (TASKS, Measure::Gauge, "Tasks, by status"),
    (TASK_OLDEST, Measure::Gauge, "Age of the oldest task that has not ended; 0 without one"),
    (TASKS_STUCK, Measure::Gauge, "Tasks that are stuck and have not ended"),
    (APPROVALS_OPEN, Measure::Gauge, "Contracts that wait for an approval"),
    (ORPHANS, Measure::Gauge, "Clients, certain or possible, that are nobody's here"),
    (ONE_TIME_LEFT, Measure::Gauge, "One-time tokens that the pool has"),
    (PROVIDER_CALLS, Measure::Counter, "Calls of providers, by how they ended"),
    (PROVIDER_SECONDS, Measure::Histogram, "How long calls of providers took, with what comes before them"),
    (WEBHOOK_DELIVERIES, Measure::Counter, "Attempts to tell a webhook"),
    (DATABASE_ERRORS, Measure::Counter, "Statements and connections of the database that failed"),
    (DATABASE_CONNECTIONS, Measure::Gauge, "Connections to the database"),
    (HELD, Measure::Gauge, "Whether the feed is held after a restore or an import"),
    (BUILD_INFO, Measure::Gauge, "Always 1"),
];

/// What a poll can be answered.
const POLLS: [&str; 8] = ["snapshot", "delta", "unchanged", "gone", "behind", "held", "unauthorized", "unavailable"];

/// How a call of a provider can end.
pub const OUTCOMES: [&str; 4] = ["done", "refused", "not_done", "unknown"];

/// Of the source that this was built from, where the build was told.
const REVISION: &str = match option_env!("TESSERA_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Says what there is, and begins the counters: an increase from nothing is none to Prometheus.
pub fn begin() {
    for (name, kind, help) in MEASURES {
        match kind {
            Measure::Counter => describe_counter!(name, help),
            Measure::Gauge => describe_gauge!(name, help),
            Measure::Histogram => describe_histogram!(name, Unit::Seconds, help),
        }
    }
    for result in POLLS {
        metrics::counter!(FEED_POLLS, "result" => result).increment(0);
    }
    for result in ["done", "failed"] {
        metrics::counter!(WEBHOOK_DELIVERIES, "result" => result).increment(0);
    }
    metrics::counter!(DATABASE_ERRORS).increment(0);
    remind();
}

/// Tells again what does not change.
pub fn remind() {
    let version = env!("CARGO_PKG_VERSION");
    metrics::gauge!(BUILD_INFO, "version" => version, "revision" => REVISION).set(1.0);
    metrics::gauge!(HELD_POLLS).increment(0.0);
}

/// What takes the metrics: times go into buckets, and gauges that were not told for so long are forgotten.
///
/// # Errors
/// None with these buckets.
pub fn recorder(forgotten: Duration) -> Result<PrometheusBuilder, BuildError> {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
    Ok(builder.idle_timeout(MetricKindMask::GAUGE, Some(forgotten)))
}
