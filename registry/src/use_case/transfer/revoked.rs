//! Tokens that were revoked since a backup was made: they do not come back with it.

use std::collections::BTreeSet;

use crate::domain::gateway::GatewayToken;
use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::registry_token::RegistryToken;
use crate::use_case::context::Context;
use crate::use_case::keeping::{hold, remove};
use crate::use_case::record::all;
use crate::use_case::store::{Condition, Query, StoreError, Stored, Transaction};
use crate::use_case::tables::{AUDIT_ENTRIES, ORGANISATIONS};
use crate::use_case::{gateway_tokens, gateways};

/// Entries that are read at once.
const PAGE: u32 = 1000;
/// A gateway that goes takes its tokens with it.
const ENDS: [&str; 3] = ["token.delete", "gateway_token.delete", "gateway.delete"];

/// Organisations, and subjects of the audit there.
type Subjects = BTreeSet<(String, String)>;

/// Whose end the audit tells of. Entries that were spoilt are no reason not to restore: only their columns are read.
///
/// # Errors
/// Those of the store.
pub(super) async fn revoked(tx: &mut dyn Transaction) -> Result<Subjects, StoreError> {
    let mut subjects = Subjects::new();
    for Stored { organisation, .. } in all(tx, &ORGANISATIONS).await? {
        let conditions = vec![Condition::IsIn("action", ENDS.map(str::to_owned).into())];
        let mut query = Query { conditions, limit: PAGE, ..Query::default() };
        loop {
            let entries = tx.list(&AUDIT_ENTRIES, &organisation, &query).await?;
            let Some(last) = entries.last() else { break };
            query.after = Some(last.id.clone());
            let named = entries.into_iter().filter_map(|entry| entry.columns.into_iter().next().flatten());
            subjects.extend(named.map(|subject| (organisation.clone(), subject)));
        }
    }
    Ok(subjects)
}

/// Ends those that are there again, and says how many.
///
/// # Errors
/// Those of the store.
pub(super) async fn end(cx: &mut Context<'_>, revoked: &Subjects) -> Result<u64, Refusal> {
    let mut ended = 0;
    for (organisation, subject) in revoked {
        let caller = Caller::system(organisation.clone());
        let inner = &mut Context { tx: &mut *cx.tx, caller: &caller, ..*cx };
        let done = match subject.split_once(':') {
            Some(("token", id)) => token(inner, id).await,
            Some(("gateway_token", id)) => gateway_token(inner, id).await,
            Some(("gateway", id)) => tokens_of(inner, id).await,
            _ => Ok(0),
        };
        match done {
            Ok(number) => ended += number,
            // The backup is from before it was made.
            Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(ended)
}

async fn token(cx: &mut Context<'_>, id: &str) -> Result<u64, Refusal> {
    let kept = hold::<RegistryToken>(cx, id).await?;
    remove(cx, &kept).await.map(|_| 1)
}

async fn gateway_token(cx: &mut Context<'_>, id: &str) -> Result<u64, Refusal> {
    let kept = hold::<GatewayToken>(cx, id).await?;
    gateway_tokens::delete(cx, &kept.thing.gateway, id).await.map(|_| 1)
}

async fn tokens_of(cx: &mut Context<'_>, gateway: &str) -> Result<u64, Refusal> {
    let mut ended = 0;
    for kept in gateways::tokens_of(cx, gateway).await? {
        gateway_tokens::delete(cx, gateway, &kept.thing.id).await?;
        ended += 1;
    }
    Ok(ended)
}
