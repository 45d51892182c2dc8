//! The callbacks that every request goes through, past the SDK.
//!
//! The SDK keeps an object for each request, which each callback has to find in a hash map. A request needs none: what
//! it waits for, its plugin's worker knows. So these functions take the place of the SDK's in the finished module (a
//! build step exports them under the ABI's names); root contexts pass through them to the SDK.
//!
//! Envoy creates a request's context and hands over its headers in one go. So it is enough to note for one request at a
//! time which plugin it belongs to; a request that comes without that note is refused.

use super::plugin::Shared;
use super::sdk;
use super::stream;
use super::turn;
use crate::engine::effect::StreamId;
use proxy_wasm::types::Action;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

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

/// `proxy_on_request_headers`.
#[allow(unsafe_code)]
// SAFETY: nothing else has this name.
#[unsafe(no_mangle)]
pub extern "C" fn tessera_on_request_headers(context: u32, _: usize, _: bool) -> Action {
    let arriving = ARRIVING.get();
    PLUGINS.with_borrow(|plugins| {
        let plugin = plugins.iter().find(|plugin| plugin.root == arriving.root && arriving.context == context);
        let Some(plugin) = plugin else { return stream::fail() };
        let action = stream::judge(plugin, StreamId(context));
        if plugin.has_calls_to_send() {
            // Without it, the next tick sends them.
            let _ = turn::take(plugin.root);
        }
        action
    })
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
