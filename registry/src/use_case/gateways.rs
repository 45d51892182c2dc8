//! Gateways.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::api::{Api, api_key};
use crate::domain::environment::Environment;
use crate::domain::gateway::{Gateway, GatewayToken};
use crate::domain::members::{Members, Object};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::keeping::{
    Catalogued, admin, auditor, change, find, hold, is_held, json, make, page, remove, wrong_query,
};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, list as records};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::{Condition, Query, Table};
use crate::use_case::tables::{GATEWAY_TOKENS, GATEWAYS};

/// Gateways that are read at once.
const PAGE: u32 = 200;

impl Record for Gateway {
    const TABLE: &'static Table = &GATEWAYS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.environment.clone())]
    }
}

impl Record for GatewayToken {
    const TABLE: &'static Table = &GATEWAY_TOKENS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        [&self.gateway, &self.hash].map(|column| Some(column.clone())).into()
    }
}

impl Catalogued for Gateway {
    const KIND: &'static str = "gateway";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self)
    }

    fn touch(&mut self, now: Time) {
        self.updated_at = now;
    }
}

async fn view(cx: &mut Context<'_>, gateway: &Gateway) -> Result<Value, Refusal> {
    let tokens = tokens_of(cx, &gateway.id).await?;
    json(gateway.view(tokens.iter().map(|kept| kept.thing.view()).collect()))
}

/// # Errors
/// Those of the store.
pub async fn shown(cx: &mut Context<'_>, kept: &Kept<Gateway>) -> Result<Shown, Refusal> {
    Ok(Shown { value: view(cx, &kept.thing).await?, revision: kept.revision })
}

/// # Errors
/// Those of the store.
pub async fn tokens_of(cx: &mut Context<'_>, gateway: &str) -> Result<Vec<Kept<GatewayToken>>, Refusal> {
    let conditions = vec![Condition::Is("gateway", gateway.to_owned())];
    Ok(records(cx.tx, &cx.caller.organisation, &Query { conditions, limit: PAGE, ..Query::default() }).await?)
}

/// # Errors
/// No permission; faults of the body; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    admin(&Reach::of(cx.tx, cx.caller).await?)?;
    let (mut members, mut gateway) = (Members::of_new(body), Gateway::blank(cx.randomness.id(cx.now), cx.now));
    gateway.read(&mut members);
    if !gateway.environment.is_empty() && !is_held::<Environment>(cx, &gateway.environment).await? {
        members.fault("environment", "there is no such environment");
    }
    has_apis(cx, &gateway, &mut members).await?;
    members.finish()?;
    let kept = make(cx, gateway).await?;
    shown(cx, &kept).await
}

/// Whether there are the APIs that it names; they stay until the transaction ends.
async fn has_apis(cx: &mut Context<'_>, gateway: &Gateway, members: &mut Members<'_>) -> Result<(), Refusal> {
    // Those of one kind are locked in their order.
    for api in BTreeSet::from_iter(gateway.apis.iter().flatten()) {
        if !is_held::<Api>(cx, &api_key(&gateway.environment, api)).await? {
            members.fault("apis", format!("there is no API {api} in the environment"));
        }
    }
    Ok(())
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    auditor(&Reach::of(cx.tx, cx.caller).await?)?;
    let kept = find(cx, id).await?;
    shown(cx, &kept).await
}

/// # Errors
/// A filter that cannot be read; those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let condition = |(name, value): &(String, String)| match name.as_str() {
        "environment" => Ok(Condition::Is("environment", value.clone())),
        _ => wrong_query(name, "is not known"),
    };
    let conditions = asked.filters.iter().map(condition).collect::<Result<_, _>>()?;
    if !Reach::of(cx.tx, cx.caller).await?.audits_all() {
        return Ok(Page::default());
    }
    let (gateways, next) = page::<Gateway>(cx, asked, conditions).await?;
    let mut items = Vec::with_capacity(gateways.len());
    for kept in &gateways {
        items.push(view(cx, &kept.thing).await?);
    }
    Ok(Page { items, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let mut kept = held(cx, id).await?;
    expected.check(kept.revision)?;
    let (mut members, mut gateway) = (Members::of_patch(body), kept.thing.clone());
    gateway.read(&mut members);
    if gateway.apis != kept.thing.apis {
        has_apis(cx, &gateway, &mut members).await?;
    }
    members.finish()?;
    change(cx, &mut kept, gateway).await?;
    shown(cx, &kept).await
}

/// Its tokens go with it.
///
/// # Errors
/// There is none for the caller; no permission; a precondition; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let kept = held(cx, id).await?;
    expected.check(kept.revision)?;
    for token in tokens_of(cx, id).await? {
        cx.tx.delete(&GATEWAY_TOKENS, &cx.caller.organisation, &token.thing.id).await?;
    }
    remove(cx, &kept).await
}

/// Whether a gateway is narrowed to some APIs, and to this one.
///
/// # Errors
/// Those of the store.
pub async fn names_api(cx: &mut Context<'_>, api: &Api) -> Result<bool, Refusal> {
    let conditions = vec![Condition::Is("environment", api.environment.clone())];
    let mut query = Query { conditions, limit: PAGE, ..Query::default() };
    loop {
        let gateways = records::<Gateway>(cx.tx, &cx.caller.organisation, &query).await?;
        if gateways.iter().filter_map(|kept| kept.thing.apis.as_ref()).flatten().any(|named| *named == api.id) {
            return Ok(true);
        }
        let Some(last) = gateways.last() else { return Ok(false) };
        query.after = Some(last.thing.id.clone());
    }
}

/// One that the caller may write.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn held(cx: &mut Context<'_>, id: &str) -> Result<Kept<Gateway>, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    auditor(&reach)?;
    let kept = hold::<Gateway>(cx, id).await?;
    admin(&reach)?;
    Ok(kept)
}
