//! What a task of a client is about, and what is to be done for it at the provider.

use std::borrow::Cow;

use crate::domain::application::Application;
use crate::domain::client::AppClient;
use crate::domain::orphan::OrphanCause;
use crate::domain::provider::{DcrSettings, Management, Provider};
use crate::domain::refusal::Refusal;
use crate::domain::registration::Registration;
use crate::domain::task::QueuedTask;
use crate::use_case::client_tasks::enqueue_for_orphan;
use crate::use_case::client_updating::Updating;
use crate::use_case::context::Context;
use crate::use_case::orphans::{found, note};
use crate::use_case::record::{Kept, get, lock};
use crate::use_case::registrar::{ClientCredentials, KeptSecrets, Managed};

/// What is to be done at the provider.
#[derive(Clone, Debug)]
pub enum Doing {
    Register(Box<Registration>),
    Verify {
        credentials: ClientCredentials,
        scopes: Vec<String>,
    },
    /// Another secret, where they overlap.
    AddSecret {
        client_id: String,
        number: u32,
    },
    KeepSecrets {
        client_id: String,
        kept: KeptSecrets,
    },
    Update(Box<Updating>),
    /// What a client is that is to be deleted.
    Ask(Managed),
    Delete(Managed),
    /// Clients with this marker are looked for and deleted.
    Search {
        marker: String,
    },
}

/// All that a task is about, locked in the order of kinds.
pub(super) struct Scene {
    pub provider: Kept<Provider>,
    pub application: Application,
    pub client: Kept<AppClient>,
    pub task: Kept<QueuedTask>,
}

impl Scene {
    /// `None` when something of it is not there: nobody can try it then.
    pub(super) async fn of(cx: &mut Context<'_>, id: &str) -> Result<Option<Self>, Refusal> {
        let organisation = cx.caller.organisation.as_str();
        let Some(task) = get::<QueuedTask>(cx.tx, organisation, id).await? else { return Ok(None) };
        let (Some(client), Some(provider)) = (task.thing.client, task.thing.provider) else { return Ok(None) };
        let Some(application) = get::<AppClient>(cx.tx, organisation, &client).await? else { return Ok(None) };
        let provider = lock::<Provider>(cx.tx, organisation, &provider).await?;
        let application = lock::<Application>(cx.tx, organisation, &application.thing.application).await?;
        let client = lock::<AppClient>(cx.tx, organisation, &client).await?;
        let task = lock::<QueuedTask>(cx.tx, organisation, id).await?;
        let (Some(provider), Some(application)) = (provider, application) else { return Ok(None) };
        let (Some(client), Some(task)) = (client, task) else { return Ok(None) };
        Ok(Some(Self { provider, application: application.thing, client, task }))
    }

    pub(super) fn settings(&self) -> DcrSettings {
        self.provider.thing.registering().map(Cow::into_owned).unwrap_or_default()
    }

    /// The marker of a registration whose end is not known goes to the orphans, and is looked for where that is possible.
    pub(super) async fn disown(&mut self, cx: &mut Context<'_>, client_id: Option<String>) -> Result<(), Refusal> {
        let Some(marker) = self.task.thing.marker.take() else { return Ok(()) };
        let mut orphan = found(cx, &self.provider.thing.id, &self.client.thing.id, OrphanCause::Unknown);
        (orphan.marker, orphan.client_id) = (Some(marker), client_id);
        let orphan = note(cx, orphan).await?.thing;
        let settings = self.settings();
        let is_found = orphan.client_id.is_some() || settings.search_parameter.is_some();
        if is_found && settings.deletes() && settings.management == Management::Credential {
            enqueue_for_orphan(cx, &orphan.id, (&self.client.thing.id, &self.provider.thing.id)).await?;
        }
        Ok(())
    }
}
