//! The rows of the feeds, as contracts and clients imply them. Use cases derive them before and after what they change,
//! and publish the difference in the transaction of the change, as the last thing that they do.

use std::collections::BTreeMap;

use tessera_core::base::time::Timestamp;
use tessera_core::contract::contract::{Contract, Status};
use tessera_core::contract::row::{Identity, Row};
use tessera_core::contract::writer::{write_removal, write_row};

use crate::domain::client::AppClient;
use crate::domain::contract::{AccessContract, ContractStatus};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::feed_store::{FeedChange, FeedKey};

/// Rows by environment.
pub type Rows = BTreeMap<String, BTreeMap<FeedKey, String>>;

/// The rows of these contracts for these clients at these providers.
///
/// # Errors
/// A row that a gateway would skip: none is made of what is kept.
pub fn rows<'a>(
    contracts: impl IntoIterator<Item = &'a AccessContract>,
    clients: &[AppClient],
    providers: &BTreeMap<String, Provider>,
) -> Result<Rows, Refusal> {
    let mut rows = Rows::new();
    for contract in contracts {
        let Some(status) = served_as(contract.status) else { continue };
        let holds = |client: &&AppClient| is_live_in(client, &contract.environment, providers);
        for client in clients.iter().filter(holds) {
            let Some(client_id) = &client.gateway_client_id else { continue };
            let key =
                FeedKey { api: contract.api.clone(), provider: client.provider.clone(), client_id: client_id.clone() };
            let row = row(contract, status, &key)?;
            rows.entry(contract.environment.clone()).or_default().insert(key, row);
        }
    }
    Ok(rows)
}

/// Whether the client holds its application's contracts in the environment.
pub fn is_live_in(client: &AppClient, environment: &str, providers: &BTreeMap<String, Provider>) -> bool {
    let serves = |provider: &Provider| provider.serves(environment);
    client.status.holds_contracts() && providers.get(&client.provider).is_some_and(serves)
}

fn served_as(status: ContractStatus) -> Option<Status> {
    match status {
        ContractStatus::Active => Some(Status::Active),
        ContractStatus::Suspended => Some(Status::Suspended),
        _ => None,
    }
}

fn row(contract: &AccessContract, status: Status, key: &FeedKey) -> Result<String, Refusal> {
    let timestamp = |time: Time| Timestamp::from_millis(time.as_millis());
    let row = Row {
        identity: identity(key),
        contract: Contract {
            status,
            tier: Some(contract.tier.as_str().into()),
            name: Some(contract.name.as_str().into()),
            not_before: contract.not_before.map(timestamp),
            expires_at: contract.expires_at.map(timestamp),
        },
    };
    write_row(&row).map_err(|error| unwritable(&contract.id, &error.to_string()))
}

fn identity(key: &FeedKey) -> Identity {
    Identity {
        api: key.api.as_str().into(),
        provider: Some(key.provider.as_str().into()),
        client_id: key.client_id.as_str().into(),
    }
}

fn unwritable(contract: &str, why: &str) -> Refusal {
    tracing::error!(contract, why, "a row of the feed cannot be written");
    Refusal::Internal
}

/// What is to be told to the gateways.
#[derive(Debug, Default)]
pub struct Publication {
    changes: BTreeMap<String, BTreeMap<FeedKey, Option<String>>>,
}

impl Publication {
    /// What is different in `after`.
    pub fn add(&mut self, before: Rows, after: Rows) {
        for (environment, rows) in &before {
            let left = after.get(environment);
            let gone = rows.keys().filter(|key| left.is_none_or(|left| !left.contains_key(key)));
            let changes = self.changes.entry(environment.clone()).or_default();
            changes.extend(gone.map(|key| (key.clone(), None)));
        }
        for (environment, rows) in after {
            let known = before.get(&environment);
            let is_new = |(key, row): &(FeedKey, String)| known.and_then(|known| known.get(key)) != Some(row);
            let changes = self.changes.entry(environment.clone()).or_default();
            changes.extend(rows.into_iter().filter(is_new).map(|(key, row)| (key, Some(row))));
        }
    }

    /// Environments in the order of their names, each locked until the commit.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn publish(self, cx: &mut Context<'_>) -> Result<(), Refusal> {
        for (environment, changes) in self.changes {
            if changes.is_empty() {
                continue;
            }
            let changes: Vec<_> = changes.into_iter().map(|(key, row)| FeedChange { key, row }).collect();
            for change in changes.iter().filter(|change| change.row.is_none()) {
                write_removal(&identity(&change.key)).map_err(|error| unwritable("", &error.to_string()))?;
            }
            cx.tx.publish(&cx.caller.organisation, &environment, &changes, cx.now).await?;
        }
        Ok(())
    }
}
