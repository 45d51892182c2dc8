//! Providers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::environment::Environment;
use crate::domain::members::{Members, Object};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::context::Context;
use crate::use_case::keeping::{
    Catalogued, admin, change, find, hold, is_held, is_used, json, make, member, page, remove,
};
use crate::use_case::one_time_tokens::{self, full_view};
use crate::use_case::open_provider::sealed_place;
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, list as records};
use crate::use_case::serving::{follow, prepare};
use crate::use_case::shown::{Asked, Deleted, Expected, Page, Shown};
use crate::use_case::store::{Condition, Query, Table};
use crate::use_case::tables::{CLIENTS, ORPHANS, PROVIDERS};

/// Providers that are read at once.
const PAGE: u32 = 200;

impl Record for Provider {
    const TABLE: &'static Table = &PROVIDERS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

impl Catalogued for Provider {
    const KIND: &'static str = "provider";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self.view())
    }

    fn touch(&mut self, now: Time) {
        self.updated_at = now;
    }
}

/// As the caller may see it.
async fn view(cx: &mut Context<'_>, reach: &Reach, provider: &Provider) -> Result<Value, Refusal> {
    if reach.audits_all() { full_view(cx, provider).await } else { json(provider.brief()) }
}

async fn shown(cx: &mut Context<'_>, reach: &Reach, kept: &Kept<Provider>) -> Result<Shown, Refusal> {
    Ok(Shown { value: view(cx, reach, &kept.thing).await?, revision: kept.revision })
}

/// # Errors
/// No permission; faults of the body; one of this name; those of the store.
pub async fn create(cx: &mut Context<'_>, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    admin(&reach)?;
    let (mut members, mut provider) = (Members::of_new(body), Provider::blank(cx.now));
    read_into(cx, &mut provider, &mut members);
    has_environments(cx, &provider, &mut members).await?;
    members.finish()?;
    let made = make(cx, provider).await?;
    shown(cx, &reach, &made).await
}

/// Reads what is given into the provider. A credential that it has already stays sealed as it is.
pub fn read_into(cx: &Context<'_>, provider: &mut Provider, members: &mut Members<'_>) {
    let (sealing, organisation) = (cx.sealing, &cx.caller.organisation);
    let known: BTreeMap<String, String> =
        provider.credentials().into_iter().map(|(place, sealed)| (place, sealed.clone())).collect();
    provider.read(members, &|place, credential| {
        let (known, place) = (known.get(place), sealed_place(organisation, place));
        let is_same = |sealed: &&String| sealing.open(sealed, &place).is_some_and(|open| open == credential.as_bytes());
        let seal = || sealing.seal(credential.as_bytes(), &place, cx.randomness);
        known.filter(is_same).cloned().unwrap_or_else(seal)
    });
}

/// Whether there are the environments that it names; they stay until the transaction ends.
async fn has_environments(cx: &mut Context<'_>, provider: &Provider, members: &mut Members<'_>) -> Result<(), Refusal> {
    // Those of one kind are locked in their order.
    for environment in BTreeSet::from_iter(provider.environments.iter().flatten()) {
        if !is_held::<Environment>(cx, environment).await? {
            members.fault("environments", format!("there is no environment {environment}"));
        }
    }
    Ok(())
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    member(&reach)?;
    let found = find(cx, id).await?;
    shown(cx, &reach, &found).await
}

/// # Errors
/// Those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    if !reach.is_member() {
        return Ok(Page::default());
    }
    let (providers, next) = page::<Provider>(cx, asked, Vec::new()).await?;
    let mut items = Vec::with_capacity(providers.len());
    for kept in &providers {
        items.push(view(cx, &reach, &kept.thing).await?);
    }
    Ok(Page { items, next })
}

/// # Errors
/// There is none for the caller; no permission; a precondition; faults of the body; those of the store.
pub async fn patch(cx: &mut Context<'_>, id: &str, expected: &Expected, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    // Environments are locked before providers.
    let named = body.get("environments").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for environment in BTreeSet::from_iter(named.filter(|_| reach.is_admin())) {
        is_held::<Environment>(cx, environment).await?;
    }
    let mut kept = held(cx, &reach, id, expected).await?;
    let (mut members, mut provider) = (Members::of_patch(body), kept.thing.clone());
    read_into(cx, &mut provider, &mut members);
    if provider.environments != kept.thing.environments {
        has_environments(cx, &provider, &mut members).await?;
    }
    members.finish()?;
    let before = kept.thing.clone();
    prepare(cx, &[(&before, &provider)]).await?;
    change(cx, &mut kept, provider).await?;
    follow(cx, &before, &kept.thing).await?;
    one_time_tokens::follow(cx, &before, &kept.thing).await?;
    shown(cx, &reach, &kept).await
}

/// # Errors
/// There is none for the caller; no permission; a precondition; something depends on it; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str, expected: &Expected) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let kept = held(cx, &reach, id, expected).await?;
    end(cx, &kept).await
}

/// Removes it.
///
/// # Errors
/// Something depends on it; those of the store.
pub async fn end(cx: &mut Context<'_>, kept: &Kept<Provider>) -> Result<Deleted, Refusal> {
    let of = Condition::Is("provider", kept.thing.id.clone());
    let not_deleted = Condition::IsNot("status", "deleted".to_owned());
    if cx.tx.count(&CLIENTS, &cx.caller.organisation, &[of, not_deleted]).await? > 0 {
        return Err(Refusal::InUse("it has clients"));
    }
    if is_used(cx, &ORPHANS, "provider", &kept.thing.id).await? {
        return Err(Refusal::InUse("it has orphans, which can be struck off"));
    }
    one_time_tokens::empty(cx, &kept.thing.id).await?;
    remove(cx, kept).await
}

/// Whether a provider serves this environment by name.
///
/// # Errors
/// Those of the store.
pub async fn names_environment(cx: &mut Context<'_>, environment: &str) -> Result<bool, Refusal> {
    let mut query = Query { limit: PAGE, ..Query::default() };
    loop {
        let providers = records::<Provider>(cx.tx, &cx.caller.organisation, &query).await?;
        let mut named = providers.iter().filter_map(|kept| kept.thing.environments.as_ref()).flatten();
        if named.any(|one| one == environment) {
            return Ok(true);
        }
        let Some(last) = providers.last() else { return Ok(false) };
        query.after = Some(last.thing.id.clone());
    }
}

async fn held(cx: &mut Context<'_>, reach: &Reach, id: &str, expected: &Expected) -> Result<Kept<Provider>, Refusal> {
    member(reach)?;
    let kept = hold::<Provider>(cx, id).await?;
    admin(reach)?;
    expected.check(kept.revision)?;
    Ok(kept)
}
