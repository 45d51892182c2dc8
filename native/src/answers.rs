//! What the answers to calls say.

use crate::abi::Answer;
use tessera_core::base::http::{AnswerHeaders, Body, HttpAnswer, HttpResult, NoAnswer};
use tessera_core::engine::effect::CallId;

/// A header that Envoy gives each answer of a server, and none that it makes itself.
const SERVED: &str = "x-envoy-upstream-service-time";
/// A header of those that it makes because a circuit breaker is open.
const OVERLOADED: &str = "x-envoy-overloaded";

/// A call in flight.
pub struct Sent {
    /// Index of the engine that has asked for it.
    pub shard: usize,
    pub call: CallId,
    pub headers: AnswerHeaders,
    pub max_bytes: usize,
}

/// What came of a call; `None` when it broke off.
pub fn result(sent: &Sent, answer: Option<&Answer<'_>>) -> HttpResult {
    let Some(answer) = answer else { return HttpResult::Failed(NoAnswer::BrokenOff) };
    let status = answer.first(":status").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0);
    if status >= 500 && answer.first(SERVED).is_none() {
        let is_unsent = answer.first(OVERLOADED).is_some();
        return HttpResult::Failed(if is_unsent { NoAnswer::Unsent } else { NoAnswer::of_status(status) });
    }
    let headers = match sent.headers {
        AnswerHeaders::Only(names) => {
            names.iter().filter_map(|name| Some(((*name).to_owned(), answer.first(name)?.to_vec()))).collect()
        }
        AnswerHeaders::All => {
            let lines = answer.headers.iter().filter(|(name, _)| !name.starts_with(b":"));
            lines.map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec())).collect()
        }
    };
    HttpResult::Answered(HttpAnswer { status, headers, body: body(&answer.body, sent.max_bytes) })
}

fn body(chunks: &[&[u8]], max_bytes: usize) -> Body {
    let bytes = chunks.iter().map(|chunk| chunk.len()).sum();
    if bytes > max_bytes { Body::TooLarge(bytes) } else { Body::Whole(chunks.concat()) }
}
