//! The callbacks that every request goes through, past the SDK.
//!
//! The SDK keeps an object for each request, which each callback has to find in a hash map. A request needs none: what
//! it waits for, its plugin's worker knows. So these functions take the place of the SDK's in the finished module (a
//! build step exports them under the ABI's names); root contexts pass through them to the SDK.
//!
//! Envoy creates a request's context and hands over its headers in one go. So it is enough to note for one request at a
//! time which plugin it belongs to; a request that comes without that note is refused.

use crate::plugin::Shared;
use crate::sdk;
use crate::stream::{self, Passed};
use crate::turn;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tessera_core::engine::effect::StreamId;

/// The parent of a root context.
const NO_PARENT: u32 = 0;

// Of this VM: it may run the plugins of several configurations, each under a root context of its own.
thread_local! {
    static PLUGINS: RefCell<Vec<Rc<Shared>>> = const { RefCell::new(Vec::new()) };
    static ARRIVING: Cell<Arriving> = const { Cell::new(Arriving { context: 0, root: 0 }) };
}

/// A request whose context has been created.
#[derive(Clone, Copy)]
struct Arriving {
    context: u32,
    root: u32,
}

/// Lets the plugin's requests find it.
pub fn enlist(plugin: Rc<Shared>) {
    PLUGINS.with_borrow_mut(|plugins| plugins.push(plugin));
}

/// The plugin is gone.
pub fn strike(root: u32) {
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

/// What Envoy does with a request's headers, and with what comes behind them (`FilterHeadersStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HeadersStatus {
    /// They go on.
    Continue = 0,
    /// They stay, and so do body and trailers. The SDK's `Pause` holds back nothing but the headers where the
    /// plugin's configuration says `allow_on_headers_stop_iteration`, and the first bytes of a body take them along.
    StopAllIterationAndWatermark = 4,
}

/// What Envoy does with a request's trailers (`FilterTrailersStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TrailersStatus {
    /// They go on.
    Continue = 0,
    /// They stay.
    StopIteration = 1,
}

/// `proxy_on_request_headers`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_request_headers(context: u32, _: usize, _: bool) -> HeadersStatus {
    let arriving = ARRIVING.get();
    PLUGINS.with_borrow(|plugins| {
        let plugin = plugins.iter().find(|plugin| plugin.root == arriving.root && arriving.context == context);
        let ended = match plugin {
            Some(plugin) => stream::judge(plugin, StreamId(context)),
            None => Some(stream::fail()),
        };
        if let Some(plugin) = plugin.filter(|plugin| plugin.has_calls_to_send()) {
            // Without it, the next tick sends them.
            let _ = turn::take(plugin.root);
        }
        match ended {
            Some(Passed::Upstream) => HeadersStatus::Continue,
            Some(Passed::Replied) | None => HeadersStatus::StopAllIterationAndWatermark,
        }
    })
}

/// `proxy_on_request_trailers`. They come after the headers have passed, and reach upstreams that speak HTTP/2.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_request_trailers(_: u32, _: usize) -> TrailersStatus {
    // Whose request it is, is known no more. Rather too few trailers than one that is believed.
    let stripped = PLUGINS.with_borrow(|plugins| plugins.iter().all(|plugin| stream::strip_trailers(plugin)));
    if stripped {
        TrailersStatus::Continue
    } else {
        stream::fail();
        TrailersStatus::StopIteration
    }
}

/// `proxy_on_queue_ready`. A message may outlive the VM that it was for: in the next one, the number of that root
/// context may be a request's, which the SDK does not put up with.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_queue_ready(context: u32, queue: u32) {
    if PLUGINS.with_borrow(|plugins| plugins.iter().any(|plugin| plugin.root == context)) {
        sdk::proxy_on_queue_ready(context, queue);
    }
}

/// `proxy_on_delete`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_delete(context: u32) {
    let is_root = PLUGINS.with_borrow(|plugins| {
        let leaving = plugins.iter().find(|plugin| plugin.root == context);
        match leaving {
            Some(plugin) => plugin.retire(),
            None => plugins.iter().for_each(|plugin| plugin.on_stream_gone(StreamId(context))),
        }
        leaving.is_some()
    });
    if is_root {
        sdk::proxy_on_delete(context);
    }
}
