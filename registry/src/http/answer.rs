//! What routes answer, and how it becomes HTTP.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, LINK, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::http::query;
use crate::use_case::client_proof::ProofWanted;
use crate::use_case::shown::{Asked, Deleted, Page, Shown};

/// Where all routes begin.
pub const BASE: &str = "/api/v1";

#[derive(Clone, Debug, PartialEq)]
pub struct ApiAnswer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub body: AnswerBody,
    /// A provider has to be asked first; then the route is run again.
    pub asking: Option<ProofWanted>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AnswerBody {
    Nothing,
    Json(Value),
    /// Whatever somebody has put there.
    Text(Vec<u8>),
}

impl ApiAnswer {
    pub fn value(value: Value) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: AnswerBody::Json(value), asking: None }
    }

    pub fn asking(wanted: ProofWanted) -> Self {
        Self { asking: Some(wanted), ..Self::nothing() }
    }

    pub fn shown(shown: Shown) -> Self {
        let etag = format!("\"{}\"", shown.revision);
        Self { headers: vec![(ETAG, etag)], ..Self::value(shown.value) }
    }

    /// Something new in that collection, a path below [`BASE`].
    pub fn created(collection: &str, shown: Shown) -> Self {
        let id = shown.value.get("id").and_then(Value::as_str).unwrap_or_default();
        let location = format!("{BASE}{collection}/{id}");
        let mut answer = Self { status: StatusCode::CREATED, ..Self::shown(shown) };
        answer.headers.push((LOCATION, location));
        answer
    }

    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: AnswerBody::Nothing, asking: None }
    }

    pub fn deleted(deleted: Deleted) -> Self {
        match deleted {
            Deleted::Gone => Self::nothing(),
            Deleted::Going(shown) => Self { status: StatusCode::ACCEPTED, ..Self::shown(shown) },
        }
    }

    pub fn text(text: Vec<u8>) -> Self {
        Self { body: AnswerBody::Text(text), status: StatusCode::OK, ..Self::nothing() }
    }

    /// A part of the list at that path below [`BASE`].
    pub fn page(path: &str, asked: &Asked, page: Page) -> Self {
        let next = page.next.map(|after| format!("<{BASE}{path}?{}>; rel=\"next\"", query::of_the_rest(asked, &after)));
        Self {
            headers: next.map(|link| (LINK, link)).into_iter().collect(),
            ..Self::value(json!({"items": page.items}))
        }
    }

    /// Something new in that collection, or what that action was done to, when it became no other thing.
    pub fn created_or_shown(collection: &str, acted_on: &str, shown: Shown) -> Self {
        let is_same = shown.value.get("id").and_then(Value::as_str) == Some(acted_on);
        if is_same { Self::shown(shown) } else { Self::created(collection, shown) }
    }

    pub fn written(self) -> Response {
        let (body, content_type) = match self.body {
            AnswerBody::Nothing => (Body::empty(), None),
            AnswerBody::Json(value) if self.status.is_success() => {
                (Body::from(value.to_string()), Some("application/json"))
            }
            AnswerBody::Json(value) => (Body::from(value.to_string()), Some("application/problem+json")),
            AnswerBody::Text(text) => (Body::from(text), Some("text/plain")),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(content_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))));
        for (name, value) in self.headers {
            headers.extend(HeaderValue::from_str(&value).ok().map(|value| (name, value)));
        }
        response
    }
}
