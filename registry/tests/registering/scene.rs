//! A provider where clients are registered, an application, and workers that stop where they are told.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tessera_registry::domain::client::{AppClient, ClientStatus};
use tessera_registry::domain::contract_action::ContractAction;
use tessera_registry::domain::orphan::Orphan;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::task::QueuedTask;
use tessera_registry::use_case::client_calls::{Callers, Ended, call};
use tessera_registry::use_case::client_ends::conclude;
use tessera_registry::use_case::client_work::{Taken, take};
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::deliveries::Due;
use tessera_registry::use_case::due_pass::DuePass;
use tessera_registry::use_case::record::list;
use tessera_registry::use_case::shown::{Expected, Shown};
use tessera_registry::use_case::store::{Query, Store};
use tessera_registry::use_case::{clients, providers, tiers};

use crate::model::Model;
use crate::tenant::Tenant;
use crate::world::{World, admin, developer, object, owner, text};

pub struct Scene {
    pub world: World,
    pub model: Model,
    /// Asked instead of the model, where there is one.
    pub tenant: Option<Tenant>,
    pub application: String,
    pub contract: String,
}

impl Scene {
    /// One on each kind of database, with a request that nobody has approved.
    pub async fn each(more: Value) -> Vec<Self> {
        let mut scenes = Vec::new();
        for world in World::each().await {
            let mut provider = object(json!({"id": "idp", "kind": "dcr", "issuer": "https://idp.example",
                "auth_methods": ["private_key_jwt", "client_secret_basic"]}));
            provider.extend(object(more.clone()));
            scenes.push(Self::of(world, provider, None).await);
        }
        scenes
    }

    /// As [`Self::approved`], at a tenant of Entra ID.
    pub async fn approved_at_entra(more: Value) -> Vec<Self> {
        let mut scenes = Vec::new();
        for world in World::each().await {
            let tenant = Tenant::start();
            let mut provider = tenant.provider();
            provider.extend(object(more.clone()));
            let scene = Self::of(world, provider, Some(tenant)).await;
            scene.approve().await;
            scenes.push(scene);
        }
        scenes
    }

    async fn of(world: World, provider: Map<String, Value>, tenant: Option<Tenant>) -> Self {
        world.act(&admin(), async |cx| providers::create(cx, &provider).await).await.unwrap();
        let tier = object(json!({"id": "scoped", "scopes": ["a", "b"]}));
        world.act(&admin(), async |cx| tiers::create(cx, ("prod", "orders"), &tier).await).await.unwrap();
        let application = world.application(&developer()).await.unwrap();
        let contract = world.request(&developer(), &application, "scoped").await.unwrap();
        let contract = text(&contract, "id").to_owned();
        Self { world, model: Model::default(), tenant, application, contract }
    }

    /// As [`Self::each`], with the approval.
    pub async fn approved(more: Value) -> Vec<Self> {
        let scenes = Self::each(more).await;
        for scene in &scenes {
            scene.approve().await;
        }
        scenes
    }

    pub async fn approve(&self) {
        self.world.contract(&owner(), &self.contract, ContractAction::Approve, json!({})).await.unwrap();
    }

    pub async fn create(&self, body: Value) -> Result<Shown, Refusal> {
        let mut body = object(body);
        body.insert("provider".into(), json!("idp"));
        let create = async |cx: &mut Context<'_>| clients::create(cx, &self.application, &body).await;
        self.world.act(&developer(), create).await
    }

    /// A client that waits for its registration.
    pub async fn new_client(&self) -> String {
        text(&self.create(json!({})).await.unwrap(), "id").to_owned()
    }

    pub async fn client(&self, id: &str) -> Value {
        self.world.act(&admin(), async |cx| clients::get(cx, id).await).await.unwrap().value
    }

    pub async fn delete(&self, id: &str) {
        self.world.act(&developer(), async |cx| clients::delete(cx, id, &Expected::Any).await).await.unwrap();
    }

    pub async fn change(&self, id: &str, body: Value) -> Result<Shown, Refusal> {
        let body = object(body);
        self.world.act(&developer(), async |cx| clients::patch(cx, id, &Expected::Any, &body).await).await
    }

    pub async fn secret(&self, id: &str) -> Result<Value, Refusal> {
        let body = object(json!({}));
        self.world.act(&developer(), async |cx| clients::secret(cx, id, &body).await).await.map(|shown| shown.value)
    }

    /// The first task that may be tried.
    pub async fn taken(&self) -> Option<Taken> {
        let mut pass = DuePass::default();
        loop {
            let page = pass.page(self.world.background(), &[]).await.unwrap();
            if page.is_empty() {
                return None;
            }
            for due in page {
                if !pass.may_take(self.world.background(), &due).await.unwrap() {
                    continue;
                }
                if let Some(taken) = take(self.world.background(), &due).await.unwrap() {
                    return Some(taken);
                }
            }
        }
    }

    /// What is due and comes first.
    pub async fn due(&self) -> Vec<Due> {
        DuePass::default().page(self.world.background(), &[]).await.unwrap()
    }

    pub async fn called(&self, taken: &Taken) -> Ended {
        match &self.tenant {
            Some(tenant) => call(tenant.callers(), taken).await,
            None => call(Callers { registrar: &self.model, judge: &self.model }, taken).await,
        }
    }

    pub async fn concluded(&self, taken: &Taken, ended: Ended) {
        let caller = tessera_registry::domain::principal::Caller::system("default");
        conclude(self.world.background(), &caller, taken, ended).await.unwrap();
    }

    /// Tries what is due until nothing is.
    pub async fn work(&self) {
        while let Some(taken) = self.taken().await {
            let ended = self.called(&taken).await;
            self.concluded(&taken, ended).await;
        }
    }

    /// Lets time pass until no task is left.
    pub async fn settle(&self) {
        self.rest().await;
        self.is_whole().await;
    }

    pub async fn rest(&self) {
        for _ in 0..50 {
            self.work().await;
            if self.open_tasks().await.is_empty() {
                return;
            }
            self.world.pass(Duration::from_secs(400));
        }
        panic!("somebody waits for ever: {:?}", self.open_tasks().await);
    }

    pub async fn open_tasks(&self) -> Vec<QueuedTask> {
        let tasks = self.tasks().await;
        tasks.into_iter().filter(|task| !task.has_ended()).collect()
    }

    pub async fn tasks(&self) -> Vec<QueuedTask> {
        self.all().await
    }

    pub async fn orphans(&self) -> Vec<Orphan> {
        self.all().await
    }

    async fn all<T: tessera_registry::use_case::record::Record>(&self) -> Vec<T> {
        let mut tx = self.world.store.read().await.unwrap();
        let query = Query { limit: 1000, ..Query::default() };
        list::<T>(tx.as_mut(), "default", &query).await.unwrap().into_iter().map(|kept| kept.thing).collect()
    }

    pub async fn is_whole(&self) {
        self.all_known().await;
        self.world.audited().await;
    }

    /// Every client at the server is known here, or may be one of the orphans; every live client is at the server; and
    /// the feed has those that are live.
    pub async fn all_known(&self) {
        let clients = self.clients().await;
        let orphans = self.orphans().await;
        let at_server = match &self.tenant {
            Some(tenant) => tenant.applications(&clients),
            None => self.model.names(),
        };
        let registered: BTreeSet<&str> = clients
            .iter()
            .filter_map(|client| client.registered.as_ref())
            .map(|registered| registered.client_id.as_str())
            .collect();
        for (id, name) in &at_server {
            let is_orphan = orphans.iter().any(|orphan| {
                orphan.client_id.as_ref() == Some(id)
                    || orphan.marker.as_ref().is_some_and(|marker| name.ends_with(&format!(" t-{marker}")))
            });
            assert!(registered.contains(id.as_str()) || is_orphan, "{id} is nobody's: {orphans:?}");
        }
        let mut rows: Vec<String> = self.world.rows().await.into_iter().map(|(_, id)| id).collect();
        let holds = clients.iter().filter(|client| client.status.holds_contracts() && !client.brought);
        let mut live: Vec<String> = holds.map(|client| client.gateway_client_id.clone().unwrap()).collect();
        live.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows, live);
        assert!(live.iter().all(|id| at_server.iter().any(|(known, _)| known == id)));
        for client in &clients {
            let is_final = !matches!(client.status, ClientStatus::Deleting);
            assert!(is_final, "{client:?}");
        }
    }

    pub async fn clients(&self) -> Vec<AppClient> {
        self.all().await
    }
}
