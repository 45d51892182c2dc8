//! What commands begin with: the configuration, the log, the database with its schema.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tracing_subscriber::EnvFilter;

use crate::command::ended::Ended;
use crate::configuration::{Configuration, Log};
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION};
use crate::domain::refusal::Refusal;
use crate::domain::webhook::Subscribers;
use crate::http::registry::Outside;
use crate::remote::access_tokens::IssuedTokens;
use crate::remote::proof_judge::HttpProofJudge;
use crate::remote::registrars::Registrars;
use crate::sealing::SealingKeys;
use crate::store::Database;
use crate::system::{SystemClock, SystemRandomness};
use crate::tasks::Outbound;
use crate::use_case::apply::NotApplied;
use crate::use_case::context::Context;
use crate::use_case::organisations;
use crate::use_case::ports::{AccessTokens, Clock, ProofJudge, Randomness};
use crate::use_case::store::{Store, StoreError, Transaction};

/// A configuration that is longer is none.
const MOST_BYTES: u64 = 1 << 20;

/// So often something is tried that other changes are in the way of.
const ATTEMPTS: usize = 5;

/// # Errors
/// The end of a command whose configuration cannot be used.
pub fn configuration(path: &Path) -> Result<Configuration, Ended> {
    let text = file(path)?;
    let environment = |name: &str| std::env::var(name);
    Configuration::read(&text, &environment).map_err(Ended::invalid)
}

/// A file that the command line names.
///
/// # Errors
/// The end of a command whose file cannot be read.
pub fn file(path: &Path) -> Result<String, Ended> {
    let fault = |error: &dyn std::fmt::Display| Ended::invalid([format!("{}: {error}", path.display())]);
    let metadata = fs::metadata(path).map_err(|error| fault(&error))?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(fault(&"is no file of at most 1 MiB"));
    }
    fs::read_to_string(path).map_err(|error| fault(&error))
}

/// Logs go to stderr; what libraries say, from warnings on.
pub fn logging(log: Log) {
    let filter = EnvFilter::new(format!("warn,tessera_registry={}", log.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The first one stays, should there be one.
    let _ = if log.is_json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        lines.try_init()
    };
}

/// The database, with the schema of this version.
async fn usable(configuration: &Configuration) -> Result<Database, Ended> {
    let database = opened(configuration).await?;
    if configuration.database.migrates {
        migrated(&database).await?;
    }
    match database.pending().await.map_err(schema)?.as_slice() {
        [] => {}
        pending => {
            let lacks = pending.join(", ");
            let what = format!("the schema of the database lacks {lacks}: run `tessera-registry migrate`");
            return Err(Ended::not_possible(what));
        }
    }
    Ok(database)
}

/// # Errors
/// The end of a command whose database cannot be opened.
pub async fn opened(configuration: &Configuration) -> Result<Database, Ended> {
    let url = configuration.database.url.expose_secret();
    Database::open(url, configuration.database.pool).await.map_err(Ended::from)
}

/// # Errors
/// The end of a command whose schema cannot be brought up to date.
pub async fn migrated(database: &Database) -> Result<Vec<&'static str>, Ended> {
    database.migrate().await.map_err(schema)
}

pub fn schema(error: StoreError) -> Ended {
    match error {
        newer @ StoreError::NewerSchema { .. } => Ended::not_possible(newer),
        other => other.into(),
    }
}

/// What commands work with, as the registry itself.
pub struct Connected {
    pub configuration: Configuration,
    pub database: Arc<Database>,
    pub outside: Outside,
    pub subscribers: Subscribers,
    pub outbound: Outbound,
}

impl Connected {
    /// # Errors
    /// The end of a command whose configuration or database cannot be used.
    pub async fn by(config: &Path) -> Result<Self, Ended> {
        Self::with(configuration(config)?).await
    }

    /// # Errors
    /// The end of a command whose database cannot be used.
    pub async fn with(configuration: Configuration) -> Result<Self, Ended> {
        let database = Arc::new(usable(&configuration).await?);
        // They share what is known of issuers.
        let issuers = Arc::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let judge = HttpProofJudge::new(Arc::clone(&issuers), Arc::clone(&clock)).map_err(Ended::failed)?;
        let judge: Arc<dyn ProofJudge> = Arc::new(judge);
        let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let registrar = Arc::new(Registrars::new(&issuers, &clock, &randomness));
        let outside = system(&configuration, Arc::<Database>::clone(&database), Arc::clone(&judge))?;
        let subscribers = subscribers(&configuration);
        let connected = Self { configuration, database, outside, subscribers, outbound: Outbound { registrar, judge } };
        connected.founded(DEFAULT_ORGANISATION).await?;
        Ok(connected)
    }

    /// Makes an organisation, if there is none yet.
    async fn founded(&self, organisation: &str) -> Result<(), Ended> {
        let caller = Caller::system(organisation);
        let mut tx = self.outside.store.write().await?;
        if organisations::ensure(&mut self.context(&mut *tx, &caller)).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Does it in a transaction, which is committed if it says so.
    ///
    /// # Errors
    /// Its own; those of the store.
    pub async fn transacted<T>(
        &self,
        caller: &Caller,
        does: impl AsyncFn(&mut Context<'_>) -> Result<(T, bool), NotApplied>,
    ) -> Result<T, NotApplied> {
        let attempt = async || {
            let mut tx = self.outside.store.write().await.map_err(Refusal::from)?;
            let (done, is_wanted) = does(&mut self.context(&mut *tx, caller)).await?;
            if is_wanted {
                tx.commit().await.map_err(Refusal::from)?;
            }
            Ok(done)
        };
        persistently(attempt).await
    }

    pub fn context<'a>(&'a self, tx: &'a mut dyn Transaction, caller: &'a Caller) -> Context<'a> {
        let Outside { clock, randomness, sealing, .. } = &self.outside;
        let (now, limits) = (clock.now(), &self.configuration.limits);
        Context {
            tx,
            caller,
            now,
            randomness: &**randomness,
            sealing: &**sealing,
            limits,
            subscribers: &self.subscribers,
            request_id: None,
        }
    }
}

/// What another change was in the way of is done again after that one.
async fn persistently<T>(attempt: impl AsyncFn() -> Result<T, NotApplied>) -> Result<T, NotApplied> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(NotApplied::Refused(Refusal::Collided)) => {}
            other => return other,
        }
    }
    attempt().await
}

fn subscribers(configuration: &Configuration) -> Subscribers {
    let all = configuration.webhooks.iter().map(|webhook| webhook.subscriber.clone()).collect();
    Subscribers { origin: configuration.listeners.public_url.clone(), all }
}

/// Everything that use cases are given.
fn system(configuration: &Configuration, store: Arc<dyn Store>, judge: Arc<dyn ProofJudge>) -> Result<Outside, Ended> {
    let keys = configuration.sealing_keys.iter().map(|key| (key.id.clone(), *key.key.expose_secret()));
    let sealing = SealingKeys::new(keys).ok_or_else(|| Ended::invalid(["sealing_keys: needs at least one key"]))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let access_tokens = match &configuration.auth {
        Some(auth) => {
            let tokens = IssuedTokens::new(auth, Arc::clone(&clock)).map_err(Ended::failed)?;
            Some(Arc::new(tokens) as Arc<dyn AccessTokens>)
        }
        None => None,
    };
    Ok(Outside {
        store,
        clock,
        randomness: Arc::new(SystemRandomness),
        sealing: Arc::new(sealing),
        access_tokens,
        proof_judge: Some(judge),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_collides_is_done_again_but_not_for_ever() {
        for (collisions, attempts, ends_well) in [(0, 1, true), (1, 2, true), (4, 5, true), (5, 5, false)] {
            let tried = Cell::new(0);
            let ended = persistently(async || {
                tried.set(tried.get() + 1);
                if tried.get() > collisions { Ok(()) } else { Err(NotApplied::Refused(Refusal::Collided)) }
            });
            assert_eq!((ended.await.is_ok(), tried.get()), (ends_well, attempts), "{collisions}");
        }
        let tried = Cell::new(0);
        let ended = persistently(async || -> Result<(), _> {
            tried.set(tried.get() + 1);
            Err(NotApplied::Refused(Refusal::Unavailable))
        });
        assert_eq!((ended.await.is_err(), tried.get()), (true, 1));
    }
}
