//! The module's exports, as the SDK defines them.

use proxy_wasm::types::Action;

unsafe extern "C" {
    pub safe fn proxy_on_context_create(context: u32, root: u32);
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
