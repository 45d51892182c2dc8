//! HTTP calls and their answers.

use crate::abi;
use hashbrown::HashMap;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};
use tessera_core::base::headers::HeaderMap;
use tessera_core::base::http::{AnswerHeaders, Body, HttpAnswer, HttpCall, HttpResult, NoAnswer};
use tessera_core::engine::effect::CallId;
use tessera_core::port::HostFailure;

/// A header that Envoy gives each answer of a server, and none that it makes itself.
const SERVED: &str = "x-envoy-upstream-service-time";
/// A header of those that it makes because a circuit breaker is open.
const OVERLOADED: &str = "x-envoy-overloaded";

/// Calls in flight, by the host's number.
#[derive(Default)]
pub struct Callouts(HashMap<u32, Sent, foldhash::fast::RandomState>);

struct Sent {
    call: CallId,
    headers: AnswerHeaders,
    max_bytes: usize,
}

impl Callouts {
    /// Sends a call. It outlives the request in whose callback that is done.
    ///
    /// # Errors
    /// [`HostFailure`] when the cluster is unknown or cannot be reached at once: no answer will come.
    pub fn send(&mut self, call: CallId, request: &HttpCall) -> Result<(), HostFailure> {
        let HttpCall { cluster, headers, body, timeout, answer_headers, max_answer_bytes } = request;
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name, value)).collect();
        let number = abi::http_call(cluster, &headers, body, *timeout)?;
        self.0.insert(number, Sent { call, headers: *answer_headers, max_bytes: *max_answer_bytes });
        Ok(())
    }

    /// The answer that the host has just announced; `None` for a call that was not sent here.
    pub fn receive(&mut self, number: u32, headers: usize, body_bytes: usize) -> Option<(CallId, HttpResult)> {
        let sent = self.0.remove(&number)?;
        // A call that broke off arrives without headers; an answer has at least its status.
        let result = if headers == 0 { HttpResult::Failed(NoAnswer::BrokenOff) } else { result(&sent, body_bytes) };
        Some((sent.call, result))
    }
}

fn result(sent: &Sent, body_bytes: usize) -> HttpResult {
    let first = |name: &str| hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok().flatten();
    let status = first(":status").and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()).unwrap_or(0);
    if status >= 500 && first(SERVED).is_none() {
        let is_unsent = first(OVERLOADED).is_some();
        return HttpResult::Failed(if is_unsent { NoAnswer::Unsent } else { NoAnswer::of_status(status) });
    }
    let headers = match sent.headers {
        AnswerHeaders::Only(names) => {
            names.iter().filter_map(|name| Some(((*name).to_owned(), first(name)?))).collect()
        }
        AnswerHeaders::All => {
            let map = hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders).unwrap_or_default();
            map.into_iter().filter(|(name, _)| !name.starts_with(':')).collect()
        }
    };
    HttpResult::Answered(HttpAnswer { status, headers, body: body(body_bytes, sent.max_bytes) })
}

fn body(bytes: usize, max_bytes: usize) -> Body {
    if bytes > max_bytes {
        return Body::TooLarge(bytes);
    }
    if bytes == 0 {
        return Body::default();
    }
    let copied = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, bytes);
    Body::Whole(copied.ok().flatten().unwrap_or_default())
}
