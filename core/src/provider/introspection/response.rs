//! The introspection response (RFC 7662 §2.2, §2.3): a token's state, or why there is none.

use crate::base::http::{Body, HttpAnswer, HttpResult};
use crate::base::json::{Json, Object};
use crate::base::retry_after::retry_after;
use crate::base::time::Timestamp;
use crate::provider::failure::{LONGEST_RETRY_AFTER, ProviderFailure};
use crate::token::claims::{self, ClaimNames};
use crate::token::facts::{Facts, TokenState};
use std::rc::Rc;
use std::time::Duration;

/// Most bytes an answer may have.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What the answer that arrived at `now` says of the token. `own_token`: see [`Endpoint::sends_own_token`].
///
/// [`Endpoint::sends_own_token`]: super::request::Endpoint::sends_own_token
///
/// # Errors
/// The [`ProviderFailure`], when it says nothing that can be relied on.
pub fn read(
    result: &HttpResult,
    names: &ClaimNames,
    own_token: bool,
    now: Timestamp,
) -> Result<TokenState, ProviderFailure> {
    let answer = match result {
        HttpResult::Answered(answer) => answer,
        HttpResult::Failed(reason) => return Err(ProviderFailure::Unreachable(*reason)),
    };
    match answer.status {
        200 if answer.is_coded() => Err(ProviderFailure::Coded),
        200 => state(whole_body(answer)?, names, now),
        400 | 401 if speaks_of_the_token(answer, own_token) => Ok(TokenState::Inactive),
        status @ (400 | 401 | 403) => Err(ProviderFailure::Unauthorized(status)),
        status @ (429 | 500..) => Err(ProviderFailure::Unavailable { status, retry_after: asked_to_wait(answer, now) }),
        status => Err(ProviderFailure::UnexpectedStatus(status)),
    }
}

fn state(json: &[u8], names: &ClaimNames, now: Timestamp) -> Result<TokenState, ProviderFailure> {
    let members = Object::read(json, &|name| matches!(name, "active" | "expires_in") || names.wants(name))?;
    match members.get("active") {
        Some(Json::Boolean(false)) => return Ok(TokenState::Inactive),
        Some(Json::Boolean(true)) => {}
        _ => return Err(ProviderFailure::ActiveUnreadable),
    }
    let facts = names.facts(&members)?;
    let expires_at = match facts.expires_at {
        Some(end) => Some(end),
        None => claims::seconds(&members, "expires_in")?.map(|left| end_of_span(left, now)),
    };
    Ok(TokenState::Active(Rc::new(Facts { expires_at, ..facts })))
}

/// A token with no time left has ended long ago: a span knows no difference between clocks that could be in its favour.
fn end_of_span(seconds: u64, now: Timestamp) -> Timestamp {
    if seconds == 0 { Timestamp::default() } else { now.plus(Duration::from_secs(seconds)) }
}

/// The body, if it is not too large.
///
/// # Errors
/// [`ProviderFailure::TooLarge`].
pub fn whole_body(answer: &HttpAnswer) -> Result<&[u8], ProviderFailure> {
    match &answer.body {
        Body::Whole(bytes) if bytes.len() <= MAX_ANSWER_BYTES => Ok(bytes),
        Body::Whole(bytes) => Err(ProviderFailure::TooLarge(bytes.len())),
        Body::TooLarge(bytes) => Err(ProviderFailure::TooLarge(*bytes)),
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
    let Ok(json) = whole_body(answer) else { return false };
    let Ok(members) = Object::read(json, &|name| name == "error") else { return false };
    match members.get("error").and_then(Json::as_text) {
        Some("invalid_token") => !(own_token && answer.status == 401),
        code => code == Some("unsupported_token_type"),
    }
}

#[cfg(test)]
mod tests;
