//! Contracts: what is read and changed of them. They come to be in [`super::contract_requests`]; what is done to them is
//! in [`super::contract_actions`].

use crate::domain::api::api_key;
use crate::domain::contract::{AccessContract, ContractStatus};
use crate::domain::members::{Members, Object};
use crate::domain::reader::text;
use crate::domain::refusal::Refusal;
use crate::domain::text::MAX_TITLE;
use crate::use_case::context::Context;
use crate::use_case::contract_access::{
    Bindings, Bound, audit_contract, bound, may_be_approved, readable_contracts, terms,
};
use crate::use_case::contract_actions::held_contract;
use crate::use_case::contract_requests::{MADE_HERE, read_date};
use crate::use_case::holdings::Holdings;
use crate::use_case::keeping::{filtered, find, page, wrong_query};
use crate::use_case::permission::Reach;
use crate::use_case::publishing::Publication;
use crate::use_case::record::update;
use crate::use_case::shown::{Asked, Expected, Page, Shown};
use crate::use_case::store::Condition;

pub use crate::use_case::contract_actions::act;
pub use crate::use_case::contract_requests::create;

/// What a change of a contract cannot name.
const UNCHANGED: [&str; 6] = ["environment", "api", "application", "tier", "not_before", "reason"];

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let kept = find::<AccessContract>(cx, id).await?;
    bound(cx, &reach, kept).await?.shown(cx).await
}

/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut conditions = filtered(asked, |name, value| filter(cx, &reach, asked, name, value))?;
    conditions.push(readable_contracts(&reach));
    let (contracts, next) = page::<AccessContract>(cx, asked, conditions).await?;
    let (mut items, mut bindings) = (Vec::with_capacity(contracts.len()), Bindings::of_all(cx, &contracts).await?);
    for kept in contracts {
        let bound = bindings.of(cx, &reach, kept).await?;
        items.push(bindings.shown(cx, &bound).await?.value);
    }
    Ok(Page { items, next })
}

fn filter(cx: &Context<'_>, reach: &Reach, asked: &Asked, name: &str, value: &str) -> Result<Condition, Refusal> {
    let environment = asked.filters.iter().find(|(name, _)| name == "environment").map(|(_, value)| value);
    match (name, environment) {
        // The key of the API says it too, and only its index leads to few.
        ("environment", _) if asked.filters.iter().any(|(name, _)| name == "api") => Ok(Condition::All(Vec::new())),
        ("environment" | "application", _) => {
            let column = if name == "environment" { "environment" } else { "application" };
            Ok(Condition::Is(column, value.to_owned()))
        }
        ("api", Some(environment)) => Ok(Condition::Is("api", api_key(environment, value))),
        ("api", None) => wrong_query(name, "needs `environment`: an API is one of an environment"),
        ("status", _) if ContractStatus::WORDS.iter().any(|(word, _)| *word == value) => {
            Ok(Condition::Is("status", value.to_owned()))
        }
        ("status", _) => wrong_query(name, "is not a status of contracts"),
        ("inbox", _) if value == "true" => Ok(may_be_approved(cx, reach)),
        ("inbox", _) => wrong_query(name, "can only be `true`"),
        _ => wrong_query(name, "is not known"),
    }
}

/// A developer changes the name, an owner the end.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; it has ended; a later end of what
/// he asked for himself; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut bound = held_contract(cx, &reach, id).await?;
    must_be_his(&bound, body)?;
    expected.check(bound.contract.revision)?;
    let before = bound.contract.thing.clone();
    let mut members = Members::of_patch(body);
    let mut name = Some(before.name.clone());
    members.nullable("name", &mut name, text(1..=MAX_TITLE));
    let end = read_date(&mut members, "expires_at");
    for unchanged in UNCHANGED {
        if members.given(unchanged).is_some() {
            members.fault(unchanged, "cannot be changed so");
        }
    }
    members.made_here(&MADE_HERE);
    members.finish()?;
    if !before.status.is_open() {
        return Err(Refusal::Transition { current: before.status.word(), allowed: Vec::new() });
    }
    bound.contract.thing.name = name.unwrap_or_else(|| bound.application.name.clone());
    if let Some(end) = end {
        let terms = terms(cx, &before, &before.tier).await?.ok_or(Refusal::Internal)?;
        let is_later = before.expires_at.is_some_and(|old| end.is_none_or(|new| new > old));
        if is_later && !terms.automatic && before.is_own(&bound.party(), &terms) {
            return Err(Refusal::OwnRequest);
        }
        bound.contract.thing.set_end(end, &terms, cx.now).map_err(Refusal::Invalid)?;
    }
    if bound.contract.thing != before {
        bound.contract.thing.updated_at = cx.now;
        update(cx.tx, &mut bound.contract).await?;
        let after = &bound.contract.thing;
        audit_contract(cx, &bound.application, "update", None, Some(&before), after).await?;
        let holdings = Holdings::without_contracts(cx, bound.application.clone()).await?;
        let mut publication = Publication::default();
        publication.add(holdings.rows_of(&before)?, holdings.rows_of(after)?);
        publication.publish(cx).await?;
    }
    bound.shown(cx).await
}

fn must_be_his(bound: &Bound, body: &Object) -> Result<(), Refusal> {
    let party = bound.party();
    let lacks_name = !party.develops && (body.contains_key("name") || !party.owns_api);
    let lacks_end = !party.owns_api && body.contains_key("expires_at");
    if lacks_name || lacks_end { Err(Refusal::Forbidden) } else { Ok(()) }
}
