//! Calls of providers, counted.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::measures::{OUTCOMES, PROVIDER_CALLS, PROVIDER_SECONDS};
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::registrar::Called;

/// Counts a call by its end.
pub async fn counted<T>(
    provider: &OpenProvider,
    operation: &'static str,
    calling: impl Future<Output = Called<T>>,
) -> Called<T> {
    let begun = Instant::now();
    let called = calling.await;
    let result = match &called {
        Called::Done(_) => "done",
        Called::Refused(_) => "refused",
        Called::NotDone(..) => "not_done",
        Called::Unknown(_) => "unknown",
    };
    count(provider, operation, result, begun.elapsed());
    called
}

/// Counts a call that has ended so, and took so long.
pub fn count(provider: &OpenProvider, operation: &'static str, result: &'static str, took: Duration) {
    let labels = |result: &'static str| {
        [("provider", provider.provider.id.clone()), ("operation", operation.to_owned()), ("result", result.to_owned())]
    };
    for outcome in OUTCOMES {
        // An increase from nothing is none to Prometheus.
        metrics::counter!(PROVIDER_CALLS, &labels(outcome)).increment(u64::from(outcome == result));
    }
    metrics::histogram!(PROVIDER_SECONDS, &labels(result)).record(took.as_secs_f64());
}
