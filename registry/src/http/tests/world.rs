//! A registry with a database, and callers of each kind.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::domain::orphan::OrphanCause;
use crate::domain::principal::{Caller, Principal, Role};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::domain::webhook::Subscribers;
use crate::http::api::router;
use crate::http::registry::{HttpSettings, Outside, Registry};
use crate::sealing::SealingKeys;
use crate::store::temporary::{TemporaryDatabase, temporary};
use crate::use_case::context::{Context, Limits};
use crate::use_case::feed_store::Heads;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{AccessTokens, Clock, Proof, ProofJudge, Randomness};
use crate::use_case::store::{Store, StoreError, Transaction};
use crate::use_case::{organisations, orphans, registry_tokens};

pub struct World {
    pub registry: Arc<Registry>,
    pub router: Router,
    pub time: Arc<TestClock>,
}

/// An answer, as its reader has it.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The slug of a problem's type.
    pub fn slug(&self) -> String {
        let json = self.json();
        json["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap().to_owned()
    }
}

pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn pass(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct TestDice;

impl Randomness for TestDice {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }

    fn id(&self, now: Time) -> String {
        let mut bits = [0; 10];
        self.fill(&mut bits);
        uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &bits).into_uuid().to_string()
    }
}

/// `NAME.ORGANISATION` and `GROUP/DUTY`, separated by `~`, is such a caller; `panic` panics. With `asked~` before it,
/// another server has to be asked.
struct TestTokens;

#[async_trait]
impl AccessTokens for TestTokens {
    async fn judge(&self, token: &str, may_ask: bool) -> Result<Option<Caller>, Refusal> {
        assert_ne!(token, "panic");
        let token = match token.strip_prefix("asked~") {
            Some(_) if !may_ask => return Ok(None),
            asked => asked.unwrap_or(token),
        };
        let mut parts = token.split('~');
        let Some((subject, organisation)) = parts.next().and_then(|who| who.split_once('.')) else { return Ok(None) };
        let roles = parts.filter_map(|role| Role::parse(&role.replace('/', ":"))).collect();
        Ok(Some(Caller {
            principal: Principal::User(subject.to_owned()),
            organisation: organisation.to_owned(),
            roles,
        }))
    }
}

/// A token is that of the client that it names.
struct TestProvider;

#[async_trait]
impl ProofJudge for TestProvider {
    async fn judge(&self, _: &OpenProvider, access_token: &str) -> Proof {
        match access_token {
            "unknown" => Proof::Unknown,
            "nothing" => Proof::Nothing("is not active"),
            client_id => Proof::Of { client_id: client_id.to_owned(), scopes: None },
        }
    }
}

#[async_trait]
impl Store for TemporaryDatabase {
    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        (**self).read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        (**self).write().await
    }

    fn heads(&self) -> watch::Receiver<Heads> {
        (**self).heads()
    }
}

/// Organisations of the world.
pub const ORGANISATIONS: [&str; 2] = ["default", "other"];

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let many = NonZeroU32::new(100_000).unwrap();
        let mut settings = HttpSettings {
            public_url: "https://registry.example".to_owned(),
            trusted_proxies: Vec::new(),
            limits: Limits { clients_per_application: 10, open_requests: 20 },
            subscribers: Subscribers::default(),
            requests_per_second: many,
            burst: many,
            failed_authentications: many,
        };
        change(&mut settings);
        let time = Arc::new(TestClock(AtomicU64::new(1_800_000_000_000)));
        let outside = Outside {
            store: Arc::new(temporary().await),
            clock: Arc::<TestClock>::clone(&time),
            randomness: Arc::new(TestDice),
            sealing: Arc::new(SealingKeys::new([("k".to_owned(), [7; 32])]).unwrap()),
            access_tokens: Some(Arc::new(TestTokens)),
            proof_judge: Some(Arc::new(TestProvider)),
        };
        let registry = Arc::new(Registry::new(outside, settings));
        let world = Self { router: router(Arc::clone(&registry)), registry, time };
        for organisation in ORGANISATIONS {
            world.as_system(organisation, async |cx| organisations::ensure(cx).await.map(|_| ())).await;
        }
        world
    }

    /// Does something in a transaction of its own.
    pub async fn as_system<T>(
        &self,
        organisation: &str,
        does: impl AsyncFnOnce(&mut Context<'_>) -> Result<T, Refusal>,
    ) -> T {
        let outside = &self.registry.outside;
        let mut tx = outside.store.write().await.unwrap();
        let caller = Caller::system(organisation);
        let mut cx = Context {
            tx: &mut *tx,
            caller: &caller,
            now: outside.clock.now(),
            randomness: &*outside.randomness,
            sealing: &*outside.sealing,
            limits: &self.registry.settings.limits,
            subscribers: &self.registry.settings.subscribers,
            request_id: None,
        };
        let result = does(&mut cx).await.unwrap();
        tx.commit().await.unwrap();
        result
    }

    /// A registry token.
    pub async fn token(&self, organisation: &str, roles: &[&str]) -> String {
        let roles: Vec<Role> = roles.iter().map(|role| Role::parse(role).unwrap()).collect();
        let day = Duration::from_secs(86_400);
        let made = async |cx: &mut Context<'_>| registry_tokens::create(cx, None, &roles, day).await;
        self.as_system(organisation, made).await.0
    }

    /// One that is on the list of a provider.
    pub async fn orphan(&self, provider: &str, client: &str) -> String {
        let noted = async |cx: &mut Context<'_>| {
            let orphan = orphans::found(cx, provider, client, OrphanCause::Unknown);
            orphans::note(cx, orphan).await
        };
        self.as_system("default", noted).await.thing.id
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    /// A request to the API; `headers` are `name: value`.
    pub async fn call(&self, method: &str, path: &str, token: &str, headers: &[&str], body: Option<&str>) -> Reply {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() && !headers.iter().any(|header| header.starts_with("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        self.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned()))).unwrap()).await
    }

    /// The status of a POST with a key, from a task of its own. Who is to come again does: on a machine that is busy
    /// with other things not everybody comes to his turn in time.
    pub async fn send_to(router: Router, path: &str, token: &str, key: &str, body: String) -> u16 {
        loop {
            let request = Request::post(format!("/api/v1{path}"))
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .header("idempotency-key", key);
            let request = request.body(Body::from(body.clone())).unwrap();
            match router.clone().oneshot(request).await.unwrap().status() {
                StatusCode::SERVICE_UNAVAILABLE => {}
                status => return status.as_u16(),
            }
        }
    }

    pub async fn get(&self, path: &str, token: &str) -> Reply {
        self.call("GET", path, token, &[], None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.call("POST", path, token, &[], Some(&body.to_string())).await
    }
}
