//! Asks the real servers, at the host and port of their URLs.

use crate::http_client::{Request, Trust, send};
use tessera_core::base::http::{Body, HttpAnswer, HttpCall, HttpResult};
use tessera_core::base::printable::Printable;

/// The answer to a call.
///
/// # Errors
/// Why there is none, as a phrase.
pub fn ask(call: &HttpCall, trust: &Trust) -> Result<HttpResult, String> {
    let pseudo = |name: &str| {
        let found = call.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let [scheme, authority, path] = [":scheme", ":authority", ":path"].map(pseudo);
    let url = format!("{scheme}://{authority}{path}");
    let headers = call.headers.iter().filter(|(name, _)| !name.starts_with(':')).cloned().collect();
    let request = Request {
        method: pseudo(":method"),
        url: &url,
        headers,
        body: call.body.clone(),
        timeout: call.timeout,
        limit: call.max_answer_bytes,
    };
    match send(&request, trust) {
        Ok(answer) => {
            let headers = answer.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
            let body = Body::Whole(answer.body);
            Ok(HttpResult::Answered(HttpAnswer { status: answer.status, headers, body }))
        }
        Err(failure) => Err(format!("{} did not answer: {failure}", Printable { text: authority, limit: 100 })),
    }
}
