//! A contract document becomes applications, live clients and contracts: for whoever had gateways before a registry.

use std::collections::{BTreeMap, BTreeSet};

use tessera_core::contract::contract::Status;

use crate::domain::adopted_file::{AdoptedClients, AdoptedRow};
use crate::domain::api::{Api, api_key, tier_key};
use crate::domain::application::Application;
use crate::domain::client::AppClient;
use crate::domain::contract::AccessContract;
use crate::domain::contract_action::{AccessRequest, Act, ContractAction};
use crate::domain::contract_terms::{Dates, TierTerms};
use crate::domain::environment::Environment;
use crate::domain::group::Group;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::text::MAX_TITLE;
use crate::domain::tier::TierOfApi;
use crate::use_case::apply::NotApplied;
use crate::use_case::audit::{Change, record};
use crate::use_case::client_life::add;
use crate::use_case::context::Context;
use crate::use_case::contract_access::audit_contract;
use crate::use_case::holdings::Holdings;
use crate::use_case::keeping::{hold, is_held, json};
use crate::use_case::publishing::Publication;
use crate::use_case::record::insert;
use crate::use_case::store::Condition;
use crate::use_case::tables::CLIENTS;

/// Why the contracts are there.
const REASON: &str = "adopted from a contract document";

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    pub applications: usize,
    pub contracts: usize,
    /// Revoked rows: nothing is made of them.
    pub revoked: usize,
}

/// Makes an application in `group` of each provider and client id, with a live client, and a contract of each row: what
/// gateways of the environment are told by the feed then is what the document told them, to its dates.
///
/// # Errors
/// What of the document cannot be, each as `path: problem`; those of the store.
pub async fn adopt(
    cx: &mut Context<'_>,
    clients: &AdoptedClients,
    environment: &str,
    group: &str,
) -> Result<Adopted, NotApplied> {
    let mut problems = Vec::new();
    if !is_held::<Group>(cx, group).await? {
        problems.push(format!("--group: there is no group {group}"));
    }
    if !is_held::<Environment>(cx, environment).await? {
        problems.push(format!("--environment: there is no environment {environment}"));
    }
    if problems.is_empty() {
        problems = missing(cx, clients, environment).await?;
    }
    let (mut adopted, mut publication) = (Adopted::default(), Publication::default());
    if problems.is_empty() {
        for ((provider, client_id), rows) in clients {
            let client = (provider.as_str(), client_id.as_str());
            let made = one(cx, client, rows, (environment, group), &mut publication, &mut adopted).await;
            problems.extend(made?);
        }
    }
    if !problems.is_empty() {
        return Err(NotApplied::Problems(problems));
    }
    publication.publish(cx).await?;
    Ok(adopted)
}

/// What the rows name and is not there, or belongs to somebody already.
async fn missing(cx: &mut Context<'_>, clients: &AdoptedClients, environment: &str) -> Result<Vec<String>, Refusal> {
    let mut problems = Vec::new();
    let mut known = BTreeMap::new();
    for provider in BTreeSet::from_iter(clients.keys().map(|(provider, _)| provider)) {
        is_held::<Provider>(cx, provider).await?;
    }
    for ((provider, client_id), rows) in clients {
        let mut fault_of_client = fault_of_provider(cx, provider, environment).await?;
        let taken = [Condition::Is("holds", format!("{provider}/{client_id}"))];
        if cx.tx.count(&CLIENTS, &cx.caller.organisation, &taken).await? > 0 {
            fault_of_client = Some("client_id: belongs to an application already");
        }
        for row in rows.values() {
            problems.extend(fault_of_client.map(|fault| format!("contracts[{}].{fault}", row.index)));
            let key = (row.api.clone(), row.tier.clone());
            if !known.contains_key(&key) {
                known.insert(key.clone(), fault_of_tier(cx, environment, row).await?);
            }
            let fault = known.get(&key).copied().flatten();
            problems.extend(fault.map(|fault| format!("contracts[{}].{fault}", row.index)));
        }
    }
    Ok(problems)
}

async fn fault_of_provider(
    cx: &mut Context<'_>,
    provider: &str,
    environment: &str,
) -> Result<Option<&'static str>, Refusal> {
    match hold::<Provider>(cx, provider).await {
        Ok(kept) if kept.thing.serves(environment) => Ok(None),
        Ok(_) => Ok(Some("provider: does not serve the environment")),
        Err(Refusal::NotFound) => Ok(Some("provider: there is no such provider")),
        Err(refusal) => Err(refusal),
    }
}

async fn fault_of_tier(
    cx: &mut Context<'_>,
    environment: &str,
    row: &AdoptedRow,
) -> Result<Option<&'static str>, Refusal> {
    if !is_held::<Api>(cx, &api_key(environment, &row.api)).await? {
        return Ok(Some("api: there is no such API in the environment"));
    }
    let has_tier = is_held::<TierOfApi>(cx, &tier_key(environment, &row.api, &row.tier)).await?;
    Ok((!has_tier).then_some("tier: the API has no such tier"))
}

/// One application with its client and contracts, or what is wrong with them.
async fn one(
    cx: &mut Context<'_>,
    (provider, client_id): (&str, &str),
    rows: &BTreeMap<String, AdoptedRow>,
    (environment, group): (&str, &str),
    publication: &mut Publication,
    adopted: &mut Adopted,
) -> Result<Vec<String>, Refusal> {
    let stays = |row: &&AdoptedRow| row.status != Status::Revoked;
    adopted.revoked += rows.values().filter(|row| !stays(row)).count();
    let Some(first) = rows.values().filter(stays).min_by_key(|row| row.index) else { return Ok(Vec::new()) };
    let name = first.name.clone().unwrap_or_else(|| client_id.chars().take(MAX_TITLE).collect());
    let application = application(cx, group, name).await?;
    let mut client = AppClient::brought(cx.randomness.id(cx.now), application.id.clone(), cx.now);
    (client.provider, client.client_id) = (provider.to_owned(), Some(client_id.to_owned()));
    add(cx, application.clone(), client, true).await?;
    let holdings = Holdings::without_contracts(cx, application).await?;
    adopted.applications += 1;
    let mut problems = Vec::new();
    for row in rows.values().filter(stays) {
        match contract(cx, &holdings, environment, row) {
            Ok(contract) => {
                let kept = insert(cx.tx, &cx.caller.organisation, contract).await?;
                audit_contract(cx, &holdings.application, "adopt", Some(REASON), None, &kept.thing).await?;
                publication.add(BTreeMap::new(), holdings.rows_of(&kept.thing)?);
                adopted.contracts += 1;
            }
            Err(fault) => problems.push(format!("contracts[{}]{fault}", row.index)),
        }
    }
    Ok(problems)
}

async fn application(cx: &mut Context<'_>, group: &str, name: String) -> Result<Application, Refusal> {
    let (id, by) = (cx.randomness.id(cx.now), cx.caller.principal.to_string());
    let application = Application { group: group.to_owned(), name, ..Application::blank(id, by, cx.now) };
    let kept = insert(cx.tx, &cx.caller.organisation, application).await?;
    let (id, groups, after) = (&kept.thing.id, [Some(group), None], Some(json(&kept.thing)?));
    let (action, kind, reason) = ("application.create", "application", Some(REASON));
    record(cx, Change { action, kind, id, groups, reason, before: None, after }).await?;
    Ok(kept.thing)
}

/// The contract of a row, in its state and with its dates: what was agreed before is not the tier's to shorten.
fn contract(
    cx: &Context<'_>,
    holdings: &Holdings,
    environment: &str,
    row: &AdoptedRow,
) -> Result<AccessContract, String> {
    let request = AccessRequest {
        id: cx.randomness.id(cx.now),
        environment: environment.to_owned(),
        api: row.api.clone(),
        application: holdings.application.id.clone(),
        name: row.name.clone().unwrap_or_else(|| holdings.application.name.clone()),
        dates: Dates { not_before: Some(row.not_before), expires_at: Some(row.expires_at) },
        has_client: holdings.has_client_in(environment),
    };
    let automatic = row.status != Status::Pending;
    let terms = TierTerms { tier: row.tier.clone(), automatic, self_approval: false, max_duration: None };
    let by = cx.caller.principal.to_string();
    let act = Act { by: &by, reason: REASON, now: cx.now };
    let told = |fault: &crate::domain::fault::Fault| format!("{}: {}", fault.pointer.replace('/', "."), fault.detail);
    let mut contract = AccessContract::request(request, &terms, &act)
        .map_err(|faults| faults.first().map(told).unwrap_or_default())?;
    if row.status == Status::Suspended {
        let paused = contract.end_or_pause(ContractAction::Suspend, &act);
        paused.map_err(|_| ".status: cannot be suspended".to_owned())?;
    }
    Ok(contract)
}
