//! Who calls: the holder of a registry token, or of an access token where they are taken.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::domain::organisation::Organisation;
use crate::domain::principal::Caller;
use crate::domain::time::Time;
use crate::domain::token_text::REGISTRY_PREFIX;
use crate::http::problem::HttpProblem;
use crate::http::registry::Registry;
use crate::use_case::record::get;
use crate::use_case::registry_tokens;
use crate::use_case::store::{Store, StoreError};

/// `may_ask`: the authorization server may be asked about an access token.
///
/// # Errors
/// The answer to a caller who is not known; also when that cannot be told now.
pub async fn caller(registry: &Registry, headers: &HeaderMap, may_ask: bool) -> Result<Caller, HttpProblem> {
    let token = bearer_token(headers).ok_or_else(HttpProblem::unauthenticated)?;
    let store = &*registry.outside.store;
    let known = if token.starts_with(REGISTRY_PREFIX) {
        of_registry_token(registry, token).await?
    } else if let Some(access_tokens) = &registry.outside.access_tokens {
        match access_tokens.judge(token, may_ask).await? {
            Some(caller) => Some(settled(store, caller).await?),
            None => None,
        }
    } else {
        None
    };
    known.ok_or_else(HttpProblem::unauthenticated)
}

async fn of_registry_token(registry: &Registry, token: &str) -> Result<Option<Caller>, StoreError> {
    let (store, now) = (&*registry.outside.store, registry.outside.clock.now());
    let known = registry_tokens::caller_of(&mut *store.read().await?, token, now).await?;
    let Some((caller, is_due)) = known else { return Ok(None) };
    if is_due {
        note(registry, caller.clone(), now);
    }
    Ok(Some(caller))
}

/// Beside the request, which needs none of it and waits for no other writer.
fn note(registry: &Registry, caller: Caller, now: Time) {
    if !registry.notes.begin(&caller.principal.to_string(), now) {
        return;
    }
    let store = Arc::clone(&registry.outside.store);
    tokio::spawn(async move {
        let noted = async {
            let mut tx = store.write().await?;
            registry_tokens::note_use(&mut *tx, &caller, now).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, principal = %caller.principal, "the use of a token could not be noted");
        }
    });
}

/// Without roles where his organisation does not exist: an access token may name any.
async fn settled(store: &dyn Store, caller: Caller) -> Result<Caller, StoreError> {
    let mut tx = store.read().await?;
    let organisation = get::<Organisation>(&mut *tx, &caller.organisation, &caller.organisation).await?;
    Ok(if organisation.is_some() { caller } else { Caller { roles: Vec::new(), ..caller } })
}

/// Of the one `Authorization` header (RFC 6750, 2.1).
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(is_known);
    fits.then_some(token)
}
