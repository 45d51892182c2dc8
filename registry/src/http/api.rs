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
use crate::domain::refusal::Refusal;
use crate::http::address::caller_address;
use crate::http::answer::{ApiAnswer, BASE};
use crate::http::authentication;
use crate::http::frame::{RequestId, Trail, framed};
use crate::http::idempotency::{Keyed, once};
use crate::http::intake::{self, Intake};
use crate::http::openapi;
use crate::http::problem::HttpProblem;
use crate::http::problem_pages;
use crate::http::registry::Registry;
use crate::http::route::{self, Route};
use crate::http::routes::ROUTES;
use crate::use_case::context::Context;
use crate::use_case::open_provider::OpenProvider;

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
    if below == openapi::PATH {
        trail.route = openapi::PATH;
        registry.throttle.address(address)?;
        only_get(&parts.method)?;
        return Ok(ApiAnswer::value(openapi::document().clone()).written());
    }
    trail.route = route::template(ROUTES, below);
    let caller = identified(registry, parts, address).await?;
    *trail = Trail::of(trail.route, Some(&caller));
    let (route, parameters) = route::find(ROUTES, &parts.method, below)?;
    let mut intake = intake::read(route, below, parameters, parts, body).await;
    let id = parts.extensions.get::<RequestId>().map_or("", |RequestId(id)| id.as_str());
    let work = Work { registry, caller: &caller, request_id: id, route };
    let answered = match intake.key.take() {
        Some(key) => {
            let keyed = Keyed::new(&key, &caller, parts, &intake.call.body, route.secret);
            once(registry, &keyed, id, async || work.proved(&mut intake, Some(&keyed)).await).await
        }
        None => work.proved(&mut intake, None).await,
    };
    answered.map(ApiAnswer::written)
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
    // Whoever guesses has nobody else work for it.
    let may_ask = !throttle.is_guessing(address);
    match authentication::caller(registry, &parts.headers, may_ask).await {
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

/// A route, to be run for somebody.
struct Work<'a> {
    registry: &'a Registry,
    caller: &'a Caller,
    request_id: &'a str,
    route: &'a Route,
}

impl Work<'_> {
    /// Providers are asked between transactions.
    async fn proved(&self, intake: &mut Intake, keyed: Option<&Keyed>) -> Result<ApiAnswer, HttpProblem> {
        let answer = self.done(intake, keyed).await?;
        let Some(wanted) = &answer.asking else { return Ok(answer) };
        let Some(judge) = &self.registry.outside.proof_judge else {
            return Err(Refusal::NotSupported("this registry does not ask providers: an admin can confirm").into());
        };
        let (organisation, sealing) = (&self.caller.organisation, &*self.registry.outside.sealing);
        let provider = OpenProvider::new(organisation, wanted.provider.clone(), sealing);
        intake.call.proof = Some(judge.judge(&provider, &wanted.access_token).await);
        self.done(intake, keyed).await
    }

    /// What another change was in the way of is done after that one.
    async fn done(&self, intake: &Intake, keyed: Option<&Keyed>) -> Result<ApiAnswer, HttpProblem> {
        match self.tried(intake, keyed).await? {
            Some(answer) => Ok(answer),
            None => self.tried(intake, keyed).await?.ok_or_else(|| Refusal::Collided.into()),
        }
    }

    /// In one transaction, together with its answer where that has a key; `None` when it has collided with another.
    async fn tried(&self, intake: &Intake, keyed: Option<&Keyed>) -> Result<Option<ApiAnswer>, HttpProblem> {
        let outside = &self.registry.outside;
        let changes = self.route.method != Method::GET;
        let now = outside.clock.now();
        let mut tx = if changes { outside.store.write().await? } else { outside.store.read().await? };
        let mut cx = Context {
            tx: &mut *tx,
            caller: self.caller,
            now,
            randomness: &*outside.randomness,
            sealing: &*outside.sealing,
            limits: &self.registry.settings.limits,
            subscribers: &self.registry.settings.subscribers,
            request_id: Some(self.request_id),
        };
        let outcome = (self.route.run)(&mut cx, &intake.call).await;
        if matches!(outcome, Err(Refusal::Collided)) {
            return Ok(None);
        }
        let outcome = outcome.map_err(HttpProblem::from);
        let answer = match &intake.fault {
            Some(fault) => return Err(fault.clone().or_before(outcome.err())),
            None => outcome?,
        };
        if answer.asking.is_some() {
            return Ok(Some(answer));
        }
        if let Some(keyed) = keyed {
            keyed.keep(&mut *tx, &answer, now).await?;
        }
        if changes {
            tx.commit().await?;
        }
        Ok(Some(answer))
    }
}
