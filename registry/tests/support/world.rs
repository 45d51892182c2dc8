//! A registry without HTTP: use cases on a database, and who calls them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tessera_registry::domain::members::Object;
use tessera_registry::domain::principal::{Caller, Principal, Role};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::domain::time::Time;
use tessera_registry::domain::webhook::Subscribers;
use tessera_registry::sealing::SealingKeys;
use tessera_registry::store::Database;
use tessera_registry::use_case::context::Limits;
use tessera_registry::use_case::organisations;
use tessera_registry::use_case::ports::Randomness;
use tessera_registry::use_case::shown::Asked;
use tessera_registry::use_case::store::{Store, StoreError, Transaction};

use crate::call;
use crate::database::TestDatabase;

pub struct World {
    pub database: Database,
    pub now: AtomicU64,
    pub limits: Limits,
    pub subscribers: Subscribers,
    pub dice: Dice,
    pub sealing: SealingKeys,
    _files: TestDatabase,
}

/// As good as any for a test.
pub struct Dice;

impl Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(16) {
            let random = uuid::Uuid::now_v7().into_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
            chunk.reverse();
        }
    }

    fn id(&self, _: Time) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// The 2026-01-01.
pub const START: u64 = 1_767_225_600_000;

impl World {
    /// With the organisations `default` and `other`.
    pub async fn new(files: TestDatabase) -> Self {
        let world = Self {
            database: files.open().await,
            now: AtomicU64::new(START),
            limits: Limits { clients_per_application: 10, open_requests: 20 },
            subscribers: Subscribers::default(),
            dice: Dice,
            sealing: SealingKeys::new([("k".to_owned(), [1; 32])]).unwrap(),
            _files: files,
        };
        for organisation in ["default", "other"] {
            let system = Caller::system(organisation);
            call!(world, &system, |cx| organisations::ensure(cx).await).unwrap();
        }
        world
    }

    /// To write. On a machine that does much else it may take longer than the store has patience.
    pub async fn turn(&self) -> Box<dyn Transaction> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.database.write().await {
                Err(StoreError::Unavailable(_)) if Instant::now() < deadline => {}
                other => return other.unwrap(),
            }
        }
    }

    pub fn now(&self) -> Time {
        Time::from_millis(self.now.load(Ordering::Relaxed))
    }

    pub fn pass(&self, millis: u64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }
}

pub fn caller(organisation: &str, roles: &[&str]) -> Caller {
    Caller {
        principal: Principal::User(format!("{organisation}-{}", roles.join("-"))),
        organisation: organisation.to_owned(),
        roles: roles.iter().map(|role| Role::parse(role).unwrap()).collect(),
    }
}

pub fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

/// The first part of a list with these filters.
pub fn asked(filters: &[(&str, &str)]) -> Asked {
    let filters = filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked { filters, after: None, descending: false, limit: 50 }
}

/// The pointers of the faults of a body or query.
pub fn pointers<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Vec<String> {
    match result {
        Err(Refusal::Invalid(faults) | Refusal::InvalidQuery(faults)) => {
            faults.into_iter().map(|fault| fault.pointer).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// One use case in a transaction of its own, which is committed when it succeeds.
#[macro_export]
macro_rules! call {
    ($world:expr, $caller:expr, |$cx:ident| $body:expr) => {{
        let mut tx = $world.turn().await;
        let mut context = tessera_registry::use_case::context::Context {
            tx: &mut *tx,
            caller: $caller,
            now: $world.now(),
            randomness: &$world.dice,
            sealing: &$world.sealing,
            limits: &$world.limits,
            subscribers: &$world.subscribers,
            request_id: Some("request-1"),
        };
        let $cx = &mut context;
        let result = $body;
        if result.is_ok() {
            tx.commit().await.unwrap();
        }
        result
    }};
}
