//! What is the same for every request of a listener: its id, a problem in place of a panic, the headers of each answer,
//! a line in the log, and the metrics.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::http::problem::HttpProblem;
use crate::http::registry::Registry;
use crate::measures::{HTTP_REQUESTS, HTTP_SECONDS};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as handlers find it in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// What log and metrics are told of a request: handlers leave it in the extensions of their answers.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// The template of the path.
    pub route: &'static str,
    pub organisation: Option<String>,
    pub principal: Option<String>,
}

impl Trail {
    pub fn of(route: &'static str, caller: Option<&Caller>) -> Self {
        Self {
            route,
            organisation: caller.map(|caller| caller.organisation.clone()),
            principal: caller.map(|caller| caller.principal.to_string()),
        }
    }
}

#[derive(Clone)]
struct Listener {
    registry: Arc<Registry>,
    name: &'static str,
}

/// The router of a listener, with all of this around it.
pub fn framed(router: Router, registry: Arc<Registry>, name: &'static str) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn_with_state(Listener { registry, name }, frame))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    HttpProblem::from(Refusal::Internal).into_response()
}

async fn frame(State(listener): State<Listener>, mut request: Request, next: Next) -> Response {
    let (begun, method) = (Instant::now(), request.method().clone());
    let id = given_id(request.headers()).unwrap_or_else(|| {
        let outside = &listener.registry.outside;
        outside.randomness.id(outside.clock.now())
    });
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request_id = id);
    let mut response = next.run(request).instrument(span).await;
    let trail = response.extensions_mut().remove::<Trail>().unwrap_or_default();
    if let Some(problem) = response.extensions_mut().remove::<HttpProblem>() {
        response = problem.written(&listener.registry.settings.public_url, &id);
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if method == Method::HEAD {
        drop_body(&mut response);
    }
    observe(listener.name, &id, &method, &trail, response.status().as_u16(), begun);
    response
}

/// For HEAD: the headers are those of GET (RFC 9110, 9.3.2).
fn drop_body(response: &mut Response) {
    let body = std::mem::replace(response.body_mut(), Body::empty());
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// The caller's, if it can be used.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=64).contains(&id.len()) && id.bytes().all(fits)).then(|| id.to_owned())
}

fn observe(listener: &'static str, id: &str, method: &Method, trail: &Trail, status: u16, begun: Instant) {
    let (route, took) = (trail.route, begun.elapsed());
    let method = known(method);
    let labels = [
        ("listener", listener.to_owned()),
        ("route", route.to_owned()),
        ("method", method.to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!(HTTP_REQUESTS, &labels).increment(1);
    metrics::histogram!(HTTP_SECONDS, &labels).record(took);
    tracing::info!(
        request_id = id,
        listener,
        method,
        route,
        status,
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        organisation = trail.organisation,
        principal = trail.principal,
        "request"
    );
}

/// A client can make up methods, but no series of metrics.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
