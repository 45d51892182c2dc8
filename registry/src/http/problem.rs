//! Faults as answers: RFC 9457. A [`HttpProblem`] is made where the fault is found; [`super::frame`] writes its body,
//! because it knows the request's id.

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::domain::fault::Fault;
use crate::domain::refusal::Refusal;
use crate::http::problem_types as types;
use crate::http::problem_types::ProblemType;
use crate::use_case::store::StoreError;

/// Of several faults of a request that with the first of these is answered.
const ORDER: [u16; 12] = [401, 429, 405, 404, 403, 415, 413, 400, 428, 412, 422, 409];
/// So many faults of one request are named at most.
const NAMED_FAULTS: usize = 100;

#[derive(Clone, Debug)]
pub struct HttpProblem {
    kind: &'static ProblemType,
    detail: String,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl HttpProblem {
    pub fn new(kind: &'static ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), members: Map::new(), header: None }
    }

    pub fn with_errors(mut self, mut errors: Vec<Fault>) -> Self {
        errors.truncate(NAMED_FAULTS);
        self.errors = errors;
        self
    }

    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    pub fn unauthenticated() -> Self {
        let problem = Self::new(&types::UNAUTHENTICATED, "Authorization: Bearer with a valid token is needed");
        problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// To be asked again after so many seconds.
    pub fn later(kind: &'static ProblemType, detail: &str, seconds: u64) -> Self {
        Self::new(kind, detail).with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    pub fn not_found() -> Self {
        Self::new(&types::NOT_FOUND, "there is no such thing, or it is not for this caller to see")
    }

    /// These methods are allowed.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let problem = Self::new(&types::METHOD_NOT_ALLOWED, format!("allowed here: {allowed}"));
        match HeaderValue::from_str(allowed) {
            Ok(allowed) => problem.with_header(ALLOW, allowed),
            Err(_) => problem,
        }
    }

    /// That of the two which is answered.
    pub fn or_before(self, other: Option<Self>) -> Self {
        let place = |problem: &Self| {
            let status = problem.status().as_u16();
            ORDER.iter().position(|other| *other == status).unwrap_or(ORDER.len())
        };
        match other {
            Some(other) if place(&other) < place(&self) => other,
            _ => self,
        }
    }

    pub fn status(&self) -> StatusCode {
        self.kind.status
    }

    pub fn kind(&self) -> &'static ProblemType {
        self.kind
    }

    /// What is answered to the request with that id.
    pub fn body(&self, public_url: &str, request_id: &str) -> Value {
        let mut object = self.members.clone();
        object.insert("type".into(), json!(format!("{public_url}/problems/{}", self.kind.slug)));
        object.insert("title".into(), json!(self.kind.title));
        object.insert("status".into(), json!(self.kind.status.as_u16()));
        object.insert("detail".into(), json!(self.detail));
        object.insert("request_id".into(), json!(request_id));
        if !self.errors.is_empty() {
            object.insert("errors".into(), json!(self.errors));
        }
        Value::Object(object)
    }

    pub fn written(self, public_url: &str, request_id: &str) -> Response {
        let mut response = Response::new(Body::from(self.body(public_url, request_id).to_string()));
        *response.status_mut() = self.kind.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(self.header.map(|header| *header));
        response
    }
}

/// Without its body, which [`super::frame`] writes.
impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for HttpProblem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::Forbidden => Self::new(&types::FORBIDDEN, "none of the caller's roles allows this"),
            Refusal::OwnRequest => Self::new(&types::OWN_REQUEST, "somebody else has to decide on this request"),
            Refusal::InvalidQuery(faults) => Self::new(&types::INVALID_QUERY, summary(&faults)).with_errors(faults),
            Refusal::Invalid(faults) => Self::new(&types::INVALID, summary(&faults)).with_errors(faults),
            Refusal::Exists(what) => Self::new(&types::EXISTS, what),
            Refusal::InUse(what) => Self::new(&types::IN_USE, what),
            Refusal::LimitReached(which) => Self::new(&types::LIMIT_REACHED, which),
            Refusal::NotSupported(what) => Self::new(&types::NOT_SUPPORTED, what),
            Refusal::Transition { current, allowed } => transition(current, &allowed),
            Refusal::SecretGone => Self::new(&types::SECRET_GONE, "it was shown already, or its time is over"),
            Refusal::PreconditionRequired => {
                Self::new(&types::PRECONDITION_REQUIRED, "a change needs If-Match, with an ETag or *")
            }
            Refusal::PreconditionFailed => Self::new(&types::PRECONDITION_FAILED, "If-Match names another revision"),
            Refusal::Unavailable | Refusal::Collided => {
                Self::later(&types::UNAVAILABLE, "the database cannot be used now", 1)
            }
            Refusal::ProviderUnavailable(provider) => {
                let detail =
                    format!("the issuer of provider {provider} could not be asked, or gave no answer that counts");
                Self::later(&types::UNAVAILABLE, &detail, 1)
            }
            Refusal::Internal => Self::new(&types::INTERNAL, "the log has more under this request's id"),
        }
    }
}

impl From<StoreError> for HttpProblem {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

fn summary(faults: &[Fault]) -> String {
    match faults {
        [only] => format!("{}: {}", only.pointer, only.detail),
        _ => format!("{} faults", faults.len()),
    }
}

fn transition(current: &str, allowed: &[&str]) -> HttpProblem {
    let mut problem = HttpProblem::new(&types::TRANSITION, format!("it is {current}"));
    problem.members.insert("current".into(), json!(current));
    problem.members.insert("allowed".into(), json!(allowed));
    problem
}
