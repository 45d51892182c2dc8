//! Tokens of gateways, and what is noted of their polls.

use std::time::Duration;

use serde_json::json as object;

use crate::domain::gateway::{Gateway, GatewayToken, NewGatewayToken};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::domain::token_text::{GATEWAY_PREFIX, hash_of, token_of};
use crate::use_case::audit::{Change, record};
use crate::use_case::context::Context;
use crate::use_case::gateways::{held, tokens_of};
use crate::use_case::keeping::{find, json};
use crate::use_case::record::{Kept, find as find_by, get, insert, lock, note, update};
use crate::use_case::shown::{Deleted, Shown};
use crate::use_case::store::{StoreError, Transaction};
use crate::use_case::tables::GATEWAY_TOKENS;

/// Valid tokens of one gateway: an old one and its successor.
const MAX_TOKENS: usize = 2;
/// How exact it is when something was last used.
pub const EXACT_TO: Duration = Duration::from_secs(60);

/// Makes one. This answer alone has the token.
///
/// # Errors
/// There is no such gateway for the caller; no permission; it has two; those of the store.
pub async fn create(cx: &mut Context<'_>, gateway: &str) -> Result<Shown, Refusal> {
    let mut gateway = held(cx, gateway).await?;
    if tokens_of(cx, &gateway.thing.id).await?.len() >= MAX_TOKENS {
        return Err(Refusal::LimitReached("a gateway has at most two tokens"));
    }
    let mut bits = [0; 32];
    cx.randomness.fill(&mut bits);
    let text = token_of(GATEWAY_PREFIX, bits);
    let token = GatewayToken {
        id: cx.randomness.id(cx.now),
        gateway: gateway.thing.id.clone(),
        hash: hash_of(GATEWAY_PREFIX, &text).ok_or(Refusal::Internal)?,
        created_at: cx.now,
        last_used_at: None,
    };
    let kept = insert(cx.tx, &cx.caller.organisation, token).await?;
    changed(cx, &mut gateway, "gateway_token.create", &kept.thing).await?;
    let value = json(NewGatewayToken { id: kept.thing.id, token: text })?;
    Ok(Shown { value, revision: kept.revision })
}

/// It ends at once.
///
/// # Errors
/// There is none for the caller; no permission; those of the store.
pub async fn delete(cx: &mut Context<'_>, gateway: &str, id: &str) -> Result<Deleted, Refusal> {
    let mut gateway = held(cx, gateway).await?;
    let token = find::<GatewayToken>(cx, id).await?.thing;
    if token.gateway != gateway.thing.id {
        return Err(Refusal::NotFound);
    }
    cx.tx.delete(&GATEWAY_TOKENS, &cx.caller.organisation, id).await?;
    changed(cx, &mut gateway, "gateway_token.delete", &token).await?;
    Ok(Deleted::Gone)
}

/// The gateway shows its tokens: it is another one now.
async fn changed(
    cx: &mut Context<'_>,
    gateway: &mut Kept<Gateway>,
    action: &'static str,
    token: &GatewayToken,
) -> Result<(), Refusal> {
    gateway.thing.updated_at = cx.now;
    update(cx.tx, gateway).await?;
    let (is_new, value) = (action.ends_with("create"), object!({ "id": token.id, "gateway": token.gateway }));
    let (before, after) = if is_new { (None, Some(value)) } else { (Some(value), None) };
    let groups = [None, None];
    record(cx, Change { action, kind: "gateway_token", id: &token.id, groups, reason: None, before, after }).await
}

/// Whose token it is, in whatever organisation.
///
/// # Errors
/// Those of the store.
pub async fn gateway_of(tx: &mut dyn Transaction, token: &str) -> Result<Option<(String, Kept<Gateway>)>, StoreError> {
    let Some(hash) = hash_of(GATEWAY_PREFIX, token) else { return Ok(None) };
    let Some(token) = find_by::<GatewayToken>(tx, "hash", &hash).await? else { return Ok(None) };
    let gateway = get::<Gateway>(tx, &token.organisation, &token.thing.gateway).await?;
    Ok(gateway.map(|gateway| (token.thing.id, gateway)))
}

/// Whether a poll at `now` is worth a note: the last one is a minute old.
pub fn is_due(gateway: &Gateway, now: Time) -> bool {
    gateway.last_poll_at.is_none_or(|last| now.since(last) >= EXACT_TO)
}

/// Notes a poll that was answered with this position.
///
/// # Errors
/// Those of the store.
pub async fn note_poll(
    tx: &mut dyn Transaction,
    organisation: &str,
    (gateway, token): (&str, &str),
    position: i64,
    now: Time,
) -> Result<(), StoreError> {
    if let Some(mut kept) = lock::<Gateway>(tx, organisation, gateway).await? {
        kept.thing.last_poll_at = Some(now);
        kept.thing.last_position = Some(position);
        note(tx, &kept).await?;
    }
    if let Some(mut kept) = lock::<GatewayToken>(tx, organisation, token).await? {
        kept.thing.last_used_at = Some(now);
        note(tx, &kept).await?;
    }
    Ok(())
}
