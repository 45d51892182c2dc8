//! Proof that an application has a client: an access token that the client's provider says is that client's.
//!
//! A provider is asked outside of transactions: [`to_prove`] says what to ask, [`prove`] takes what was said.

use std::fmt;

use crate::domain::members::{Members, Object};
use crate::domain::principal::Duty;
use crate::domain::provider::Provider;
use crate::domain::reader::text;
use crate::domain::refusal::Refusal;
use crate::use_case::application_access::readable_application;
use crate::use_case::client_access::{readable_client, shown_client, writable_client};
use crate::use_case::client_life::go_live;
use crate::use_case::context::Context;
use crate::use_case::keeping::{find, is_held};
use crate::use_case::permission::Reach;
use crate::use_case::ports::Proof;
use crate::use_case::shown::Shown;

/// Longest token that is looked at, in characters.
const MAX_TOKEN: usize = 64 << 10;

/// What a provider is to be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofWanted {
    pub provider: Provider,
    pub access_token: String,
}

impl fmt::Debug for ProofWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofWanted").field("provider", &self.provider.id).finish_non_exhaustive()
    }
}

/// # Errors
/// There is none for the caller; no permission; faults of the body; another state; a provider that cannot be asked;
/// those of the store.
pub async fn to_prove(cx: &mut Context<'_>, id: &str, body: &Object) -> Result<ProofWanted, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let client = readable_client(cx, &reach, id).await?;
    let group = readable_application(cx, &reach, &client.thing.application).await?.thing.group;
    if !reach.has(&group, &[Duty::Developer]) {
        return Err(Refusal::Forbidden);
    }
    let (mut members, mut access_token) = (Members::of_new(body), String::new());
    members.required("access_token", &mut access_token, text(1..=MAX_TOKEN));
    members.finish()?;
    if !client.thing.waits_for_proof() {
        let (current, allowed) = (client.thing.status.word(), client.thing.possible());
        return Err(Refusal::Transition { current, allowed });
    }
    let provider = find::<Provider>(cx, &client.thing.provider).await?.thing;
    if provider.issuer.is_none() {
        return Err(Refusal::NotSupported("the provider has no issuer that could be asked: an admin can confirm"));
    }
    Ok(ProofWanted { provider, access_token })
}

/// # Errors
/// There is none for the caller; no permission; a token that proves nothing; another state; a provider that did not
/// answer; those of the store.
pub async fn prove(cx: &mut Context<'_>, id: &str, proof: Proof) -> Result<Shown, Refusal> {
    let reach = Reach::of(cx.tx, cx.caller).await?;
    let provider = readable_client(cx, &reach, id).await?.thing.provider;
    is_held::<Provider>(cx, &provider).await?;
    let (mut kept, application) = writable_client(cx, &reach, id).await?;
    match proof {
        Proof::Unknown => return Err(Refusal::ProviderUnavailable(provider)),
        Proof::Nothing(why) => return Err(Refusal::invalid("/access_token", why)),
        Proof::Of { client_id, .. } if kept.thing.client_id.as_ref() != Some(&client_id) => {
            return Err(Refusal::invalid("/access_token", "is another client's"));
        }
        Proof::Of { scopes: Some(got), .. }
            if !kept.thing.brought && got.iter().any(|scope| !kept.thing.scopes.contains(scope)) =>
        {
            return Err(Refusal::invalid("/access_token", "has scopes that were not asked for"));
        }
        Proof::Of { .. } => {}
    }
    if !kept.thing.waits_for_proof() {
        let (current, allowed) = (kept.thing.status.word(), kept.thing.possible());
        return Err(Refusal::Transition { current, allowed });
    }
    go_live(cx, application, &mut kept, None).await?;
    shown_client(&reach, &kept)
}
