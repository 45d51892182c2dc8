//! The administration API: who calls, how often, what for; then the use case, in one transaction.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::domain::principal::Caller;
use crate::http::address::caller_address;
use crate::http::answer::ApiAnswer;
use crate::http::authentication;
use crate::http::frame::{RequestId, Trail, framed};
use crate::http::intake::{self, Intake};
use crate::http::problem::HttpProblem;
use crate::http::problem_pages;
use crate::http::registry::Registry;
use crate::http::route::{self, BASE, Route};
use crate::http::routes::ROUTES;
use crate::use_case::context::Context;

/// Everything that `listen.api` serves.
pub fn router(registry: Arc<Registry>) -> Router {
    let router = Router::new().fallback(serve).with_state(Arc::clone(&registry));
    framed(router, registry, "api")
}

async fn serve(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut trail = Trail::default();
    let outcome = answer(&registry, &parts, body, &mut trail).await;
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(trail);
    response
}

async fn answer(registry: &Registry, parts: &Parts, body: Body, trail: &mut Trail) -> Result<Response, HttpProblem> {
    let path = parts.uri.path();
    let address = caller_address(&parts.headers, &parts.extensions, &registry.settings.trusted_proxies);
    let below = path.strip_prefix(BASE).filter(|below| below.is_empty() || below.starts_with('/'));
    let Some(below) = below else { return open(registry, parts, address, trail) };
    trail.route = route::template(ROUTES, below);
    let caller = identified(registry, parts, address).await?;
    *trail = Trail::of(trail.route, Some(&caller));
    let (route, parameters) = route::find(ROUTES, &parts.method, below)?;
    let intake = intake::read(route.takes, parameters, parts, body).await;
    let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.as_str());
    run(registry, &caller, id, route, intake).await.map(ApiAnswer::written)
}

/// What needs no authentication.
fn open(registry: &Registry, parts: &Parts, address: IpAddr, trail: &mut Trail) -> Result<Response, HttpProblem> {
    registry.throttle.address(address)?;
    let slug = parts.uri.path().strip_prefix(problem_pages::PATH).ok_or_else(HttpProblem::not_found)?;
    trail.route = "/problems/{slug}";
    only_get(&parts.method)?;
    problem_pages::page(slug)
}

fn only_get(method: &Method) -> Result<(), HttpProblem> {
    let is_get = matches!(*method, Method::GET | Method::HEAD);
    if is_get { Ok(()) } else { Err(HttpProblem::method_not_allowed("GET, HEAD")) }
}

async fn identified(registry: &Registry, parts: &Parts, address: IpAddr) -> Result<Caller, HttpProblem> {
    let throttle = &registry.throttle;
    match authentication::caller(registry, &parts.headers).await {
        Ok(caller) => throttle.principal(format!("{} {}", caller.organisation, caller.principal)).map(|()| caller),
        Err(problem) if problem.status().is_server_error() => Err(problem),
        Err(problem) => {
            throttle.address(address)?;
            if parts.headers.contains_key(AUTHORIZATION) {
                throttle.failure(address)?;
            }
            Err(problem)
        }
    }
}

async fn run(
    registry: &Registry,
    caller: &Caller,
    request_id: Option<&str>,
    route: &Route,
    intake: Intake,
) -> Result<ApiAnswer, HttpProblem> {
    let outside = &registry.outside;
    let changes = route.method != Method::GET;
    let mut tx = if changes { outside.store.write().await? } else { outside.store.read().await? };
    let mut cx = Context {
        tx: &mut *tx,
        caller,
        now: outside.clock.now(),
        randomness: &*outside.randomness,
        sealing: &*outside.sealing,
        limits: &registry.settings.limits,
        subscribers: &registry.settings.subscribers,
        request_id,
    };
    let outcome = (route.run)(&mut cx, &intake.call).await.map_err(HttpProblem::from);
    let answer = match intake.fault {
        Some(fault) => return Err(fault.or_before(outcome.err())),
        None => outcome?,
    };
    if changes {
        tx.commit().await?;
    }
    Ok(answer)
}
