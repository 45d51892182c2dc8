//! A registry that serves, in this process. It ends as one that is killed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use tessera_registry::domain::webhook::Subscribers;
use tessera_registry::http::feed::{Feed, Holds, Service, router};
use tessera_registry::http::registry::{HttpSettings, Outside, Registry};
use tessera_registry::sealing::SealingKeys;
use tessera_registry::store::Database;
use tessera_registry::system::{SystemClock, SystemRandomness};
use tessera_registry::use_case::context::Limits;
use tessera_registry::use_case::store::Store;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Few enough that most answers have several pages.
const PAGE_ROWS: u32 = 7;

pub struct Replica {
    pub address: SocketAddr,
    pub store: Arc<Database>,
    runtime: Option<Runtime>,
    _end: watch::Sender<bool>,
}

impl Replica {
    /// Blocks.
    pub fn start(url: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (end, ending) = watch::channel(false);
        let (address, store) = runtime.block_on(async {
            let store = Arc::new(Database::open(url, 10).await.unwrap());
            store.migrate().await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let holds = Holds::new(1000, store.heads(), ending);
            let registry = Arc::new(Registry::new(outside(Arc::clone(&store)), settings()));
            let router = router(Arc::new(Service { feed: Feed { registry, page_rows: PAGE_ROWS }, holds }));
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(listener, service).await });
            (address, store)
        });
        Self { address, store, runtime: Some(runtime), _end: end }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

fn outside(store: Arc<Database>) -> Outside {
    Outside {
        store,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        sealing: Arc::new(SealingKeys::new([("k".to_owned(), [1; 32])]).unwrap()),
        access_tokens: None,
        proof_judge: None,
    }
}

fn settings() -> HttpSettings {
    let many = NonZeroU32::new(100_000).unwrap();
    HttpSettings {
        public_url: "http://127.0.0.1".to_owned(),
        trusted_proxies: Vec::new(),
        limits: Limits { clients_per_application: 10, open_requests: 20 },
        subscribers: Subscribers::default(),
        requests_per_second: many,
        burst: many,
        failed_authentications: many,
    }
}
