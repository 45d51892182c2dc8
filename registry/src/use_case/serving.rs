//! What follows when a provider serves other environments than before: contracts gain or lose their clients, and clients
//! that wait for an approval may have one.

use std::collections::BTreeSet;

use crate::domain::application::Application;
use crate::domain::client::{AppClient, ClientStatus};
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::use_case::client_registration::wake;
use crate::use_case::context::Context;
use crate::use_case::holdings::{Holdings, every};
use crate::use_case::keeping::hold;
use crate::use_case::publishing::Publication;
use crate::use_case::store::Condition;

/// Locks those of the providers, each as it is and as it will be, that will serve other environments, so that no client
/// of theirs becomes live meanwhile; then all applications that have live ones, or such as wait: before anything is written, and providers
/// before applications, as whoever changes a client or a contract does.
///
/// # Errors
/// Those of the store.
pub async fn prepare(cx: &mut Context<'_>, changes: &[(&Provider, &Provider)]) -> Result<(), Refusal> {
    let moved = |(before, after): &(&Provider, &Provider)| before.environments != after.environments;
    let moved: BTreeSet<&String> =
        changes.iter().filter(|change| moved(change)).map(|(before, _)| &before.id).collect();
    for provider in &moved {
        hold::<Provider>(cx, provider).await?;
    }
    let mut holders = BTreeSet::new();
    for provider in moved {
        holders.extend(applications(cx, provider).await?);
    }
    for application in holders {
        hold::<Application>(cx, &application).await?;
    }
    Ok(())
}

async fn applications(cx: &mut Context<'_>, provider: &str) -> Result<BTreeSet<String>, Refusal> {
    let concerned = [ClientStatus::Pending, ClientStatus::Live, ClientStatus::Retiring];
    let concerned = concerned.map(|status| status.word().to_owned());
    let of_this = Condition::Is("provider", provider.to_owned());
    let clients = every::<AppClient>(cx, vec![of_this, Condition::IsIn("status", concerned.into())]).await?;
    Ok(clients.into_iter().map(|kept| kept.thing.application).collect())
}

/// Makes contracts and feeds follow a provider that was written as `after`, once it was [prepared](prepare).
///
/// # Errors
/// Those of the store.
pub async fn follow(cx: &mut Context<'_>, before: &Provider, after: &Provider) -> Result<(), Refusal> {
    if before.environments == after.environments {
        return Ok(());
    }
    let mut publication = Publication::default();
    for application in applications(cx, &after.id).await? {
        let application = hold::<Application>(cx, &application).await?.thing;
        wake(cx, &application).await?;
        let mut holdings = Holdings::of(cx, application).await?;
        holdings.assume(before);
        let rows = holdings.rows()?;
        holdings.assume(after);
        holdings.settle(cx).await?;
        publication.add(rows, holdings.rows()?);
    }
    publication.publish(cx).await
}
