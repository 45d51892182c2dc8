//! An organisation with an API and callers of each kind.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tessera_registry::domain::contract_action::ContractAction;
use tessera_registry::domain::principal::{Caller, Principal, Role};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::time::Time;
use tessera_registry::domain::webhook::Subscribers;
use tessera_registry::sealing::SealingKeys;
use tessera_registry::store::Database;
use tessera_registry::use_case::background::Background;
use tessera_registry::use_case::context::{Context, Limits};
use tessera_registry::use_case::feed_store::FeedScope;
use tessera_registry::use_case::ports::{Clock, Randomness};
use tessera_registry::use_case::shown::{Asked, Expected, Shown};
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::{
    apis, applications, audit, clients, contracts, environments, groups, organisations, providers, tiers,
};

use crate::database::{TestDatabase, every};

pub struct World {
    pub store: Database,
    pub limits: Limits,
    pub subscribers: Subscribers,
    millis: AtomicU64,
    sealing: SealingKeys,
    _database: TestDatabase,
}

pub struct Dice;

impl Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }

    fn id(&self, _: Time) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

impl Clock for World {
    fn now(&self) -> Time {
        Time::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

pub fn caller(name: &str, roles: &[&str]) -> Caller {
    Caller {
        principal: Principal::User(name.to_owned()),
        organisation: "default".to_owned(),
        roles: roles.iter().map(|role| Role::parse(role).unwrap()).collect(),
    }
}

pub fn admin() -> Caller {
    caller("admin", &["admin"])
}

/// Of the group that has the API.
pub fn owner() -> Caller {
    caller("owner", &["apis:owner"])
}

/// Of the group that has the applications.
pub fn developer() -> Caller {
    caller("dev", &["apps:developer"])
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub fn asked(filters: &[(&str, &str)]) -> Asked {
    let filters = filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked { filters, after: None, descending: false, limit: 200 }
}

pub fn text<'a>(shown: &'a Shown, member: &str) -> &'a str {
    shown.value[member].as_str().unwrap_or_else(|| panic!("{member} of {}", shown.value))
}

impl World {
    async fn on(database: TestDatabase) -> Self {
        let world = Self {
            store: database.open().await,
            limits: Limits { clients_per_application: 3, open_requests: 20 },
            subscribers: Subscribers::default(),
            millis: AtomicU64::new(1_767_225_600_000),
            sealing: SealingKeys::new([("k".to_owned(), [7; 32])]).unwrap(),
            _database: database,
        };
        let admin = admin();
        world.act(&admin, async |cx| organisations::ensure(cx).await.map(|_| ())).await.unwrap();
        for group in ["apis", "apps"] {
            world.act(&admin, async |cx| groups::create(cx, &object(json!({"id": group}))).await).await.unwrap();
        }
        for environment in ["prod", "test"] {
            let body = object(json!({"id": environment}));
            world.act(&admin, async |cx| environments::create(cx, &body).await).await.unwrap();
        }
        let body = object(json!({"id": "main", "kind": "manual"}));
        world.act(&admin, async |cx| providers::create(cx, &body).await).await.unwrap();
        let body = object(json!({"environment": "prod", "id": "orders", "group": "apis", "title": "Orders"}));
        world.act(&admin, async |cx| apis::create(cx, &body).await).await.unwrap();
        for tier in [
            json!({"id": "gold", "max_duration": "30d"}),
            json!({"id": "silver"}),
            json!({"id": "own", "self_approval": true}),
            json!({"id": "free", "approval": "automatic"}),
        ] {
            let body = object(tier);
            world.act(&admin, async |cx| tiers::create(cx, ("prod", "orders"), &body).await).await.unwrap();
        }
        world
    }

    /// One on each kind of database.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for database in every() {
            worlds.push(Self::on(database).await);
        }
        worlds
    }

    pub fn pass(&self, duration: Duration) {
        self.millis.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub fn background(&self) -> Background<'_> {
        Background {
            store: &self.store,
            clock: self,
            randomness: &Dice,
            sealing: &self.sealing,
            limits: &self.limits,
            subscribers: &self.subscribers,
        }
    }

    /// In a transaction of its own, which is committed when it succeeds.
    pub async fn act<T>(
        &self,
        caller: &Caller,
        does: impl AsyncFnOnce(&mut Context<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut tx = self.store.write().await?;
        let cx = &mut self.background().context(tx.as_mut(), caller, self.now());
        let done = does(cx).await?;
        tx.commit().await?;
        Ok(done)
    }

    pub async fn application(&self, caller: &Caller) -> Result<String, Refusal> {
        let body = object(json!({"group": "apps", "name": "Shop"}));
        let shown = self.act(caller, async |cx| applications::create(cx, &body).await).await?;
        Ok(text(&shown, "id").to_owned())
    }

    pub async fn client(&self, caller: &Caller, application: &str, client_id: &str) -> Result<Shown, Refusal> {
        let body = object(json!({"provider": "main", "client_id": client_id}));
        self.act(caller, async |cx| clients::create(cx, application, &body).await).await
    }

    pub async fn request(&self, caller: &Caller, application: &str, tier: &str) -> Result<Shown, Refusal> {
        let body = object(json!({"environment": "prod", "api": "orders", "application": application, "tier": tier}));
        self.act(caller, async |cx| contracts::create(cx, &body).await).await
    }

    pub async fn contract(
        &self,
        caller: &Caller,
        id: &str,
        action: ContractAction,
        body: Value,
    ) -> Result<Shown, Refusal> {
        let body = object(body);
        self.act(caller, async |cx| contracts::act(cx, id, action, &Expected::Any, &body).await).await
    }

    /// An application with a live client and an active contract.
    pub async fn active(&self) -> (String, String) {
        let application = self.application(&developer()).await.unwrap();
        self.client(&admin(), &application, "shop").await.unwrap();
        let contract = self.request(&developer(), &application, "gold").await.unwrap();
        let contract = text(&contract, "id").to_owned();
        self.contract(&owner(), &contract, ContractAction::Approve, json!({})).await.unwrap();
        (application, contract)
    }

    /// Status and client id of each row of the environment's feed.
    pub async fn rows(&self) -> Vec<(String, String)> {
        let mut tx = self.store.read().await.unwrap();
        let scope = FeedScope { organisation: "default".into(), environment: "prod".into(), apis: None };
        let rows = tx.snapshot(&scope, None, 1000).await.unwrap();
        let row = |row: String| serde_json::from_str::<Value>(&row).unwrap();
        let rows = rows.into_iter().map(|found| row(found.row.unwrap()));
        rows.map(|row| (row["status"].as_str().unwrap().to_owned(), row["client_id"].as_str().unwrap().to_owned()))
            .collect()
    }

    pub async fn position(&self) -> i64 {
        self.store.read().await.unwrap().head("default", "prod").await.unwrap().unwrap().position
    }

    /// What was done, and that the chain is whole.
    pub async fn audited(&self) -> Vec<String> {
        let page = self.act(&admin(), async |cx| audit::list(cx, &asked(&[])).await).await.unwrap();
        let mut tx = self.store.read().await.unwrap();
        let state = audit::verify(tx.as_mut(), "default").await.unwrap();
        assert_eq!(state, audit::ChainState::Whole { entries: page.items.len() as u64 });
        let entries = page.items.iter().map(|entry| entry["action"].as_str().unwrap().to_owned());
        entries.collect()
    }

    /// That the chain is whole, however long it is.
    pub async fn audited_all(&self) {
        let mut tx = self.store.read().await.unwrap();
        let state = audit::verify(tx.as_mut(), "default").await.unwrap();
        assert!(matches!(state, audit::ChainState::Whole { entries } if entries > 50), "{state:?}");
    }

    /// The latest entry.
    pub async fn latest(&self) -> Value {
        let asked = Asked { descending: true, limit: 1, ..asked(&[]) };
        let page = self.act(&admin(), async |cx| audit::list(cx, &asked).await).await.unwrap();
        page.items[0].clone()
    }
}
