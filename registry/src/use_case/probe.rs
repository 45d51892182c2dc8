//! Finding out what a provider can do, by doing it: a client is registered, read, changed, used and deleted.

mod block;
mod client;
mod methods;
mod parallel;
mod token;
mod trial;

use serde_json::{Map, Value};

use crate::domain::probe_report::ProbeReport;
use crate::domain::provider::Management;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::probe::block::block;
use crate::use_case::probe::client::{deleted, managed, registered};
use crate::use_case::probe::methods::others;
use crate::use_case::probe::parallel::at_once;
use crate::use_case::probe::token::{is_active_still, proven};
use crate::use_case::probe::trial::Trial;

pub use trial::ProbePorts;

/// Tries a provider at which clients are registered. `is_parallel`: also whether it takes four registrations at once.
pub async fn probe(ports: &ProbePorts<'_>, open: OpenProvider, is_parallel: bool) -> ProbeReport {
    let at = ports.clock.now();
    let mut trial = Trial::new(ports, open);
    let metadata = published(&mut trial).await;
    let usable = tried(&mut trial, &metadata, is_parallel).await;
    let block = block(&trial);
    let Trial { open, steps, found, warnings, left_behind, .. } = trial;
    ProbeReport { provider: open.provider.id, at, usable, steps, found, warnings, left_behind, block }
}

async fn published(trial: &mut Trial<'_>) -> Map<String, Value> {
    let begun = trial.begin();
    let called = trial.ports.inspector.metadata(&trial.open).await;
    trial.end("metadata", begun, called, None).unwrap_or_default()
}

/// Whether a client that is registered there would become live.
async fn tried(trial: &mut Trial<'_>, metadata: &Map<String, Value>, is_parallel: bool) -> bool {
    let Some(mut client) = registered(trial, metadata).await else { return false };
    managed(trial, &mut client).await;
    let token = proven(trial, &client).await;
    if is_parallel && token.is_some() {
        at_once(trial, &client).await;
    }
    others(trial, &client).await;
    if trial.settings().management == Management::None {
        trial.left_behind.push(client.managed.client_id.clone());
        trial.warn("clients cannot be deleted there: what is deleted here becomes an orphan");
    } else {
        deleted(trial, &client).await;
    }
    if let Some(token) = &token {
        is_active_still(trial, token).await;
    }
    !client.is_wider && (token.is_some() || !client.gets_tokens())
}
