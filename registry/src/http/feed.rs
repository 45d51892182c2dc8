//! The feed of contracts that gateways poll.

mod answer;
mod batches;
mod hold;
mod poller;
mod state;
mod validity;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tower_http::compression::CompressionLayer;

pub use hold::Holds;
pub use state::Feed;

use crate::http::address::caller_address;
use crate::http::frame::{Trail, framed};
use crate::http::problem::HttpProblem;
use crate::measures::FEED_POLLS;
use crate::use_case::gateway_tokens::note_poll;
use poller::{Poller, Wish};

/// What the feed has, and the polls that it holds.
pub struct Service {
    pub feed: Feed,
    pub holds: Holds,
}

/// Everything that `listen.feed` serves.
pub fn router(service: Arc<Service>) -> Router {
    let registry = Arc::clone(&service.feed.registry);
    let router = Router::new().fallback(serve).with_state(service).layer(CompressionLayer::new().gzip(true));
    framed(router, registry, "feed")
}

async fn serve(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut trail = Trail::default();
    let (mut response, result) = match told(&service, &parts, &mut trail).await {
        Ok(response) => (response, None),
        Err(problem) => {
            let result = problem_result(&problem);
            (problem.into_response(), Some(result))
        }
    };
    if parts.uri.path() == answer::PATH {
        let result = result.or_else(|| response.extensions_mut().remove::<answer::Counted>().map(|counted| counted.0));
        metrics::counter!(FEED_POLLS, "result" => result.unwrap_or("unavailable")).increment(1);
    }
    response.headers_mut().append("vary", answer::VARY);
    response.extensions_mut().insert(trail);
    response
}

/// The label of a poll that ended with a problem.
fn problem_result(problem: &HttpProblem) -> &'static str {
    match problem.kind().slug {
        slug @ ("gone" | "behind" | "held") => slug,
        "unauthenticated" | "rate_limited" => "unauthorized",
        _ => "unavailable",
    }
}

async fn told(Service { feed, holds }: &Service, parts: &Parts, trail: &mut Trail) -> Result<Response, HttpProblem> {
    if parts.uri.path() != answer::PATH {
        return Err(HttpProblem::not_found());
    }
    trail.route = answer::PATH;
    let address = caller_address(&parts.headers, &parts.extensions, &feed.registry.settings.trusted_proxies);
    let poller = match holds.identify(feed, &parts.headers).await? {
        Some(poller) => poller,
        None => {
            feed.registry.throttle.failure(address)?;
            return Err(HttpProblem::unauthenticated());
        }
    };
    trail.organisation = Some(poller.scope.organisation.clone());
    trail.principal = Some(format!("gateway:{}", poller.gateway));
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(HttpProblem::method_not_allowed("GET, HEAD"));
    }
    let response = holds.answered(feed, &poller, &parts.headers, &Wish::read(parts)).await?;
    note(feed, poller, &response);
    Ok(response)
}

/// Notes the poll, if that is due; whether it can be written down changes no answer.
fn note(feed: &Feed, poller: Poller, response: &Response) {
    let now = feed.registry.outside.clock.now();
    feed.registry.polls.note(&poller.gateway, now);
    let position = response.extensions().get::<answer::Position>().map(|position| position.0);
    let (Some(position), true) = (position, poller.is_due) else { return };
    if !feed.registry.notes.begin(&poller.token, now) {
        return;
    }
    let registry = Arc::clone(&feed.registry);
    tokio::spawn(async move {
        let noted = async {
            let mut tx = registry.outside.store.write().await?;
            let of = (poller.gateway.as_str(), poller.token.as_str());
            note_poll(&mut *tx, &poller.scope.organisation, of, position, now).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, gateway = poller.gateway, "a poll could not be noted");
        }
    });
}
