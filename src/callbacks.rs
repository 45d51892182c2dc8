//! The callbacks of every request, defined without the SDK.
//!
//! The SDK keeps an object for each request and looks it up in a hash map in each callback. It also files each call
//! under the context that sends it, and drops the answer when that context ends. Our requests need no object: the
//! worker knows what each one waits for. And Envoy sends every call on the root context, whose callback brings the
//! answer. So these functions replace the SDK's in the finished module (a build step exports them under the ABI's
//! names).
//!
//! Envoy creates a request's context and passes its headers in immediate succession. So it is enough to remember,
//! for one request at a time, which plugin it belongs to; a request without that is refused.

use crate::plugin::Plugin;
use crate::sdk;
use crate::stream::{self, Passed};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tessera_core::engine::effect::StreamId;

const NO_PARENT: u32 = 0;

// Per VM, which may run the plugins of several configurations, each with its own root context.
thread_local! {
    static PLUGINS: RefCell<Vec<Rc<Plugin>>> = const { RefCell::new(Vec::new()) };
    static ARRIVING: Cell<Arriving> = const { Cell::new(Arriving { context: 0, root: 0 }) };
}

/// A request whose context has been created.
#[derive(Clone, Copy)]
struct Arriving {
    context: u32,
    root: u32,
}

pub fn register(plugin: Rc<Plugin>) {
    PLUGINS.with_borrow_mut(|plugins| plugins.push(plugin));
}

pub fn remove(root: u32) {
    // At a thread's end the list may be gone before the plugins are.
    let _ = PLUGINS.try_with(|plugins| plugins.borrow_mut().retain(|plugin| plugin.root != root));
}

/// `proxy_on_context_create`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_context_create(context: u32, parent: u32) {
    match parent {
        NO_PARENT => sdk::proxy_on_context_create(context, parent),
        root => ARRIVING.set(Arriving { context, root }),
    }
}

/// What Envoy does with a request's headers, and with what follows them (`FilterHeadersStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HeadersStatus {
    Continue = 0,
    /// They stay, and so do body and trailers. The SDK's `Pause` holds back nothing but the headers where the
    /// plugin's configuration says `allow_on_headers_stop_iteration`, and the first bytes of a body take them along.
    StopAllIterationAndWatermark = 4,
}

/// What Envoy does with a request's trailers (`FilterTrailersStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TrailersStatus {
    Continue = 0,
    StopIteration = 1,
}

/// `proxy_on_request_headers`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_request_headers(context: u32, _: usize, _: bool) -> HeadersStatus {
    let arriving = ARRIVING.get();
    let root = if arriving.context == context { arriving.root } else { NO_PARENT };
    let passed = with_plugin(root, |plugin| plugin.on_request_headers(StreamId(context)));
    match passed.unwrap_or_else(|| Some(stream::fail())) {
        Some(Passed::Upstream) => HeadersStatus::Continue,
        Some(Passed::Replied) | None => HeadersStatus::StopAllIterationAndWatermark,
    }
}

/// `proxy_on_request_trailers`. They come after the headers have passed, and reach upstreams that speak HTTP/2.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_request_trailers(_: u32, _: usize) -> TrailersStatus {
    // Which plugin's request it is, is no longer known. It is safer to remove too many trailers than too few.
    let stripped = PLUGINS.with_borrow(|plugins| plugins.iter().all(|plugin| plugin.strip_trailers()));
    if stripped {
        TrailersStatus::Continue
    } else {
        stream::fail();
        TrailersStatus::StopIteration
    }
}

/// `proxy_on_http_call_response`. The answer to a call of a root context that is gone is nobody's.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_http_call_response(context: u32, call: u32, headers: usize, body: usize, _: usize) {
    with_plugin(context, |plugin| plugin.on_http_call_response(call, headers, body));
}

/// `proxy_on_queue_ready`. A message may outlive the VM that it was for: in the next one, the number of that root
/// context may be a request's.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_queue_ready(context: u32, queue: u32) {
    with_plugin(context, |plugin| plugin.on_queue_ready(queue));
}

/// `proxy_on_delete`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_delete(context: u32) {
    let is_root = PLUGINS.with_borrow(|plugins| {
        let leaving = plugins.iter().find(|plugin| plugin.root == context);
        match leaving {
            Some(plugin) => plugin.shut_down(),
            None => plugins.iter().for_each(|plugin| plugin.on_stream_gone(StreamId(context))),
        }
        leaving.is_some()
    });
    if is_root {
        sdk::proxy_on_delete(context);
    }
}

fn with_plugin<T>(root: u32, work: impl FnOnce(&Plugin) -> T) -> Option<T> {
    PLUGINS.with_borrow(|plugins| plugins.iter().find(|plugin| plugin.root == root).map(|plugin| work(plugin)))
}
