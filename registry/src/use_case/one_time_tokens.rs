//! The pools of one-time tokens. Whoever reads or changes one has locked its provider, so that no token is taken twice.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::domain::fault::Fault;
use crate::domain::members::{Members, Object};
use crate::domain::provider::{MAX_ONE_TIME, OneTimeToken, Provider, given_tokens, one_time_place};
use crate::domain::refusal::Refusal;
use crate::use_case::audit::{Change, record};
use crate::use_case::client_tasks::wake_lacking;
use crate::use_case::context::Context;
use crate::use_case::holdings::every;
use crate::use_case::keeping::{admin, hold, json, member};
use crate::use_case::open_provider::sealed_place;
use crate::use_case::permission::Reach;
use crate::use_case::record::{Kept, Record, insert, list, lock};
use crate::use_case::shown::Shown;
use crate::use_case::store::{Condition, Query, Table};
use crate::use_case::tables::ONE_TIME_TOKENS;

/// Statuses with which a provider says that it has not looked at a request, or not at its token.
const NOT_USED: [u16; 4] = [408, 425, 429, 503];

impl Record for OneTimeToken {
    const TABLE: &'static Table = &ONE_TIME_TOKENS;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![Some(self.provider.clone())]
    }
}

/// One that was taken out of its pool.
#[derive(Clone, Debug)]
pub struct TakenToken {
    kept: OneTimeToken,
    /// Where it was to be sent; nowhere else.
    endpoint: Option<String>,
    pub token: SecretString,
}

fn of(provider: &str) -> Condition {
    Condition::Is("provider", provider.to_owned())
}

fn endpoint(provider: &Provider) -> Option<&String> {
    provider.registration.as_ref().and_then(|settings| settings.endpoint.as_ref())
}

/// The provider in full, with what its pool has left.
///
/// # Errors
/// Those of the store.
pub async fn full_view(cx: &mut Context<'_>, provider: &Provider) -> Result<Value, Refusal> {
    let mut view = provider.view();
    if let (true, Some(settings)) = (provider.takes_one_time_tokens(), &mut view.registration) {
        let left = cx.tx.count(&ONE_TIME_TOKENS, &cx.caller.organisation, &[of(&provider.id)]).await?;
        settings.authorization.one_time_left = Some(left);
    }
    json(view)
}

/// Adds tokens to the pool of a provider; tasks that wait for one go on.
///
/// # Errors
/// There is no such provider for the caller; no permission; faults of the body; a provider that takes none; more than
/// a pool has; those of the store.
pub async fn add(cx: &mut Context<'_>, provider: &str, body: &Object) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    member(&reach)?;
    let provider = hold::<Provider>(cx, provider).await?;
    admin(&reach)?;
    let mut members = Members::of_new(body);
    let tokens = given_tokens(&mut members);
    let pool = every::<OneTimeToken>(cx, vec![of(&provider.thing.id)]).await?;
    let known: Vec<Vec<u8>> = pool.iter().filter_map(|kept| open(cx, &kept.thing)).collect();
    let again = tokens.iter().enumerate().filter(|(_, token)| known.iter().any(|one| one == token.as_bytes()));
    let again: Vec<Fault> = again.map(|(index, _)| Fault::new(format!("/{index}"), "is in the pool already")).collect();
    members.take("tokens", if again.is_empty() { Ok(()) } else { Err(again) });
    members.finish()?;
    if !provider.thing.takes_one_time_tokens() {
        return Err(Refusal::NotSupported("this provider takes no one-time tokens: its `authorization` is another"));
    }
    if pool.len().saturating_add(tokens.len()) > MAX_ONE_TIME {
        return Err(Refusal::LimitReached("a pool has at most 1000 one-time tokens"));
    }
    let before = full_view(cx, &provider.thing).await?;
    let mut ids: Vec<String> = tokens.iter().map(|_| cx.randomness.id(cx.now)).collect();
    // Those of one moment ascend by chance only: the first that is given is used first.
    ids.sort_unstable();
    for (token, id) in tokens.iter().zip(ids) {
        let place = sealed_place(&cx.caller.organisation, &one_time_place(&id));
        let token = cx.sealing.seal(token.as_bytes(), &place, cx.randomness);
        let kept = OneTimeToken { id, provider: provider.thing.id.clone(), token, created_at: cx.now };
        insert(cx.tx, &cx.caller.organisation, kept).await?;
    }
    wake_lacking(cx, &provider.thing.id, tokens.len()).await?;
    let value = full_view(cx, &provider.thing).await?;
    let (action, kind, id) = ("provider.add_tokens", "provider", provider.thing.id.as_str());
    let (groups, before, after) = ([None, None], Some(before), Some(value.clone()));
    record(cx, Change { action, kind, id, groups, reason: None, before, after }).await?;
    Ok(Shown { value, revision: provider.revision })
}

fn open(cx: &Context<'_>, token: &OneTimeToken) -> Option<Vec<u8>> {
    cx.sealing.open(&token.token, &sealed_place(&cx.caller.organisation, &one_time_place(&token.id)))
}

/// Takes the oldest out of the pool, for good. Why there is none is said to whoever can add some.
///
/// # Errors
/// Those of the store.
pub async fn take_out(cx: &mut Context<'_>, provider: &Provider) -> Result<Result<TakenToken, String>, Refusal> {
    let path = format!("/api/v1/providers/{}/registration-tokens", provider.id);
    let organisation = cx.caller.organisation.as_str();
    let query = Query { conditions: vec![of(&provider.id)], limit: 1, ..Query::default() };
    let first = list::<OneTimeToken>(cx.tx, organisation, &query).await?.pop();
    let Some(kept) = first else { return Ok(Err(format!("no one-time token is left: POST some to {path}"))) };
    // Whoever seals everything anew has it for a moment.
    let Some(kept) = lock::<OneTimeToken>(cx.tx, organisation, &kept.thing.id).await? else {
        return Ok(Err("the next one-time token was gone".to_owned()));
    };
    let Some(token) = open(cx, &kept.thing).and_then(|open| String::from_utf8(open).ok()) else {
        return Ok(Err("no sealing key opens the next one-time token: configure the key that sealed it".to_owned()));
    };
    cx.tx.delete(&ONE_TIME_TOKENS, organisation, &kept.thing.id).await?;
    Ok(Ok(TakenToken { kept: kept.thing, endpoint: endpoint(provider).cloned(), token: token.into() }))
}

/// Puts one back that was not used: it was not sent, or nobody has looked at it. With 401 or 403 a provider says that it
/// is good for nothing.
///
/// # Errors
/// Those of the store.
pub async fn put_back(
    cx: &mut Context<'_>,
    provider: &Provider,
    taken: &TakenToken,
    status: Option<u16>,
) -> Result<(), Refusal> {
    let is_used = status.is_some_and(|status| !NOT_USED.contains(&status));
    if is_used || !provider.takes_one_time_tokens() || endpoint(provider) != taken.endpoint.as_ref() {
        return Ok(());
    }
    // Somebody may have given it again, or restored a backup that has it.
    let pool = every::<OneTimeToken>(cx, vec![of(&provider.id)]).await?;
    if !has(cx, &pool, taken) {
        insert(cx.tx, &cx.caller.organisation, taken.kept.clone()).await?;
    }
    Ok(())
}

fn has(cx: &Context<'_>, pool: &[Kept<OneTimeToken>], taken: &TakenToken) -> bool {
    let token = taken.token.expose_secret().as_bytes();
    let is_same = |one: &OneTimeToken| one.id == taken.kept.id || open(cx, one).is_some_and(|open| open == token);
    pool.iter().any(|kept| is_same(&kept.thing))
}

/// Empties the pool of a provider that was written as `after` where its tokens would go to somebody else, or nowhere.
///
/// # Errors
/// Those of the store.
pub async fn follow(cx: &mut Context<'_>, before: &Provider, after: &Provider) -> Result<(), Refusal> {
    if before.takes_one_time_tokens() && (!after.takes_one_time_tokens() || endpoint(before) != endpoint(after)) {
        empty(cx, &after.id).await?;
    }
    Ok(())
}

/// Forgets all tokens of a provider.
///
/// # Errors
/// Those of the store.
pub async fn empty(cx: &mut Context<'_>, provider: &str) -> Result<(), Refusal> {
    for kept in every::<OneTimeToken>(cx, vec![of(provider)]).await? {
        cx.tx.delete(&ONE_TIME_TOKENS, &kept.organisation, &kept.thing.id).await?;
    }
    Ok(())
}
