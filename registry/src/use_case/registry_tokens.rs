//! Registry tokens.

use std::time::Duration;

use serde_json::Value;

use crate::domain::group::Group;
use crate::domain::principal::{Caller, Principal, Role};
use crate::domain::refusal::Refusal;
use crate::domain::registry_token::RegistryToken;
use crate::domain::text::{Lines, MAX_TITLE, checked};
use crate::domain::time::Time;
use crate::domain::token_text::{REGISTRY_PREFIX, hash_of, token_of};
use crate::use_case::context::Context;
use crate::use_case::gateway_tokens::EXACT_TO;
use crate::use_case::keeping::{Catalogued, admin, auditor, find, hold, is_held, json, make, page, remove};
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, find as find_by, lock, note};
use crate::use_case::shown::{Asked, Deleted, Page, Shown};
use crate::use_case::store::{StoreError, Table, Transaction};
use crate::use_case::tables::REGISTRY_TOKENS;

/// Longest that one is valid.
const MAX_VALID: Duration = Duration::from_secs(366 * 86_400);

impl Record for RegistryToken {
    const TABLE: &'static Table = &REGISTRY_TOKENS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.hash.clone())]
    }
}

impl Catalogued for RegistryToken {
    const KIND: &'static str = "token";

    fn audited(&self) -> Result<Value, Refusal> {
        json(self.view())
    }

    /// They never change.
    fn touch(&mut self, _: Time) {}
}

/// Makes one, and says what it is: the only time that anybody learns it.
///
/// # Errors
/// A name, roles or a time that cannot be, as members of a body; no permission; those of the store.
pub async fn create(
    cx: &mut Context<'_>,
    name: Option<&str>,
    roles: &[Role],
    valid: Duration,
) -> Result<(String, RegistryToken), Refusal> {
    admin(&Reach::of(cx.tx, cx.caller).await?)?;
    let name = checked(name.unwrap_or("token"), Lines::One, &(1..=MAX_TITLE));
    let name = name.map_err(|fault| Refusal::invalid("/name", fault))?;
    if roles.is_empty() {
        return Err(Refusal::invalid("/roles", "must have at least one role"));
    }
    for role in roles {
        if let Role::In { group, .. } = role
            && !is_held::<Group>(cx, group).await?
        {
            return Err(Refusal::invalid("/roles", format!("there is no group {group}")));
        }
    }
    if valid.is_zero() || valid > MAX_VALID {
        return Err(Refusal::invalid("/expires", "must be more than nothing and at most 366d"));
    }
    let mut bits = [0; 32];
    cx.randomness.fill(&mut bits);
    let text = token_of(REGISTRY_PREFIX, bits);
    let token = RegistryToken {
        id: cx.randomness.id(cx.now),
        name,
        roles: roles.iter().map(ToString::to_string).collect(),
        hash: hash_of(REGISTRY_PREFIX, &text).ok_or(Refusal::Internal)?,
        created_by: cx.caller.principal.to_string(),
        expires_at: cx.now.plus(valid),
        last_used_at: None,
        created_at: cx.now,
    };
    Ok((text, make(cx, token).await?.thing))
}

/// # Errors
/// There is none for the caller; those of the store.
pub async fn get(cx: &mut Context<'_>, id: &str) -> Result<Shown, Refusal> {
    auditor(&Reach::of(cx.tx, cx.caller).await?)?;
    let kept = find::<RegistryToken>(cx, id).await?;
    Ok(Shown { value: json(kept.thing.view())?, revision: kept.revision })
}

/// # Errors
/// Those of the store.
pub async fn list(cx: &mut Context<'_>, asked: &Asked) -> Result<Page, Refusal> {
    if !Reach::of(cx.tx, cx.caller).await?.audits_all() {
        return Ok(Page::default());
    }
    let (tokens, next) = page::<RegistryToken>(cx, asked, Vec::new()).await?;
    Ok(Page { items: tokens.iter().map(|kept| json(kept.thing.view())).collect::<Result<_, _>>()?, next })
}

/// It ends at once.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn delete(cx: &mut Context<'_>, id: &str) -> Result<Deleted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    auditor(&reach)?;
    let kept = hold::<RegistryToken>(cx, id).await?;
    admin(&reach)?;
    remove(cx, &kept).await
}

/// Who calls with this token, while it is valid, and whether its use is worth a note.
///
/// # Errors
/// Those of the store.
pub async fn caller_of(tx: &mut dyn Transaction, token: &str, now: Time) -> Result<Option<(Caller, bool)>, StoreError> {
    let Some(hash) = hash_of(REGISTRY_PREFIX, token) else { return Ok(None) };
    let Some(Kept { organisation, thing, .. }) = find_by::<RegistryToken>(tx, "hash", &hash).await? else {
        return Ok(None);
    };
    if now >= thing.expires_at {
        return Ok(None);
    }
    let is_due = thing.last_used_at.is_none_or(|last| now.since(last) >= EXACT_TO);
    let roles = thing.roles.iter().filter_map(|role| Role::parse(role)).collect();
    Ok(Some((Caller { principal: Principal::Token(thing.id), organisation, roles }, is_due)))
}

/// Notes that it was used.
///
/// # Errors
/// Those of the store.
pub async fn note_use(tx: &mut dyn Transaction, caller: &Caller, now: Time) -> Result<(), StoreError> {
    let Principal::Token(id) = &caller.principal else { return Ok(()) };
    if let Some(mut kept) = lock::<RegistryToken>(tx, &caller.organisation, id).await? {
        kept.thing.last_used_at = Some(now);
        note(tx, &kept).await?;
    }
    Ok(())
}
