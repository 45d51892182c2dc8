//! Whether the authorization servers that the registry works with can be asked.

use std::sync::Arc;
use std::time::Duration;

use crate::command::connected::Connected;
use crate::command::ended::Ended;
use crate::domain::provider::Provider;
use crate::remote::issuers::{Issuer, Issuers};
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::record::{Record, all};
use crate::use_case::store::Stored;

/// How long the issuer of callers may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was asked, and why it cannot be used, if it cannot.
pub struct Reached {
    pub what: String,
    pub problem: Option<String>,
}

/// The issuer of callers and all providers that have one, in order.
///
/// # Errors
/// Those of the store.
pub async fn reached(connected: &Connected) -> Result<Vec<Reached>, Ended> {
    let (mut reached, issuers) = (Vec::new(), Issuers::default());
    if let Some(auth) = &connected.configuration.auth {
        let problem = asked(issuers.named(&auth.issuer, PATIENCE)).await;
        reached.push(Reached { what: "auth.issuer".to_owned(), problem });
    }
    for open in providers(connected).await? {
        let what = format!("provider {} of {}", open.provider.id, open.organisation);
        reached.push(Reached { what, problem: problem(&issuers, &open).await });
    }
    Ok(reached)
}

async fn providers(connected: &Connected) -> Result<Vec<OpenProvider>, Ended> {
    let mut tx = connected.outside.store.read().await?;
    let read = |stored: Stored| {
        let provider = serde_json::from_str(&stored.body)
            .map_err(|error| Ended::failed(format!("provider {} of {}: {error}", stored.id, stored.organisation)))?;
        Ok(OpenProvider::new(&stored.organisation, provider, &*connected.outside.sealing))
    };
    all(&mut *tx, Provider::TABLE).await?.into_iter().map(read).collect()
}

async fn problem(issuers: &Issuers, open: &OpenProvider) -> Option<String> {
    if lacks_credential(open) {
        return Some("no sealing key opens its credential".to_owned());
    }
    match issuers.of(&open.provider) {
        Ok(Some(issuer)) => asked(Ok(issuer)).await,
        // There is nobody to ask.
        Ok(None) => None,
        Err(why) => Some(why),
    }
}

async fn asked(issuer: Result<Arc<Issuer>, String>) -> Option<String> {
    match issuer {
        Ok(issuer) => issuer.published().await.err(),
        Err(why) => Some(why),
    }
}

fn lacks_credential(open: &OpenProvider) -> bool {
    let settings = open.provider.registration.as_ref();
    let of_clients = settings.is_some_and(|settings| settings.authorization.credential().is_some());
    let is_shown = of_clients || open.provider.entra.is_some();
    (is_shown && open.authorization.is_none())
        || (open.provider.introspection.is_some() && open.introspection.is_none())
}
