//! The module's exports: those that the SDK defines, and those that a module may have in their place.

use proxy_wasm::types::Action;

/// What callbacks return in place of an [`Action`] is known by its number.
pub type Status = u32;

unsafe extern "C" {
    pub safe fn proxy_on_context_create(context: u32, parent: u32);
    pub safe fn proxy_on_vm_start(context: u32, size: usize) -> bool;
    pub safe fn proxy_on_configure(context: u32, size: usize) -> bool;
    pub safe fn proxy_on_request_headers(context: u32, count: usize, end_of_stream: bool) -> Action;
    pub safe fn proxy_on_response_headers(context: u32, count: usize, end_of_stream: bool) -> Action;
    pub safe fn proxy_on_http_call_response(context: u32, call: u32, headers: usize, body: usize, trailers: usize);
    pub safe fn proxy_on_queue_ready(context: u32, queue: u32);
    pub safe fn proxy_on_tick(context: u32);
    pub safe fn proxy_on_done(context: u32) -> bool;
    pub safe fn proxy_on_log(context: u32);
    pub safe fn proxy_on_delete(context: u32);
}

/// The exports in which modules differ. Envoy calls what there is.
#[derive(Clone, Copy)]
pub struct Module {
    /// `_initialize`.
    pub initialize: fn(),
    /// `proxy_on_context_create`.
    pub context_create: extern "C" fn(u32, u32),
    /// `proxy_on_request_headers`.
    pub request_headers: fn(u32, usize, bool) -> Status,
    /// `proxy_on_request_trailers`.
    pub request_trailers: Option<fn(u32, usize) -> Status>,
    /// `proxy_on_response_headers`.
    pub response_headers: Option<extern "C" fn(u32, usize, bool) -> Action>,
    /// `proxy_on_log`.
    pub log: Option<extern "C" fn(u32)>,
    /// `proxy_on_http_call_response`.
    pub http_call_response: extern "C" fn(u32, u32, usize, usize, usize),
    /// `proxy_on_queue_ready`.
    pub queue_ready: extern "C" fn(u32, u32),
    /// `proxy_on_done`.
    pub done: Option<extern "C" fn(u32) -> bool>,
    /// `proxy_on_delete`.
    pub delete: extern "C" fn(u32),
}

impl Module {
    /// A module that exports all that the SDK defines.
    pub fn of_the_sdk(initialize: fn()) -> Self {
        Self {
            initialize,
            context_create: proxy_on_context_create,
            request_headers: |context, count, end| proxy_on_request_headers(context, count, end) as Status,
            request_trailers: None,
            response_headers: Some(proxy_on_response_headers),
            log: Some(proxy_on_log),
            http_call_response: proxy_on_http_call_response,
            queue_ready: proxy_on_queue_ready,
            done: Some(proxy_on_done),
            delete: proxy_on_delete,
        }
    }
}
