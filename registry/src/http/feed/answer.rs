//! What a poll is told, as an HTTP answer.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, ETAG, LINK};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use tessera_core::contract::DocumentKind;

use crate::http::problem::HttpProblem;
use crate::http::problem_types::{BEHIND, GONE, HELD, INTERNAL};
use crate::use_case::feed::{Document, Told};

pub const PATH: &str = "/v1/contracts";
pub const VARY: HeaderValue = HeaderValue::from_static("authorization");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The label that the answer is counted under, in its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted(pub &'static str);

/// The position of the answer's cursor, in its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(pub i64);

/// # Errors
/// The answer that is no document.
pub fn written(told: Told, known: &[String], waited: Option<u64>) -> Result<Response, HttpProblem> {
    let document = match told {
        Told::Document(document) => document,
        Told::Gone => return Err(HttpProblem::new(&GONE, "begin with a new snapshot: ask without since")),
        Told::Behind => return Err(HttpProblem::later(&BEHIND, "the cursor is ahead of what this replica sees", 1)),
        Told::Held => return Err(HttpProblem::later(&HELD, "restored from a backup, and not released yet", 5)),
    };
    let mut response = of_document(document, known)?;
    if let Some(seconds) = waited {
        response.headers_mut().insert(PREFERENCE_APPLIED, header(&format!("wait={seconds}"))?);
    }
    Ok(response)
}

fn of_document(document: Document, known: &[String]) -> Result<Response, HttpProblem> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Position(document.position));
    if document.is_whole_delta {
        let tag = format!("\"{}\"", document.cursor);
        let is_known = known.iter().any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
        response.headers_mut().insert(ETAG, header(&format!("W/{tag}"))?);
        if document.is_empty && is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.extensions_mut().insert(Counted("unchanged"));
            return Ok(response);
        }
    }
    if let Some(next) = &document.next {
        response.headers_mut().insert(LINK, header(&format!("<{PATH}?page={next}>; rel=\"next\""))?);
    }
    let counted = match document.kind {
        DocumentKind::Snapshot => "snapshot",
        DocumentKind::Delta if document.is_empty => "unchanged",
        DocumentKind::Delta => "delta",
    };
    response.extensions_mut().insert(Counted(counted));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = Body::from(Bytes::from_owner(Shared(document.json)));
    Ok(response)
}

fn header(text: &str) -> Result<HeaderValue, HttpProblem> {
    HeaderValue::from_str(text).map_err(|_| HttpProblem::new(&INTERNAL, "a cursor that no header can carry"))
}

/// A text that others have, too.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
