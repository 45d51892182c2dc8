//! From a request to what its use case is called with. A fault does not end it here: a thing that is not there, or that
//! the caller may not change, is answered before what is wrong with the request.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::domain::fault::Fault;
use crate::domain::refusal::Refusal;
use crate::http::problem::HttpProblem;
use crate::http::problem_types::{MALFORMED_JSON, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use crate::http::route::{ApiCall, Route, Takes};
use crate::http::{conditions, json, query};
use crate::use_case::shown::Expected;

const LARGEST: usize = 1024 * 1024;
/// What is read of a larger body before it is refused, so that its sender gets to read why.
const SKIPPED: usize = 16 * LARGEST;
const IN_TIME: Duration = Duration::from_secs(15);

/// A call, and the first fault of the request that it was made of.
pub struct Intake {
    pub call: ApiCall,
    /// `Idempotency-Key`, where the body is known that it stands for.
    pub key: Option<String>,
    pub fault: Option<HttpProblem>,
}

pub async fn read(route: &Route, path: &str, parameters: Vec<String>, parts: &Parts, body: Body) -> Intake {
    let call = ApiCall {
        path: path.to_owned(),
        parameters,
        asked: query::everything(),
        expected: Expected::Nothing,
        object: Map::new(),
        proof: None,
        body: Vec::new(),
    };
    let mut intake = Intake { call, key: None, fault: None };
    let outcome = intake.fill(route, parts, body).await;
    intake.fault = outcome.err();
    intake
}

impl Intake {
    async fn fill(&mut self, route: &Route, parts: &Parts, body: Body) -> Result<(), HttpProblem> {
        let takes = route.takes;
        let takes_body = !matches!(takes, Takes::Nothing | Takes::List(_));
        if takes_body {
            let received = receive(&parts.headers, body).await;
            let key = if parts.method == Method::POST { conditions::idempotency_key(&parts.headers) } else { Ok(None) };
            if let (Ok(_), Ok(key)) = (&received, &key) {
                self.key.clone_from(key);
            }
            let is_missing = matches!(&received, Ok(bytes) if bytes.is_empty()) && !is_typed(&parts.headers);
            if !(is_missing && matches!(takes, Takes::Object(_))) {
                judge_type(takes, &parts.headers)?;
            }
            self.call.body = received?;
            key?;
        }
        let query = parts.uri.query().unwrap_or_default();
        match takes {
            Takes::List(filters) => self.call.asked = query::list(query, filters)?,
            _ => query::none(query)?,
        }
        if route.is_guarded {
            self.call.expected = conditions::expected(&parts.headers)?;
        }
        if matches!(takes, Takes::Object(_) | Takes::MergePatch(_)) {
            let is_missing = self.call.body.is_empty() && !is_typed(&parts.headers);
            if !is_missing {
                self.call.object = object(&self.call.body)?;
            }
        }
        Ok(())
    }
}

/// Without a body and its type, a request has an object without members.
fn is_typed(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_TYPE)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, HttpProblem> {
    match json::read(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::Invalid(vec![Fault::new("", "must be an object")]).into()),
        Err(why) => Err(HttpProblem::new(&MALFORMED_JSON, why)),
    }
}

fn judge_type(takes: Takes, headers: &HeaderMap) -> Result<(), HttpProblem> {
    let refused = |detail: &str| Err(HttpProblem::new(&UNSUPPORTED_MEDIA_TYPE, detail));
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return refused("the body must not be compressed");
    }
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json";
    match takes {
        Takes::Object(_) if !is_json => refused("the body must be application/json"),
        Takes::MergePatch(_) if !is_json && essence != "application/merge-patch+json" => {
            refused("the body must be application/json or application/merge-patch+json")
        }
        Takes::Text if !is_document(&essence) => refused("the body must be JSON, YAML or plain text"),
        _ => Ok(()),
    }
}

fn is_document(essence: &str) -> bool {
    let is_text = matches!(essence, "text/plain" | "text/yaml" | "text/x-yaml" | "text/vnd.yaml");
    let is_application = essence.strip_prefix("application/").is_some_and(|subtype| {
        matches!(subtype, "json" | "yaml" | "x-yaml" | "octet-stream")
            || (subtype.contains("openapi") && (subtype.ends_with("json") || subtype.ends_with("yaml")))
    });
    is_text || is_application
}

/// The whole body, if it is small enough and comes in time.
async fn receive(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, HttpProblem> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > SKIPPED as u64) {
        return Err(too_large());
    }
    let late = |_| HttpProblem::new(&REQUEST_TIMEOUT, "the body did not arrive within 15 seconds");
    timeout(IN_TIME, collect(body)).await.map_err(late)?
}

async fn collect(mut body: Body) -> Result<Vec<u8>, HttpProblem> {
    let (mut bytes, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| HttpProblem::new(&MALFORMED_JSON, "the body ended before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > SKIPPED {
            break;
        }
        if seen <= LARGEST {
            bytes.extend_from_slice(&data);
        }
    }
    if seen > LARGEST { Err(too_large()) } else { Ok(bytes) }
}

fn too_large() -> HttpProblem {
    HttpProblem::new(&TOO_LARGE, "the body has more than 1 MiB")
}
