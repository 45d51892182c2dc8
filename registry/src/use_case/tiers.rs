//! Tiers of APIs.

use serde_json::Value;

use crate::domain::api::{api_key, tier_key};
use crate::domain::members::{Members, Object};
use crate::domain::principal::Duty;
use crate::domain::refusal::Refusal;
use crate::domain::tier::{Tier, TierOfApi};
use crate::domain::time::Time;
use crate::use_case::apis::{has_open_contracts, readable, writable};
use crate::use_case::context::Context;
use crate::use_case::keeping::{AuditedFor, Catalogued, change, find, hold, json, make, page, remove};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::{Condition, Table};
use crate::use_case::tables::TIERS;

impl Record for TierOfApi {
    const TABLE: &'static Table = &TIERS;

    fn id(&self) -> String {
        tier_key(&self.environment, &self.api, &self.tier.id)
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(api_key(&self.environment, &self.api)), Some(self.tier.self_approval.to_string())]
    }
}

impl Catalogued for TierOfApi {
    const KIND: &'static str = "tier";

    fn audited(&self) -> Result<Value, Refusal> {
        json(&self.tier)
    }

    fn audited_for(&self) -> AuditedFor {
        AuditedFor::ApiOf(api_key(&self.environment, &self.api))
    }

    /// Nothing tells when a tier was changed but the audit.
    fn touch(&mut self, _: Time) {}
}

fn shown(kept: &Kept<TierOfApi>) -> Result<Shown, Refusal> {
    Ok(Shown { value: json(&kept.thing.tier)?, revision: kept.revision })
}

/// # Errors
/// There is no such API for the caller; no permission; faults of the body; one of this name; those of the store.
pub async fn create(cx: &mut Context<'_>, api: (&str, &str), body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let api = writable(cx, &reach, api).await?.thing;
    let (mut members, mut tier) = (Members::of_new(body), Tier::default());
    tier.read(&mut members);
    members.finish()?;
    shown(&make(cx, TierOfApi { environment: api.environment, api: api.id, tier }).await?)
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: (&str, &str, &str)) -> Result<Shown, Refusal> {
    let (environment, api, tier) = id;
    let reach = Reach::of(cx.tx, cx.caller).await?;
    readable(cx, &reach, (environment, api)).await?;
    shown(&find(cx, &tier_key(environment, api, tier)).await?)
}

/// # Errors
/// There is no such API for the caller; those of the store.
pub async fn list(cx: &mut Context<'_>, api: (&str, &str), asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let api = readable(cx, &reach, api).await?.thing;
    let (tiers, next) = page::<TierOfApi>(cx, asked, vec![Condition::Is("api", api.key())]).await?;
    Ok(Page { items: tiers.iter().map(|kept| json(&kept.thing.tier)).collect::<Result<_, _>>()?, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(
    cx: &mut Context<'_>,
    id: (&str, &str, &str),
    expected: &Expected,
    body: &Object,
) -> Result<Shown, Refusal> {
    let mut kept = held(cx, id, expected).await?;
    let (mut members, mut changed) = (Members::of_patch(body), kept.thing.clone());
    changed.tier.read(&mut members);
    members.finish()?;
    change(cx, &mut kept, changed).await?;
    shown(&kept)
}

/// # Errors
/// There is none for the caller; no permission; a precondition; something depends on it; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: (&str, &str, &str), expected: &Expected) -> Result<Deleted, Refusal> {
    let kept = held(cx, id, expected).await?;
    end(cx, &kept).await
}

/// Removes it.
///
/// # Errors
/// Something depends on it; those of the store.
pub async fn end(cx: &mut Context<'_>, kept: &Kept<TierOfApi>) -> Result<Deleted, Refusal> {
    let either = ["tier", "requested_tier"].map(|column| Condition::Is(column, kept.thing.id()));
    if has_open_contracts(cx, Condition::Any(either.into())).await? {
        return Err(Refusal::InUse("there are open contracts under it"));
    }
    remove(cx, kept).await
}

async fn held(
    cx: &mut Context<'_>,
    (environment, api, tier): (&str, &str, &str),
    expected: &Expected,
) -> Result<Kept<TierOfApi>, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let of = readable(cx, &reach, (environment, api)).await?;
    let kept = hold::<TierOfApi>(cx, &tier_key(environment, api, tier)).await?;
    if !reach.has(&of.thing.group, &[Duty::Owner]) {
        return Err(Refusal::Forbidden);
    }
    expected.check(kept.revision)?;
    Ok(kept)
}
