//! `Idempotency-Key`: a POST that is repeated has its first answer again, and no second effect.

use axum::http::header::{ETAG, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::kept_answer::KeptAnswer;
use crate::domain::principal::{Caller, Role};
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;
use crate::domain::token_text::hexadecimal;
use crate::http::answer::{AnswerBody, ApiAnswer};
use crate::http::at_once::running;
use crate::http::problem::HttpProblem;
use crate::http::problem_types::{KEY_REUSED, REQUEST_RUNNING};
use crate::http::registry::Registry;
use crate::use_case::idempotency::{first_answer, keep};
use crate::use_case::store::{StoreError, Transaction};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request as its key knows it.
pub struct Keyed {
    id: String,
    request: String,
    organisation: String,
    roles: Vec<Role>,
    /// The member of its answer that is not kept.
    secret: Option<&'static str>,
}

impl Keyed {
    pub fn new(key: &str, caller: &Caller, parts: &Parts, body: &[u8], secret: Option<&'static str>) -> Self {
        let digest = |texts: &[&[u8]]| {
            let mut hash = Sha256::new();
            for text in texts {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
            hexadecimal(&hash.finalize())
        };
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        Self {
            id: digest(&[caller.principal.to_string().as_bytes(), key.as_bytes()]),
            request: digest(&[parts.method.as_str().as_bytes(), path.as_bytes(), body]),
            organisation: caller.organisation.clone(),
            roles: caller.roles.clone(),
            secret,
        }
    }

    /// Keeps the answer in the transaction of its effect.
    ///
    /// # Errors
    /// Another replica was first; those of the store.
    pub async fn keep(&self, tx: &mut dyn Transaction, answer: &ApiAnswer, now: Time) -> Result<(), HttpProblem> {
        let mut body = match &answer.body {
            AnswerBody::Json(value) => value.clone(),
            AnswerBody::Nothing | AnswerBody::Text(_) => Value::Null,
        };
        if let Some(secret) = self.secret.and_then(|member| body.get_mut(member)) {
            *secret = Value::Null;
        }
        let header =
            |name: HeaderName| answer.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        let kept = KeptAnswer {
            id: self.id.clone(),
            at: now,
            roles: self.roles.iter().map(Role::to_string).collect(),
            request: self.request.clone(),
            status: answer.status.as_u16(),
            etag: header(ETAG),
            location: header(LOCATION),
            body,
        };
        keep(tx, &self.organisation, kept).await.map_err(|error| match error {
            StoreError::Exists => running(),
            error => error.into(),
        })
    }
}

/// The first answer to this request, or else what `perform` makes of it: it keeps what it answers itself, but for
/// problems.
pub async fn once(
    registry: &Registry,
    keyed: &Keyed,
    request_id: &str,
    perform: impl AsyncFnOnce() -> Result<ApiAnswer, HttpProblem>,
) -> Result<ApiAnswer, HttpProblem> {
    let _turn = registry.at_once.begin(&format!("{} {}", keyed.organisation, keyed.id))?;
    let outside = &registry.outside;
    let now = outside.clock.now();
    let first = first_answer(&mut *outside.store.read().await?, &keyed.organisation, &keyed.id, now).await?;
    match first {
        Some(first) if !first.is_for(&keyed.roles) => return Err(Refusal::Forbidden.into()),
        Some(first) if first.request == keyed.request => return Ok(replayed(first)),
        Some(_) => return Err(HttpProblem::new(&KEY_REUSED, "this Idempotency-Key came with another request")),
        None => {}
    }
    let problem = match perform().await {
        Err(problem) if is_kept(&problem) => problem,
        other => return other,
    };
    let mut answer = ApiAnswer::value(problem.body(&registry.settings.public_url, request_id));
    answer.status = problem.status();
    let mut tx = outside.store.write().await?;
    keyed.keep(&mut *tx, &answer, now).await?;
    tx.commit().await?;
    Err(problem)
}

/// The errors of clients that are not kept: they may be otherwise the next time.
pub const NOT_KEPT: [u16; 6] = [401, 403, 404, 408, 413, 429];

fn is_kept(problem: &HttpProblem) -> bool {
    let status = problem.status();
    status.is_client_error() && !NOT_KEPT.contains(&status.as_u16()) && problem.kind() != &REQUEST_RUNNING
}

fn replayed(first: KeptAnswer) -> ApiAnswer {
    let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(ETAG, first.etag), (LOCATION, first.location), (REPLAYED, Some("true".to_owned()))];
    let body = if status == StatusCode::NO_CONTENT { AnswerBody::Nothing } else { AnswerBody::Json(first.body) };
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    ApiAnswer { status, headers, body, asking: None }
}
