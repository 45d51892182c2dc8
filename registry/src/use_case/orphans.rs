//! Orphans: written by whoever finds that there is one, read and struck off by admins.

use crate::domain::orphan::{Orphan, OrphanCause};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::keeping::{auditor, find, hold, json, page};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, insert, list as records, update};
use crate::use_case::shown::{Asked, Deleted, Page};
use crate::use_case::store::{Condition, Query, Table};
use crate::use_case::tables::ORPHANS;

impl Record for Orphan {
    const TABLE: &'static Table = &ORPHANS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.provider.clone()), self.marker.clone()]
    }
}

/// Takes note of one. Where one with its marker is known already, that one is now known better.
///
/// # Errors
/// Those of the store.
pub async fn note(cx: &mut Context<'_>, orphan: Orphan) -> Result<Kept<Orphan>, Refusal> {
    let organisation = cx.caller.organisation.as_str();
    if let Some(marker) = &orphan.marker {
        let query = Query { conditions: vec![Condition::Is("marker", marker.clone())], limit: 1, ..Query::default() };
        if let Some(mut known) = records::<Orphan>(cx.tx, organisation, &query).await?.pop() {
            let before = known.thing.clone();
            known.thing = Orphan { id: before.id.clone(), seen_at: before.seen_at, ..orphan };
            update(cx.tx, &mut known).await?;
            audit(cx, "update", Some(&before), Some(&known.thing)).await?;
            return Ok(known);
        }
    }
    let kept = insert(cx.tx, organisation, orphan).await?;
    audit(cx, "create", None, Some(&kept.thing)).await?;
    Ok(kept)
}

/// A blank one, of this moment.
pub fn found(cx: &Context<'_>, provider: &str, client: &str, why: OrphanCause) -> Orphan {
    Orphan {
        id: cx.randomness.id(cx.now),
        provider: provider.to_owned(),
        client: Some(client.to_owned()),
        marker: None,
        client_id: None,
        seen_at: cx.now,
        why,
        uri: None,
        token: None,
    }
}

/// # Errors
/// There is no such provider for the caller; a filter; those of the store.
pub async fn list(cx: &mut Context<'_>, provider: &str, asked: &Asked) -> Result<Page, Refusal> {
    auditor(&Reach::of(cx.tx, cx.caller).await?)?;
    find::<Provider>(cx, provider).await?;
    let conditions = vec![Condition::Is("provider", provider.to_owned())];
    let (orphans, next) = page::<Orphan>(cx, asked, conditions).await?;
    Ok(Page { items: orphans.iter().map(|kept| json(kept.thing.view())).collect::<Result<_, _>>()?, next })
}

/// Strikes it off the list: whoever does so has seen to it.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn delete(cx: &mut Context<'_>, provider: &str, id: &str) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    auditor(&reach)?;
    let kept = hold::<Orphan>(cx, id).await?;
    if kept.thing.provider != provider {
        return Err(Refusal::NotFound);
    }
    if !reach.is_admin() {
        return Err(Refusal::Forbidden);
    }
    strike_off(cx, &kept).await?;
    Ok(Deleted::Gone)
}

/// It is gone.
///
/// # Errors
/// Those of the store.
pub async fn strike_off(cx: &mut Context<'_>, kept: &Kept<Orphan>) -> Result<(), Refusal> {
    cx.tx.delete(&ORPHANS, &kept.organisation, &kept.thing.id).await?;
    audit(cx, "delete", Some(&kept.thing), None).await
}

async fn audit(
    cx: &mut Context<'_>,
    verb: &str,
    before: Option<&Orphan>,
    after: Option<&Orphan>,
) -> Result<(), Refusal> {
    let Some(orphan) = after.or(before) else { return Ok(()) };
    let (action, id) = (format!("orphan.{verb}"), orphan.id.clone());
    let shown = |orphan: Option<&Orphan>| orphan.map(|orphan| json(orphan.view())).transpose();
    let (before, after) = (shown(before)?, shown(after)?);
    let change = Change { action: &action, kind: "orphan", id: &id, groups: [None, None], reason: None, before, after };
    record(cx, change).await
}
