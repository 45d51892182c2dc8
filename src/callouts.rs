//! Calls out and their answers.
//!
//! The SDK files a call under the context that is active when it is sent and drops the answer when that context is
//! gone. Calls are therefore sent in the root context's own callbacks only: they outlive every request.

use hashbrown::HashMap;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};
use tessera_core::base::http::{AnswerHeaders, Body, HttpAnswer, HttpCall, HttpResult};
use tessera_core::engine::effect::CallId;

/// Calls under way, by the host's number.
#[derive(Default)]
pub struct Callouts(HashMap<u32, Sent, foldhash::fast::RandomState>);

struct Sent {
    id: CallId,
    headers: AnswerHeaders,
    max_bytes: usize,
}

/// The host did not take the call: no answer will come.
pub struct NotSent;

impl Callouts {
    /// Sends a call.
    ///
    /// # Errors
    /// [`NotSent`] when the cluster is unknown or cannot be reached at once.
    pub fn send(&mut self, id: CallId, call: &HttpCall) -> Result<(), NotSent> {
        let headers = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = (!call.body.is_empty()).then_some(call.body.as_slice());
        let number = hostcalls::dispatch_http_call(&call.cluster, headers, body, Vec::new(), call.timeout)
            .map_err(|_| NotSent)?;
        self.0.insert(number, Sent { id, headers: call.answer_headers, max_bytes: call.max_answer_bytes });
        Ok(())
    }

    /// The answer that the host has just announced; `None` for a call that was not sent here.
    pub fn receive(&mut self, number: u32, headers: usize, body_bytes: usize) -> Option<(CallId, HttpResult)> {
        let sent = self.0.remove(&number)?;
        // A call without an answer arrives without headers: an answer has its status at least.
        let result = if headers == 0 { HttpResult::Failed } else { HttpResult::Answered(answer(&sent, body_bytes)) };
        Some((sent.id, result))
    }
}

fn answer(sent: &Sent, body_bytes: usize) -> HttpAnswer {
    let first = |name: &str| hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok().flatten();
    let status = first(":status").and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    let headers = match sent.headers {
        AnswerHeaders::Only(names) => {
            names.iter().filter_map(|name| Some(((*name).to_owned(), first(name)?))).collect()
        }
        AnswerHeaders::All => {
            let map = hostcalls::get_map_bytes(MapType::HttpCallResponseHeaders).unwrap_or_default();
            map.into_iter().filter(|(name, _)| !name.starts_with(':')).collect()
        }
    };
    HttpAnswer { status: status.unwrap_or(0), headers, body: body(body_bytes, sent.max_bytes) }
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
