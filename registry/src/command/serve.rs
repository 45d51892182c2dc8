//! `serve`: runs the service until it is told to end.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::command::connected::{Connected, configuration, logging};
use crate::command::ended::Ended;
use crate::configuration::{Configuration, Listeners, Rates};
use crate::connections::{Bounded, HEAD_WITHIN, Room};
use crate::domain::webhook::Subscribers;
use crate::http::feed::{Feed, Holds, Service};
use crate::http::ops::Ops;
use crate::http::registry::{HttpSettings, Registry};
use crate::http::{api, feed, ops};
use crate::measures;
use crate::remote::messenger::HttpMessenger;
use crate::tasks::{self, Work};
use crate::tls;

/// Gauges of what is not there any more are forgotten after this.
const FORGOTTEN: Duration = Duration::from_secs(300);
/// Requests that run when the service is told to end have so long.
const GRACE: Duration = Duration::from_secs(10);

pub async fn run(config: &Path) -> Ended {
    let configuration = match configuration(config) {
        Ok(configuration) => configuration,
        Err(ended) => return ended,
    };
    logging(configuration.log);
    match serve(configuration).await {
        Ok(()) => Ended::done(),
        Err(ended) => ended,
    }
}

async fn serve(configuration: Configuration) -> Result<(), Ended> {
    let signals = Signals::listen().map_err(Ended::failed)?;
    let metrics = recorder()?;
    let Connected { configuration, database, outside, subscribers, outbound } = Connected::with(configuration).await?;
    let store = Arc::clone(&outside.store);
    let registry = Arc::new(Registry::new(outside, settings(&configuration, subscribers)));
    let (end, ending) = watch::channel(false);
    let holds = Holds::new(configuration.feed.max_held, store.heads(), ending.clone());
    let feed_state = Feed { registry: Arc::clone(&registry), page_rows: configuration.feed.page_rows };
    let polled = Arc::new(Service { feed: feed_state, holds });
    let listeners = &configuration.listeners;
    let tls = match &listeners.tls {
        Some(files) => Some(tls::configuration(files).await.map_err(Ended::failed)?),
        None => None,
    };
    let room = Room::of_process(configuration.database.pool);
    let routers = [
        ("api", listeners.api, room.api, api::router(Arc::clone(&registry)), tls.clone()),
        ("feed", listeners.feed, room.feed, feed::router(polled), tls),
        ("ops", listeners.ops, room.ops, ops::router(Arc::new(Ops { store, metrics: metrics.clone() })), None),
    ];
    let handle = Handle::new();
    let mut running = JoinSet::new();
    for (name, address, room, router, tls) in routers {
        let listener = bound(name, address)?;
        running.spawn(listen(listener, Bounded::new(room), router, tls, handle.clone()));
    }
    let work = Arc::new(Work {
        registry: Arc::clone(&registry),
        database: Arc::clone(&database),
        messenger: Arc::new(HttpMessenger::new(&configuration.webhooks).map_err(Ended::failed)?),
        outbound,
        metrics,
        feed: configuration.feed,
        tasks: configuration.tasks,
    });
    let background = tokio::spawn(tasks::run(work, ending));
    signals.come().await;
    tracing::info!("ending");
    // Held polls are answered, and tasks stop where they can.
    end.send_replace(true);
    handle.graceful_shutdown(Some(GRACE));
    while let Some(ended) = running.join_next().await {
        if let Ok(Err(error)) = ended {
            return Err(Ended::failed(error));
        }
    }
    background.await.map_err(Ended::failed)?;
    database.close().await;
    Ok(())
}

fn recorder() -> Result<PrometheusHandle, Ended> {
    let builder = measures::recorder(FORGOTTEN).map_err(Ended::failed)?;
    let recorder = builder.install_recorder().map_err(Ended::failed)?;
    measures::begin();
    Ok(recorder)
}

fn settings(configuration: &Configuration, subscribers: Subscribers) -> HttpSettings {
    let Listeners { public_url, trusted_proxies, .. } = configuration.listeners.clone();
    let Rates { requests_per_second, burst, failed_authentications } = configuration.rates;
    let rate = |rate| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
    HttpSettings {
        public_url,
        trusted_proxies,
        limits: configuration.limits,
        subscribers,
        requests_per_second: rate(requests_per_second),
        burst: rate(burst),
        failed_authentications: rate(failed_authentications),
    }
}

/// The line that says so has the address that was found, for port 0.
fn bound(name: &str, address: SocketAddr) -> Result<TcpListener, Ended> {
    let failed = |error| Ended::failed(format!("listen.{name}: {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(listener = name, %address, "listening");
    Ok(listener)
}

async fn listen(
    listener: TcpListener,
    room: Bounded,
    router: Router,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::from_tcp(listener)?;
    match tls {
        Some(tls) => {
            patient(server.acceptor(RustlsAcceptor::new(tls).acceptor(room))).handle(handle).serve(service).await
        }
        None => patient(server.acceptor(room)).handle(handle).serve(service).await,
    }
}

/// With limits to its patience.
fn patient<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_WITHIN);
    server.first_request_timeout(HEAD_WITHIN)
}

/// What tells the service to end; listened to before anybody can know that it runs.
struct Signals(Signal, Signal);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    }

    async fn come(mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
