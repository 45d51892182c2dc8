//! HTTP calls with bounds: no redirects, answers of limited size, in limited time, `https` or loopback.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

/// Longest answer that is read.
const MOST_BYTES: usize = 256 << 10;

/// A client for calls of that length at most.
///
/// # Errors
/// The machine has no usable trust store.
pub fn client(within: Duration) -> Result<Client, reqwest::Error> {
    // Another one is installed already only if it is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().redirect(Policy::none()).timeout(within).no_proxy().user_agent("tessera-registry").build()
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
    let response = request.send().await.map_err(told)?;
    let status = response.status().as_u16();
    Ok((status, body(response).await?))
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
