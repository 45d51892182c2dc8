//! The introspection answer (RFC 7662 §2.2, §2.3): a token's state, or why it tells nothing.

use super::claims::ClaimNames;
use super::json::Json;
use super::members::{Member, Members};
use crate::base::http::{Body, HttpAnswer, HttpResult};
use crate::base::retry_after::retry_after;
use crate::base::time::Timestamp;
use crate::provider::failure::{Failure, LONGEST_RETRY_AFTER};
use crate::token::facts::TokenState;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;

/// Most bytes an answer may have.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What the answer that arrived at `now` says of the token. `own_token`: see [`Endpoint::sends_own_token`].
///
/// [`Endpoint::sends_own_token`]: super::request::Endpoint::sends_own_token
///
/// # Errors
/// The [`Failure`], when it says nothing that can be relied on.
pub fn read(result: &HttpResult, names: &ClaimNames, own_token: bool, now: Timestamp) -> Result<TokenState, Failure> {
    let HttpResult::Answered(answer) = result else { return Err(Failure::Unreachable) };
    match answer.status {
        200 if answer.is_coded() => Err(Failure::Coded),
        200 => state(body(answer)?, names, now),
        400 | 401 if speaks_of_the_token(answer, own_token) => Ok(TokenState::Inactive),
        status @ (400 | 401 | 403) => Err(Failure::Unauthorized(status)),
        status @ (429 | 500..) => Err(Failure::Unavailable { status, retry_after: asked_to_wait(answer, now) }),
        status => Err(Failure::UnexpectedStatus(status)),
    }
}

fn state(json: &[u8], names: &ClaimNames, now: Timestamp) -> Result<TokenState, Failure> {
    let members = Members::read(json, &|name, member| member.is_some() || names.wants(name))?;
    match members.value(Member::Active) {
        Some(Json::Other(Value::Bool(true))) => Ok(TokenState::Active(Rc::new(names.facts(&members, now)?))),
        Some(Json::Other(Value::Bool(false))) => Ok(TokenState::Inactive),
        _ => Err(Failure::ActiveUnreadable),
    }
}

fn body(answer: &HttpAnswer) -> Result<&[u8], Failure> {
    match &answer.body {
        Body::Whole(bytes) if bytes.len() <= MAX_ANSWER_BYTES => Ok(bytes),
        Body::Whole(bytes) => Err(Failure::TooLarge(bytes.len())),
        Body::TooLarge(bytes) => Err(Failure::TooLarge(*bytes)),
    }
}

/// `Retry-After` means this in a 429 (RFC 6585 §4) and a 503 (RFC 9110 §10.2.3). No time at all asks for nothing.
fn asked_to_wait(answer: &HttpAnswer, now: Timestamp) -> Option<Duration> {
    let says_so = matches!(answer.status, 429 | 503);
    let wait = says_so.then(|| retry_after(answer, now, LONGEST_RETRY_AFTER)).flatten();
    wait.filter(|wait| !wait.is_zero())
}

/// Some servers answer an unknown token with an OAuth error that names the token, not the caller. But a 401 with
/// `invalid_token` is how a caller's own access token is refused (RFC 7662 §2.3, RFC 6750 §3.1).
fn speaks_of_the_token(answer: &HttpAnswer, own_token: bool) -> bool {
    let error = body(answer).and_then(|json| Members::read(json, &|name, _| name == "error"));
    error.is_ok_and(|members| {
        let code = members.named("error").and_then(Json::as_text);
        match code {
            Some("invalid_token") => !(own_token && answer.status == 401),
            code => code == Some("unsupported_token_type"),
        }
    })
}

#[cfg(test)]
mod tests;
