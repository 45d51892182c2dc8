//! What an application holds: its open contracts and its live clients, and what follows for the one when the other
//! changes. Whoever changes either has locked the application.

use std::collections::BTreeMap;

use crate::domain::application::Application;
use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::contract::{AccessContract, ContractStatus};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::use_case::application_access::is_open;
use crate::use_case::client_access::audit_client;
use crate::use_case::context::Context;
use crate::use_case::contract_access::audit_contract;
use crate::use_case::publishing::{Publication, Rows, is_live_in, rows};
use crate::use_case::record::{Kept, Record, get, list, update};
use crate::use_case::store::{Condition, Query};

/// Records that are read at once.
const PAGE: u32 = 200;

/// Of one application.
#[derive(Debug)]
pub struct Holdings {
    pub application: Application,
    pub contracts: Vec<Kept<AccessContract>>,
    pub clients: Vec<AppClient>,
    providers: BTreeMap<String, Provider>,
}

impl Holdings {
    /// # Errors
    /// Those of the store.
    pub async fn of(cx: &mut Context<'_>, application: Application) -> Result<Self, Refusal> {
        let of = || Condition::Is("application", application.id.clone());
        let contracts = every(cx, vec![of(), is_open()]).await?;
        let mut holdings = Self::without_contracts(cx, application.clone()).await?;
        holdings.contracts = contracts;
        Ok(holdings)
    }

    /// Its live clients alone.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn without_contracts(cx: &mut Context<'_>, application: Application) -> Result<Self, Refusal> {
        let live = [ClientStatus::Live, ClientStatus::Retiring].map(|status| status.word().to_owned());
        let of = Condition::Is("application", application.id.clone());
        let clients = every::<AppClient>(cx, vec![of, Condition::IsIn("status", live.into())]).await?;
        let clients: Vec<AppClient> = clients.into_iter().map(|kept| kept.thing).collect();
        let mut holdings = Self { application, contracts: Vec::new(), clients, providers: BTreeMap::new() };
        for provider in holdings.clients.iter().map(|client| client.provider.clone()).collect::<Vec<_>>() {
            holdings.know(cx, &provider).await?;
        }
        Ok(holdings)
    }

    async fn know(&mut self, cx: &mut Context<'_>, provider: &str) -> Result<(), Refusal> {
        if !self.providers.contains_key(provider)
            && let Some(kept) = get::<Provider>(cx.tx, &cx.caller.organisation, provider).await?
        {
            self.providers.insert(provider.to_owned(), kept.thing);
        }
        Ok(())
    }

    /// As if the provider were this one.
    pub fn assume(&mut self, provider: &Provider) {
        self.providers.insert(provider.id.clone(), provider.clone());
    }

    /// Whether it has a live client for contracts in this environment.
    pub fn has_client_in(&self, environment: &str) -> bool {
        self.clients.iter().any(|client| is_live_in(client, environment, &self.providers))
    }

    /// # Errors
    /// A row that a gateway would skip.
    pub fn rows(&self) -> Result<Rows, Refusal> {
        rows(self.contracts.iter().map(|kept| &kept.thing), &self.clients, &self.providers)
    }

    /// The rows of one contract, as it is here or as it was.
    ///
    /// # Errors
    /// A row that a gateway would skip.
    pub fn rows_of(&self, contract: &AccessContract) -> Result<Rows, Refusal> {
        rows([contract], &self.clients, &self.providers)
    }

    /// Writes a client that has changed, with its entry in the audit.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn put(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Kept<AppClient>,
        verb: &str,
        reason: Option<&str>,
        before: Option<&AppClient>,
    ) -> Result<(), Refusal> {
        update(cx.tx, client).await?;
        self.take(cx, &client.thing).await?;
        audit_client(cx, &self.application, verb, reason, before, &client.thing).await
    }

    /// A client as it is now.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn take(&mut self, cx: &mut Context<'_>, client: &AppClient) -> Result<(), Refusal> {
        self.know(cx, &client.provider).await?;
        self.clients.retain(|known| known.id != client.id);
        if client.status.holds_contracts() {
            self.clients.push(client.clone());
        }
        Ok(())
    }

    /// Contracts that now have a client, or have none any more, become active, or wait.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn settle(&mut self, cx: &mut Context<'_>) -> Result<(), Refusal> {
        let mut contracts = std::mem::take(&mut self.contracts);
        for kept in &mut contracts {
            let before = kept.thing.clone();
            kept.thing.set_client(self.has_client_in(&before.environment), cx.now);
            if kept.thing == before {
                continue;
            }
            update(cx.tx, kept).await?;
            let verb = match (before.status, kept.thing.status) {
                (ContractStatus::Pending, ContractStatus::Active) => "activate",
                (ContractStatus::Active, ContractStatus::Pending) => "deactivate",
                _ => "update",
            };
            audit_contract(cx, &self.application, verb, None, Some(&before), &kept.thing).await?;
        }
        self.contracts = contracts;
        Ok(())
    }

    /// Publishes what is different from `before`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn publish_since(&self, cx: &mut Context<'_>, before: Rows) -> Result<(), Refusal> {
        let mut publication = Publication::default();
        publication.add(before, self.rows()?);
        publication.publish(cx).await
    }
}

/// All records that fulfil the conditions: for what an application has, which is limited.
///
/// # Errors
/// Those of the store.
pub async fn every<T: Record>(cx: &mut Context<'_>, conditions: Vec<Condition>) -> Result<Vec<Kept<T>>, Refusal> {
    let mut query = Query { conditions, limit: PAGE, ..Query::default() };
    let mut all = Vec::new();
    loop {
        let part = list::<T>(cx.tx, &cx.caller.organisation, &query).await?;
        query.after = part.last().map(|last| last.thing.id());
        let is_last = part.len() < PAGE as usize;
        all.extend(part);
        if is_last {
            return Ok(all);
        }
    }
}
