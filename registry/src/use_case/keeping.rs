//! What making, changing and removing have in common for the kinds of the catalogue: each is written, and audited.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::domain::api::Api;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, get, insert_named, list, lock, update};
use crate::use_case::shown::Deleted;
use crate::use_case::store::{Condition, Query, Table};

pub use crate::use_case::listing::{filtered, page, wrong_query};

/// Things that are read at once.
const CHUNK: u32 = 1000;

/// Whose auditors may read in the audit of a thing.
pub enum AuditedFor {
    /// Those of `root`.
    Admins,
    Group(String),
    /// Those of the group of the API with this key.
    ApiOf(String),
}

/// A kind of the catalogue.
pub trait Catalogued: Record + PartialEq {
    /// As the audit names it.
    const KIND: &'static str;

    /// Its representation for the audit: in full, without secrets.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    fn audited(&self) -> Result<Value, Refusal>;

    fn audited_for(&self) -> AuditedFor {
        AuditedFor::Admins
    }

    /// It was changed.
    fn touch(&mut self, now: Time);
}

/// # Errors
/// What cannot be written as JSON: nothing that is kept.
pub fn json(thing: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(thing).map_err(|error| {
        tracing::error!(%error, "a representation cannot be written");
        Refusal::Internal
    })
}

/// # Errors
/// Whoever is no admin.
pub fn admin(reach: &Reach) -> Result<(), Refusal> {
    if reach.is_admin() { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// # Errors
/// Whoever has no role.
pub fn member(reach: &Reach) -> Result<(), Refusal> {
    if reach.is_member() { Ok(()) } else { Err(Refusal::NotFound) }
}

/// # Errors
/// Whoever does not read what only admins write.
pub fn auditor(reach: &Reach) -> Result<(), Refusal> {
    if reach.audits_all() { Ok(()) } else { Err(Refusal::NotFound) }
}

/// # Errors
/// There is none; those of the store.
pub async fn find<T: Record>(cx: &mut Context<'_>, id: &str) -> Result<Kept<T>, Refusal> {
    get(cx.tx, &cx.caller.organisation, id).await?.ok_or(Refusal::NotFound)
}

/// As [`find`], and nobody else changes it until the transaction ends.
///
/// # Errors
/// There is none; those of the store.
pub async fn hold<T: Record>(cx: &mut Context<'_>, id: &str) -> Result<Kept<T>, Refusal> {
    lock(cx.tx, &cx.caller.organisation, id).await?.ok_or(Refusal::NotFound)
}

/// Whether there is one; it stays until the transaction ends.
///
/// # Errors
/// Those of the store.
pub async fn is_held<T: Record>(cx: &mut Context<'_>, id: &str) -> Result<bool, Refusal> {
    match hold::<T>(cx, id).await {
        Ok(_) => Ok(true),
        Err(Refusal::NotFound) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

/// # Errors
/// It exists already; those of the store.
pub async fn make<T: Catalogued>(cx: &mut Context<'_>, thing: T) -> Result<Kept<T>, Refusal> {
    let kept = insert_named(cx.tx, &cx.caller.organisation, thing, cx.randomness).await?;
    audit(cx, "create", None, Some(&kept.thing)).await?;
    Ok(kept)
}

/// Makes it `to`. Nothing happens where it is that already.
///
/// # Errors
/// Those of the store.
pub async fn change<T: Catalogued>(cx: &mut Context<'_>, kept: &mut Kept<T>, mut to: T) -> Result<(), Refusal> {
    if kept.thing == to {
        return Ok(());
    }
    to.touch(cx.now);
    let before = std::mem::replace(&mut kept.thing, to);
    update(cx.tx, kept).await?;
    audit(cx, "update", Some(&before), Some(&kept.thing)).await
}

/// # Errors
/// Those of the store.
pub async fn remove<T: Catalogued>(cx: &mut Context<'_>, kept: &Kept<T>) -> Result<Deleted, Refusal> {
    cx.tx.delete(T::TABLE, &kept.organisation, &kept.thing.id()).await?;
    audit(cx, "delete", Some(&kept.thing), None).await?;
    Ok(Deleted::Gone)
}

async fn audit<T: Catalogued>(
    cx: &mut Context<'_>,
    verb: &str,
    before: Option<&T>,
    after: Option<&T>,
) -> Result<(), Refusal> {
    let Some(thing) = after.or(before) else { return Ok(()) };
    let action = format!("{}.{verb}", T::KIND);
    let groups = [group_of(cx, before).await?, group_of(cx, after).await?];
    let groups = groups.each_ref().map(Option::as_deref);
    let [before, after] = [before, after].map(|thing| thing.map(Catalogued::audited).transpose());
    let (id, before, after) = (thing.id(), before?, after?);
    record(cx, Change { action: &action, kind: T::KIND, id: &id, groups, reason: None, before, after }).await
}

async fn group_of<T: Catalogued>(cx: &mut Context<'_>, thing: Option<&T>) -> Result<Option<String>, Refusal> {
    Ok(match thing.map(Catalogued::audited_for) {
        None | Some(AuditedFor::Admins) => None,
        Some(AuditedFor::Group(group)) => Some(group),
        Some(AuditedFor::ApiOf(key)) => {
            get::<Api>(cx.tx, &cx.caller.organisation, &key).await?.map(|kept| kept.thing.group)
        }
    })
}

/// # Errors
/// Those of the store.
pub async fn is_used(
    cx: &mut Context<'_>,
    table: &'static Table,
    column: &'static str,
    id: &str,
) -> Result<bool, Refusal> {
    let conditions = [Condition::Is(column, id.to_owned())];
    Ok(cx.tx.count(table, &cx.caller.organisation, &conditions).await? > 0)
}

/// Every one of the organisation, by its identifier.
///
/// # Errors
/// Those of the store.
pub async fn all<T: Record>(cx: &mut Context<'_>) -> Result<BTreeMap<String, Kept<T>>, Refusal> {
    let mut all = BTreeMap::new();
    let mut query = Query { limit: CHUNK, ..Query::default() };
    loop {
        let things = list::<T>(cx.tx, &cx.caller.organisation, &query).await?;
        query.after = things.last().map(|last| last.thing.id());
        all.extend(things.into_iter().map(|kept| (kept.thing.id(), kept)));
        if query.after.is_none() {
            return Ok(all);
        }
    }
}

/// That each word of a search is a part of the column.
///
/// # Errors
/// More than anybody searches for.
pub fn has_words(column: &'static str, name: &str, value: &str) -> Result<Condition, Refusal> {
    if value.chars().count() > 200 || value.contains(char::is_control) {
        return wrong_query(name, "must have at most 200 characters, none of them a control character");
    }
    let folded = crate::domain::text::folded(value);
    Ok(Condition::All(folded.split_whitespace().map(|word| Condition::Contains(column, word.to_owned())).collect()))
}
