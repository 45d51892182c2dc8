//! The metrics. Counts are collected here and reported to the host once a tick, and when the plugin is shut down,
//! so that the warm path makes no call for them.

use super::settings::Settings;
use crate::jose::verify::Implementation;
use crate::outcome::Outcome;
use crate::policy::api::Api;
use crate::proof::Unproved;
use crate::provider::Provider;
use std::borrow::Cow;
use std::time::Duration;

/// How a token was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Known and good, whatever is decided on it.
    Hit,
    NegativeHit,
    /// Not known: the authorization server is asked.
    Miss,
    /// Known from before, used because the authorization server cannot be asked.
    Stale,
    /// Not known, but somebody is asking already.
    Coalesced,
}

impl Lookup {
    const ALL: [Self; 5] = [Self::Hit, Self::NegativeHit, Self::Miss, Self::Stale, Self::Coalesced];

    /// The name in metrics and in the stream property `tessera.cache`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::NegativeHit => "negative_hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Coalesced => "coalesced",
        }
    }
}

/// Where the lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Worker,
    Shared,
}

/// How one introspection call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspected {
    Active,
    Inactive,
    Unavailable,
    Error,
}

/// How one fetch of a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    Changed,
    Unchanged,
    Failed,
}

/// One value for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample<'a> {
    Count(&'a str, u64),
    /// Add to (or take from) a gauge.
    Shift(&'a str, i64),
    Set(&'a str, u64),
    Observe(&'a str, u64),
}

const LEVELS: [&str; 2] = ["worker", "shared"];
const INTROSPECTED: [&str; 4] = ["active", "inactive", "unavailable", "error"];
const PROOFS: [&str; 4] = ["good", "missing", "invalid", "replayed"];
const POLLS: [&str; 3] = ["changed", "unchanged", "failed"];
const SIGNATURES: [&str; 2] = ["good", "bad"];
const IMPLEMENTATIONS: [&str; 2] = ["host", "module"];
/// The gauge of introspection calls under way.
pub const IN_FLIGHT: &str = "tessera_in_flight";
/// Durations kept between two ticks at most; a worker that asks more often than that loses samples, not requests.
const MAX_DURATIONS: usize = 4096;

/// The counts of one worker since they were last reported.
#[derive(Debug)]
pub struct Metrics {
    names: Vec<String>,
    counts: Vec<u64>,
    first_lookup: usize,
    first_introspected: usize,
    first_signature: usize,
    first_key_fetch: usize,
    first_proof: usize,
    first_poll: usize,
    skipped: usize,
    duration_names: Vec<String>,
    durations: Vec<(usize, u64)>,
    in_flight: i64,
    in_flight_reported: i64,
    gauges: Vec<(Cow<'static, str>, u64)>,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new(settings: &Settings) -> Self {
        let apis = settings.policy.apis().iter().map(|api| label(&api.id)).chain([NO_API.to_owned()]);
        let providers = || settings.providers.iter().map(|provider| &provider.name);
        let mut names: Vec<String> = apis
            .flat_map(|api| {
                Outcome::ALL.map(|outcome| format!("tessera_requests.outcome.{}.api.{api}", outcome.name()))
            })
            .collect();
        let first_lookup = names.len();
        for result in Lookup::ALL.map(Lookup::name) {
            names.extend(LEVELS.map(|level| format!("tessera_cache.result.{result}.level.{level}")));
        }
        let first_introspected = names.len();
        for name in providers() {
            names.extend(INTROSPECTED.map(|result| format!("tessera_introspections.provider.{name}.result.{result}")));
        }
        let first_signature = names.len();
        for name in providers() {
            for result in SIGNATURES {
                let name = |by| format!("tessera_signatures.provider.{name}.result.{result}.by.{by}");
                names.extend(IMPLEMENTATIONS.map(name));
            }
        }
        let first_key_fetch = names.len();
        for name in providers() {
            names.extend(POLLS.map(|result| format!("tessera_key_fetches.provider.{name}.result.{result}")));
        }
        let first_proof = names.len();
        names.extend(PROOFS.map(|result| format!("tessera_proofs.result.{result}")));
        let first_poll = names.len();
        names.extend(POLLS.map(|result| format!("tessera_contract_polls.result.{result}")));
        let skipped = names.len();
        names.push("tessera_contracts_skipped".to_owned());
        Self {
            counts: vec![0; names.len()],
            names,
            first_lookup,
            first_introspected,
            first_signature,
            first_key_fetch,
            first_proof,
            first_poll,
            skipped,
            duration_names: providers().map(|name| format!("tessera_introspection_ms.provider.{name}")).collect(),
            durations: Vec::new(),
            in_flight: 0,
            in_flight_reported: 0,
            gauges: Vec::new(),
        }
    }

    pub fn request(&mut self, outcome: Outcome, api: Option<&Api>) {
        let apis = self.first_lookup / Outcome::ALL.len();
        let row = api.map_or(apis.saturating_sub(1), |api| api.slot);
        self.add(row * Outcome::ALL.len() + outcome as usize, 1);
    }

    pub fn lookup(&mut self, result: Lookup, level: Level) {
        self.add(self.first_lookup + result as usize * LEVELS.len() + level as usize, 1);
    }

    pub fn introspected(&mut self, provider: &Provider, result: Introspected, took: Duration) {
        self.add(self.first_introspected + provider.slot * INTROSPECTED.len() + result as usize, 1);
        if self.durations.len() < MAX_DURATIONS {
            self.durations.push((provider.slot, crate::base::time::millis(took)));
        }
    }

    /// A signature of one of this provider's tokens was judged.
    pub fn signature(&mut self, provider: &Provider, is_good: bool, by: Implementation) {
        let row = provider.slot * SIGNATURES.len() + usize::from(!is_good);
        self.add(self.first_signature + row * IMPLEMENTATIONS.len() + usize::from(by == Implementation::Module), 1);
    }

    pub fn key_fetch(&mut self, provider: &Provider, result: Polled) {
        self.add(self.first_key_fetch + provider.slot * POLLS.len() + result as usize, 1);
    }

    /// Possession was to be proved. That nobody could tell is counted among the outcomes.
    pub fn proof(&mut self, result: Result<(), Unproved>) {
        let place = match result {
            Ok(()) => 0,
            Err(Unproved::Missing) => 1,
            Err(Unproved::Replayed) => 3,
            Err(Unproved::Unknown) => return,
            Err(_) => 2,
        };
        self.add(self.first_proof + place, 1);
    }

    /// So many introspection calls are under way.
    pub fn in_flight(&mut self, calls: usize) {
        self.in_flight = i64::try_from(calls).unwrap_or(i64::MAX);
    }

    /// Polls of the contract source, and contracts that could not be read.
    pub fn polls(&mut self, [changed, unchanged, failed]: [u64; 3], skipped: u64) {
        self.add(self.first_poll, changed);
        self.add(self.first_poll + 1, unchanged);
        self.add(self.first_poll + 2, failed);
        self.add(self.skipped, skipped);
    }

    /// A gauge that is reported with the next samples.
    pub fn gauge(&mut self, name: impl Into<Cow<'static, str>>, value: u64) {
        self.gauges.push((name.into(), value));
    }

    pub fn drain(&mut self, mut take: impl FnMut(Sample<'_>)) {
        for (name, count) in self.names.iter().zip(&mut self.counts) {
            if *count > 0 {
                take(Sample::Count(name, std::mem::take(count)));
            }
        }
        for (provider, millis) in self.durations.drain(..) {
            if let Some(name) = self.duration_names.get(provider) {
                take(Sample::Observe(name, millis));
            }
        }
        if self.in_flight != self.in_flight_reported {
            take(Sample::Shift(IN_FLIGHT, self.in_flight - self.in_flight_reported));
            self.in_flight_reported = self.in_flight;
        }
        for (name, value) in self.gauges.drain(..) {
            take(Sample::Set(&name, value));
        }
    }

    fn add(&mut self, index: usize, by: u64) {
        if let Some(count) = self.counts.get_mut(index) {
            *count += by;
        }
    }
}

/// The label of requests that no API claims. No id of an API reduces to it.
const NO_API: &str = "-";

/// A name as a label: what stats names may not hold becomes `_`.
fn label(id: &str) -> String {
    let legal = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    let label: String = id.chars().map(legal).collect();
    if label == NO_API { "_".to_owned() } else { label }
}

/// The gauge that names the version: always 1.
pub fn build_info() -> String {
    format!("tessera_build_info.version.{}", label(env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests;
