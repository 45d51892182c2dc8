//! What a call has ended as, told by its answer.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use tessera_core::base::http::HttpAnswer;
use tessera_core::base::retry_after::retry_after;
use tessera_core::base::time::Timestamp;

use crate::domain::time::Time;
use crate::http::json;
use crate::remote::fetch::{Answered, NoAnswer, exchange};
use crate::remote::withheld::Secrets;
use crate::use_case::registrar::{Called, Failure};

/// Whatever a server asks for, it is asked again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Longest code of an error that is shown, in characters.
const MAX_CODE: usize = 100;

/// An answer 2xx.
#[derive(Debug)]
pub struct Good {
    pub status: u16,
    /// Or why it is not whole.
    pub body: Result<Vec<u8>, String>,
}

impl Good {
    /// Its JSON object, and nothing else.
    ///
    /// # Errors
    /// What is wrong with it; nothing of it is quoted.
    pub fn object(&self) -> Result<Map<String, Value>, String> {
        match json::read(self.body.as_ref().map_err(Clone::clone)?) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err("the answer is no JSON object, or has a member twice".to_owned()),
        }
    }
}

/// A failure with a word of ours.
pub fn failure(error: &str, description: impl Into<String>) -> Failure {
    Failure { error: Some(error.to_owned()), description: Some(description.into()), ..Failure::default() }
}

/// Sends a request. What is not 2xx has ended; nothing of what the server says about it repeats a secret.
pub async fn call(request: RequestBuilder, secrets: &Secrets, now: Time) -> Called<Good> {
    match exchange(request).await {
        Ok(answered) if (200..=299).contains(&answered.status) => {
            Called::Done(Good { status: answered.status, body: answered.body })
        }
        Ok(answered) => ended(&answered, secrets, now),
        Err(NoAnswer::NotConnected(why)) => Called::NotDone(failure("no_connection", why), None),
        Err(NoAnswer::Lost(why)) => Called::Unknown(failure("no_answer", why)),
    }
}

/// Of the answer, where there was one.
pub fn status_of(called: &Called<Good>) -> Option<u16> {
    match called {
        Called::Done(good) => Some(good.status),
        Called::Refused(failure) | Called::NotDone(failure, _) | Called::Unknown(failure) => failure.status,
    }
}

/// Of the codes 4xx, 408 and 425 say that the request was not looked at (RFC 9110, 15.5.9; RFC 8470, 5.2).
fn ended<T>(answered: &Answered, secrets: &Secrets, now: Time) -> Called<T> {
    let failure = said(answered, secrets);
    match answered.status {
        401 | 403 | 408 | 425 | 429 | 503 => Called::NotDone(failure, pause(answered, now)),
        300..=499 => Called::Refused(failure),
        _ => Called::Unknown(failure),
    }
}

fn pause(answered: &Answered, now: Time) -> Option<Duration> {
    let value = answered.retry_after.as_ref()?.clone().into_bytes();
    let headers = vec![("retry-after".to_owned(), value)];
    retry_after(
        &HttpAnswer { headers, ..HttpAnswer::default() },
        Timestamp::from_millis(now.as_millis()),
        LONGEST_PAUSE,
    )
}

/// The members of RFC 7591, 3.2.2 and RFC 6749, 5.2, or those of Microsoft Graph, of which the inner code says more. Of
/// anything else a server answers nothing is shown.
fn said(answered: &Answered, secrets: &Secrets) -> Failure {
    let body = answered.body.as_ref().ok().and_then(|body| json::read(body).ok());
    let text = |pointer: &str| body.as_ref()?.pointer(pointer)?.as_str().and_then(|text| secrets.shown(text));
    let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| text(pointer));
    let error = first(&["/error", "/error/details/0/code", "/error/code"]);
    let error = error.map(|code| code.chars().take(MAX_CODE).collect());
    let description = first(&["/error_description", "/error/message"]);
    Failure { status: Some(answered.status), error, description, client_id: None }
}
