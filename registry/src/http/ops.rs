//! Health and metrics, on a listener of their own.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::use_case::store::Store;

/// What the listener tells of.
pub struct Ops {
    pub store: Arc<dyn Store>,
    pub metrics: PrometheusHandle,
}

/// Everything that `listen.ops` serves.
pub fn router(ops: Arc<Ops>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "live\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(ops)
}

/// Ready is what can answer: also a feed that is held.
async fn ready(State(ops): State<Arc<Ops>>) -> Response {
    let (database, schema, held) = match ops.store.read().await {
        Err(_) => ("unavailable", "unknown", None),
        Ok(mut tx) => match tx.held().await {
            Ok(held) => ("ok", "ok", Some(held.is_some())),
            Err(_) => ("ok", "unusable", None),
        },
    };
    let status = if held.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "database": database, "schema": schema, "held": held.unwrap_or(false) });
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn metrics(State(ops): State<Arc<Ops>>) -> Response {
    let mut response = Response::new(Body::from(ops.metrics.render()));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
