//! Environments.

use serde_json::Value;

use crate::domain::environment::Environment;
use crate::domain::members::{Members, Object};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::keeping::{Catalogued, admin, change, find, hold, is_used, json, make, member, page, remove};
use crate::use_case::permission::Reach;
use crate::use_case::providers;
use crate::use_case::record::{Kept, Record};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::Table;
use crate::use_case::tables::{APIS, ENVIRONMENTS, GATEWAYS};

impl Record for Environment {
    const TABLE: &'static Table = &ENVIRONMENTS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

impl Catalogued for Environment {
    const KIND: &'static str = "environment";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self)
    }

    fn touch(&mut self, now: Time) {
        self.updated_at = now;
    }
}

async fn view(cx: &mut Context<'_>, environment: &Environment) -> Result<Value, Refusal> {
    let head = cx.tx.head(&cx.caller.organisation, &environment.id).await?.unwrap_or_default();
    json(environment.view(head.position))
}

async fn shown(cx: &mut Context<'_>, kept: &Kept<Environment>) -> Result<Shown, Refusal> {
    Ok(Shown { value: view(cx, &kept.thing).await?, revision: kept.revision })
}

/// # Errors
/// Faults of the body; one of this name; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    admin(&Reach::of(cx.tx, cx.caller).await?)?;
    let (mut members, mut environment) = (Members::of_new(body), Environment::blank(cx.now));
    environment.read(&mut members);
    members.finish()?;
    let kept = begin(cx, environment).await?;
    shown(cx, &kept).await
}

/// Makes it, with its feed.
///
/// # Errors
/// One of this name; those of the store.
pub async fn begin(cx: &mut Context<'_>, environment: Environment) -> Result<Kept<Environment>, Refusal> {
    let kept = make(cx, environment).await?;
    cx.tx.begin_feed(&cx.caller.organisation, &kept.thing.id).await?;
    Ok(kept)
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    member(&Reach::of(cx.tx, cx.caller).await?)?;
    let kept = find(cx, id).await?;
    shown(cx, &kept).await
}

/// # Errors
/// Those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    if !Reach::of(cx.tx, cx.caller).await?.is_member() {
        return Ok(Page::default());
    }
    let (environments, next) = page::<Environment>(cx, asked, Vec::new()).await?;
    let mut items = Vec::with_capacity(environments.len());
    for kept in &environments {
        items.push(view(cx, &kept.thing).await?);
    }
    Ok(Page { items, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let mut kept = held(cx, id, expected).await?;
    let (mut members, mut environment) = (Members::of_patch(body), kept.thing.clone());
    environment.read(&mut members);
    members.finish()?;
    change(cx, &mut kept, environment).await?;
    shown(cx, &kept).await
}

/// # Errors
/// There is none for the caller; no permission; a precondition; something depends on it; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let kept = held(cx, id, expected).await?;
    end(cx, &kept).await
}

/// Removes it, with its feed.
///
/// # Errors
/// Something depends on it; those of the store.
pub async fn end(cx: &mut Context<'_>, kept: &Kept<Environment>) -> Result<Deleted, Refusal> {
    let id = &kept.thing.id;
    if is_used(cx, &APIS, "environment", id).await? {
        return Err(Refusal::InUse("it has APIs"));
    }
    if is_used(cx, &GATEWAYS, "environment", id).await? {
        return Err(Refusal::InUse("it has gateways"));
    }
    if providers::names_environment(cx, id).await? {
        return Err(Refusal::InUse("a provider names it"));
    }
    let deleted = remove(cx, kept).await?;
    cx.tx.end_feed(&cx.caller.organisation, id).await?;
    Ok(deleted)
}

async fn held(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Kept<Environment>, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    member(&reach)?;
    let kept = hold::<Environment>(cx, id).await?;
    admin(&reach)?;
    expected.check(kept.revision)?;
    Ok(kept)
}
