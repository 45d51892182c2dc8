//! The configuration of a process: TOML, read as a whole, with every fault at once.
//!
//! Unknown keys, wrong types, values out of range and combinations that cannot be reached are refused. Secrets come from
//! the environment or from files, never from the text itself, and no fault quotes a value.

mod auth;
mod listeners;
mod secret;
mod section;
mod storage;
mod webhook;

pub use auth::{Auth, SignIn, Verify};
pub use listeners::{Listeners, Tls};
pub use secret::resolve;
pub use section::{Environment, Wrong};
pub use storage::{DatabaseSettings, SealingKey};
pub use webhook::Webhook;

use std::time::Duration;

use section::{Reading, Section};

use crate::use_case::context::Limits;

/// Everything that a process is told.
#[derive(Debug)]
pub struct Configuration {
    pub listeners: Listeners,
    pub database: DatabaseSettings,
    /// The first seals, all open.
    pub sealing_keys: Vec<SealingKey>,
    /// Without it only registry tokens are taken.
    pub auth: Option<Auth>,
    /// Without it there is no portal.
    pub sign_in: Option<SignIn>,
    pub rates: Rates,
    pub limits: Limits,
    pub feed: FeedSettings,
    pub tasks: TaskSettings,
    pub webhooks: Vec<Webhook>,
    pub log: Log,
}

/// How often somebody may call the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Of one principal, or one address without a principal.
    pub requests_per_second: u32,
    pub burst: u32,
    /// Of one address in a minute.
    pub failed_authentications: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    pub page_rows: u32,
    /// Polls beyond are answered at once.
    pub max_held: usize,
    pub removals_kept: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSettings {
    pub workers: usize,
    pub stuck_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// A word of [`Log::LEVELS`].
    pub level: &'static str,
    pub is_json: bool,
}

impl Log {
    pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
}

const DAY: Duration = Duration::from_secs(86_400);

impl Configuration {
    /// # Errors
    /// Every fault of the text, or of the secrets that it names.
    pub fn read(text: &str, environment: &Environment) -> Result<Self, Vec<Wrong>> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| vec![Wrong::syntax(text, &error)])?;
        let reading = Reading::new(environment);
        let mut root = Section::root(&reading, table);
        let listeners = listeners::read(&mut root);
        let (database, sealing_keys) = (storage::database(&mut root), storage::sealing_keys(&mut root));
        let auth = auth::auth(&mut root);
        let sign_in = auth::sign_in(&mut root, auth.is_some());
        let (rates, limits) = limits(root.section("limits"));
        let feed = feed(root.section("feed"));
        let tasks = tasks(root.section("tasks"));
        let webhooks = webhook::webhooks(&mut root);
        let log = log(root.section("log"));
        root.finish();
        let faults = reading.faults();
        match (listeners, database) {
            (Some(listeners), Some(database)) if faults.is_empty() => {
                Ok(Self { listeners, database, sealing_keys, auth, sign_in, rates, limits, feed, tasks, webhooks, log })
            }
            _ => Err(faults),
        }
    }
}

fn limits(mut section: Section<'_>) -> (Rates, Limits) {
    let rates = Rates {
        requests_per_second: section.integer("requests_per_second", 50, 1..=100_000),
        burst: section.integer("burst", 200, 1..=100_000),
        failed_authentications: section.integer("failed_authentications", 20, 1..=100_000),
    };
    let limits = Limits {
        clients_per_application: section.integer("clients_per_application", 10, 1..=1000).into(),
        open_requests: section.integer("open_requests", 20, 1..=1000).into(),
    };
    section.finish();
    (rates, limits)
}

fn feed(mut section: Section<'_>) -> FeedSettings {
    let settings = FeedSettings {
        page_rows: section.integer("page_rows", 10_000, 1..=10_000),
        max_held: section.integer("max_held", 10_000, 0..=100_000) as usize,
        removals_kept: section.duration("removals_kept", 7 * DAY, Duration::from_secs(1)..=90 * DAY),
    };
    section.finish();
    settings
}

fn tasks(mut section: Section<'_>) -> TaskSettings {
    let settings = TaskSettings {
        workers: section.integer("workers", 4, 1..=64) as usize,
        stuck_after: section.duration("stuck_after", Duration::from_secs(900), Duration::from_secs(1)..=7 * DAY),
    };
    section.finish();
    settings
}

fn log(mut section: Section<'_>) -> Log {
    let level = section.word("level", "info", &Log::LEVELS);
    let is_json = section.word("format", "json", &["json", "text"]) == "json";
    section.finish();
    Log { level, is_json }
}

#[cfg(test)]
mod tests;
