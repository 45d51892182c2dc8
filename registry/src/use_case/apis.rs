//! APIs.

use serde_json::Value;

use crate::domain::api::{Api, LIFECYCLES, Lifecycle, api_key};
use crate::domain::environment::Environment;
use crate::domain::group::Group;
use crate::domain::members::{Members, Object};
use crate::domain::principal::Duty;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::application_access::is_open;
use crate::use_case::context::Context;
use crate::use_case::gateways;
use crate::use_case::keeping::{
    AuditedFor, Catalogued, change, find, has_words, hold, is_held, is_used, json, make, page, remove, wrong_query,
};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::{Condition, Table};
use crate::use_case::tables::{APIS, CONTRACTS, DOCUMENTS, TIERS};

impl Record for Api {
    const TABLE: &'static Table = &APIS;

    fn id(&self) -> String {
        self.key()
    }

    fn columns(&self) -> Vec<Option<String>> {
        let columns = [&self.environment, &self.group, self.lifecycle.word(), &self.words()];
        columns.map(|column| Some(column.to_owned())).into()
    }
}

impl Catalogued for Api {
    const KIND: &'static str = "api";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self)
    }

    fn audited_for(&self) -> AuditedFor {
        AuditedFor::Group(self.group.clone())
    }

    fn touch(&mut self, now: Time) {
        self.updated_at = now;
    }
}

fn shown(kept: &Kept<Api>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(&kept.thing)?, revision: kept.revision })
}

/// Whether the caller may know of it.
fn is_readable(reach: &Reach, api: &Api) -> bool {
    let is_draft = api.lifecycle == Lifecycle::Draft;
    reach.is_member() && (!is_draft || reach.has(&api.group, &[Duty::Owner, Duty::Auditor]))
}

/// One that the caller may read.
///
/// # Errors
/// There is none; those of the store.
pub async fn readable(
    cx: &mut Context<'_>,
    reach: &Reach,
    (environment, id): (&str, &str),
) -> Result<Kept<Api>, Refusal> {
    let kept = find::<Api>(cx, &api_key(environment, id)).await?;
    if is_readable(reach, &kept.thing) { Ok(kept) } else { Err(Refusal::NotFound) }
}

/// One that the caller may write; nobody else changes it until the transaction ends.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn writable(
    cx: &mut Context<'_>,
    reach: &Reach,
    (environment, id): (&str, &str),
) -> Result<Kept<Api>, Refusal> {
    let kept = hold::<Api>(cx, &api_key(environment, id)).await?;
    if !is_readable(reach, &kept.thing) {
        return Err(Refusal::NotFound);
    }
    if reach.has(&kept.thing.group, &[Duty::Owner]) { Ok(kept) } else { Err(Refusal::Forbidden) }
}

/// # Errors
/// No permission; faults of the body; one of this name; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    if !reach.has_anywhere(&[Duty::Owner]) {
        return Err(Refusal::Forbidden);
    }
    let (mut members, mut api) = (Members::of_new(body), Api::blank(cx.now));
    api.read(&mut members);
    in_group(cx, &reach, &api.group, &mut members).await?;
    if !api.environment.is_empty() && !is_held::<Environment>(cx, &api.environment).await? {
        members.fault("environment", "there is no such environment");
    }
    members.finish()?;
    shown(&make(cx, api).await?)
}

/// Whether APIs may be put into the group; it stays until the transaction ends. None is given when it is empty.
async fn in_group(cx: &mut Context<'_>, reach: &Reach, group: &str, members: &mut Members<'_>) -> Result<(), Refusal> {
    if group.is_empty() {
        return Ok(());
    }
    if !is_held::<Group>(cx, group).await? {
        members.fault("group", "there is no such group");
    } else if !reach.has(group, &[Duty::Owner]) {
        return Err(Refusal::Forbidden);
    }
    Ok(())
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: (&str, &str)) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    shown(&readable(cx, &reach, id).await?)
}

/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let mut conditions =
        asked.filters.iter().map(|(name, value)| filter(name, value)).collect::<Result<Vec<_>, _>>()?;
    if !reach.is_member() {
        return Ok(Page::default());
    }
    let drafts = reach.condition("group_id", &[Duty::Owner, Duty::Auditor]);
    conditions.push(Condition::Any(vec![Condition::IsNot("lifecycle", "draft".to_owned()), drafts]));
    let (apis, next) = page::<Api>(cx, asked, conditions).await?;
    Ok(Page { items: apis.iter().map(|kept| json(&kept.thing)).collect::<Result<_, _>>()?, next })
}

fn filter(name: &str, value: &str) -> Result<Condition, Refusal> {
    match name {
        "environment" => Ok(Condition::Is("environment", value.to_owned())),
        "group" => Ok(Condition::Is("group_id", value.to_owned())),
        "lifecycle" if LIFECYCLES.iter().any(|(word, _)| *word == value) => {
            Ok(Condition::Is("lifecycle", value.to_owned()))
        }
        "lifecycle" => wrong_query(name, "must be `draft`, `published` or `deprecated`"),
        "q" => has_words("words", name, value),
        _ => wrong_query(name, "is not known"),
    }
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(
    cx: &mut Context<'_>,
    id: (&str, &str),
    expected: &Expected,
    body: &Object,
) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    // Groups are locked before what is in them.
    if let Some(group) = body.get("group").and_then(Value::as_str)
        && reach.has_anywhere(&[Duty::Owner])
    {
        is_held::<Group>(cx, group).await?;
    }
    let mut kept = writable(cx, &reach, id).await?;
    let (mut members, mut api) = (Members::of_patch(body), kept.thing.clone());
    api.read(&mut members);
    if api.group != kept.thing.group {
        in_group(cx, &reach, &api.group, &mut members).await?;
    }
    expected.check(kept.revision)?;
    members.finish()?;
    change(cx, &mut kept, api).await?;
    shown(&kept)
}

/// # Errors
/// There is none for the caller; no permission; a precondition; something depends on it; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: (&str, &str), expected: &Expected) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let kept = writable(cx, &reach, id).await?;
    expected.check(kept.revision)?;
    end(cx, &kept).await
}

/// Whether there are such contracts that have not ended.
///
/// # Errors
/// Those of the store.
pub async fn has_open_contracts(cx: &mut Context<'_>, such: Condition) -> Result<bool, Refusal> {
    Ok(cx.tx.count(&CONTRACTS, &cx.caller.organisation, &[such, is_open()]).await? > 0)
}

/// Removes it, with its document. Contracts that have ended are not those of an API that comes in its name.
///
/// # Errors
/// Something depends on it; those of the store.
pub async fn end(cx: &mut Context<'_>, kept: &Kept<Api>) -> Result<Deleted, Refusal> {
    let key = kept.thing.key();
    if is_used(cx, &TIERS, "api", &key).await? {
        return Err(Refusal::InUse("it has tiers"));
    }
    if has_open_contracts(cx, Condition::Is("api", key.clone())).await? {
        return Err(Refusal::InUse("it has open contracts"));
    }
    if gateways::names_api(cx, &kept.thing).await? {
        return Err(Refusal::InUse("a gateway names it"));
    }
    if kept.thing.has_openapi {
        cx.tx.delete(&DOCUMENTS, &cx.caller.organisation, &key).await?;
    }
    cx.tx.forget(&CONTRACTS, "api", &cx.caller.organisation, &key).await?;
    remove(cx, kept).await
}
