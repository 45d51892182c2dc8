//! HTTP calls with bounds: no redirects, answers of limited size, in limited time, `https` or loopback.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

/// Longest answer that is read.
const MOST_BYTES: usize = 256 << 10;

/// A client for calls of that length at most, of which connecting may take three quarters: so it is known of most calls
/// whether the server has seen anything of them.
///
/// # Errors
/// The machine has no usable trust store.
pub fn client(within: Duration) -> Result<Client, reqwest::Error> {
    // Another one is installed already only if it is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let connected = within.saturating_mul(3) / 4;
    let builder = Client::builder().redirect(Policy::none()).timeout(within).connect_timeout(connected);
    builder.no_proxy().user_agent("tessera-registry").build()
}

/// The head of an answer, and what is known of its body.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    /// `Retry-After`, as it stands there.
    pub retry_after: Option<String>,
    /// Or why it is not whole.
    pub body: Result<Vec<u8>, String>,
}

/// Why there is no answer. The text is for the log, without the URL, which may be somebody's secret.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody was there to be asked.
    NotConnected(String),
    /// The server may have seen the request.
    Lost(String),
}

impl NoAnswer {
    pub fn why(self) -> String {
        match self {
            Self::NotConnected(why) | Self::Lost(why) => why,
        }
    }
}

/// The status of an answer; whatever follows is not read.
///
/// # Errors
/// As [`answer`].
pub async fn status(request: RequestBuilder) -> Result<u16, String> {
    Ok(request.send().await.map_err(told)?.status().as_u16())
}

/// Status and body of an answer.
///
/// # Errors
/// Why there is none, for the log; without the URL, which may be somebody's secret.
pub async fn answer(request: RequestBuilder) -> Result<(u16, Vec<u8>), String> {
    let answered = exchange(request).await.map_err(NoAnswer::why)?;
    Ok((answered.status, answered.body?))
}

/// An answer, of which the head may be all that has come.
///
/// # Errors
/// There is none.
pub async fn exchange(request: RequestBuilder) -> Result<Answered, NoAnswer> {
    let response = request.send().await.map_err(|error| match error.is_connect() || error.is_builder() {
        true => NoAnswer::NotConnected(told(error)),
        false => NoAnswer::Lost(told(error)),
    })?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Answered { status, retry_after, body: body(response).await })
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        if body.len().saturating_add(chunk.len()) > MOST_BYTES {
            return Err(format!("an answer of more than {MOST_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn told(error: reqwest::Error) -> String {
    use std::error::Error;
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
