//! What a replaced database knew of clients at providers: what the file that replaces it does not know is nobody's there.

use std::collections::BTreeMap;

use crate::domain::client::{AppClient, SecretState};
use crate::domain::orphan::{Orphan, OrphanCause, orphan_place};
use crate::domain::principal::Caller;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::registered::{Registered, token_place};
use crate::domain::task::QueuedTask;
use crate::use_case::client_gone::marker_of;
use crate::use_case::context::Context;
use crate::use_case::open_provider::sealed_place;
use crate::use_case::orphans::{found, note};
use crate::use_case::record::{Record, get, note as note_only, update};
use crate::use_case::store::{StoreError, Transaction};

/// Records that are read at once.
const PAGE: u32 = 500;

/// By organisation and identifier.
type Known<T> = BTreeMap<(String, String), T>;

/// A client as it was.
struct Had {
    provider: String,
    /// What its provider had given; nothing where it was there no more, or not yet.
    registered: Option<Registered>,
    secret: SecretState,
}

pub(super) struct Left {
    clients: Known<Had>,
    /// Markers of registrations whose end is not known, with provider and client.
    markers: Known<(String, String, String)>,
    orphans: Known<Orphan>,
}

/// What cannot be read is no reason not to restore.
///
/// # Errors
/// Those of the store.
pub(super) async fn left(tx: &mut dyn Transaction) -> Result<Left, StoreError> {
    let had = |client: AppClient| {
        let AppClient { provider, secret, registered, .. } = client;
        Some(Had { provider, registered, secret })
    };
    let clients = known(tx, had).await?;
    let markers = known(tx, |task: QueuedTask| Some((task.provider?, task.client?, task.marker?))).await?;
    Ok(Left { clients, markers, orphans: known(tx, Some::<Orphan>).await? })
}

async fn known<R: Record, T>(tx: &mut dyn Transaction, take: impl Fn(R) -> Option<T>) -> Result<Known<T>, StoreError> {
    let (mut known, mut after) = (Known::new(), None::<(String, String)>);
    loop {
        let last = after.as_ref().map(|(organisation, id)| (organisation.as_str(), id.as_str()));
        let page = tx.scan(R::TABLE, last, PAGE).await?;
        let Some(last) = page.last() else { return Ok(known) };
        after = Some((last.organisation.clone(), last.id.clone()));
        for stored in page {
            if let Some(taken) = serde_json::from_str::<R>(&stored.body).ok().and_then(&take) {
                known.insert((stored.organisation, stored.id), taken);
            }
        }
    }
}

/// Has the orphans of the replaced database, and its clients and registrations that the file does not know, among the
/// orphans, and says how many those are. A client that both know keeps the later registration token, and a secret that
/// was shown stays so; one that only the file knows may have had another token since. Nothing is deleted at a provider:
/// another backup may know it.
///
/// # Errors
/// Those of the store.
pub(super) async fn take_over(cx: &mut Context<'_>, left: Left) -> Result<u64, Refusal> {
    let mut orphans = 0;
    for ((organisation, id), orphan) in left.orphans {
        let caller = Caller::system(organisation);
        let inner = &mut Context { tx: &mut *cx.tx, caller: &caller, ..*cx };
        if get::<Orphan>(inner.tx, &caller.organisation, &id).await?.is_none() {
            orphans += add(inner, orphan).await?;
        }
    }
    doubt(cx, &left.clients).await?;
    for ((organisation, id), had) in left.clients {
        let caller = Caller::system(organisation);
        let inner = &mut Context { tx: &mut *cx.tx, caller: &caller, ..*cx };
        orphans += client(inner, &id, had).await?;
    }
    for ((organisation, id), (provider, client, marker)) in left.markers {
        let caller = Caller::system(organisation);
        let inner = &mut Context { tx: &mut *cx.tx, caller: &caller, ..*cx };
        let task = get::<QueuedTask>(inner.tx, &caller.organisation, &id).await?;
        if task.is_none_or(|task| task.thing.marker.as_ref() != Some(&marker)) {
            let blank = found(inner, &provider, &client, OrphanCause::Unknown);
            orphans += add(inner, Orphan { marker: Some(marker), ..blank }).await?;
        }
    }
    Ok(orphans)
}

async fn client(cx: &mut Context<'_>, id: &str, had: Had) -> Result<u64, Refusal> {
    let (organisation, Some(known)) = (cx.caller.organisation.as_str(), had.registered) else { return Ok(0) };
    if let Some(mut kept) = get::<AppClient>(cx.tx, organisation, id).await?
        && let Some(own) = kept.thing.registered.as_mut().filter(|own| own.client_id == known.client_id)
    {
        (own.uri, own.token, own.is_doubtful) = (known.uri, known.token, known.is_doubtful);
        own.secret_digest = known.secret_digest;
        if known.secret.is_none() {
            kept.thing.erase_secret(had.secret, cx.now);
        }
        update(cx.tx, &mut kept).await?;
        return Ok(0);
    }
    let mut orphan = found(cx, &had.provider, id, OrphanCause::Late);
    let place = |place: String| sealed_place(organisation, &place);
    let token = known.token.and_then(|sealed| cx.sealing.open(&sealed, &place(token_place(id))));
    orphan.token = token.map(|token| cx.sealing.seal(&token, &place(orphan_place(&orphan.id)), cx.randomness));
    (orphan.marker, orphan.uri) = (marker_of(&known.metadata), known.uri);
    orphan.client_id = Some(known.client_id);
    add(cx, orphan).await
}

/// Clients of the file whose registration token may be none any more, for all that is known.
async fn doubt(cx: &mut Context<'_>, had: &Known<Had>) -> Result<(), Refusal> {
    let has_token = |client: AppClient| client.registered?.token.map(drop);
    for (place, _) in known(cx.tx, has_token).await? {
        let (organisation, id) = &place;
        if had.contains_key(&place) {
            continue;
        }
        let Some(mut kept) = get::<AppClient>(cx.tx, organisation, id).await? else { continue };
        if let Some(registered) = &mut kept.thing.registered {
            registered.is_doubtful = true;
        }
        note_only(cx.tx, &kept).await?;
    }
    Ok(())
}

/// Where its provider is there, too.
async fn add(cx: &mut Context<'_>, orphan: Orphan) -> Result<u64, Refusal> {
    if get::<Provider>(cx.tx, &cx.caller.organisation, &orphan.provider).await?.is_none() {
        return Ok(0);
    }
    note(cx, orphan).await?;
    Ok(1)
}
