//! What Envoy calls. A panic ends in the hook in which it came up: it refuses the request that the hook is for, and
//! touches no other.
//!
//! What carries a plan out may have Envoy end the request, and with it call for `destroy`, before it returns. So no hook
//! keeps a reference to its request meanwhile.
#![allow(unsafe_code)]

use crate::abi::{
    Answer, ConfigHost, ConfigPtr, EnvoyBuffer, FilterPtr, Header, HttpFilter, Map, abi_version, lent_bytes, log,
};
use crate::carrying_out::{carry_out, carry_out_on};
use crate::lock::lock;
use crate::plan::Plan;
use crate::plugin::Plugin;
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Mutex};
use tessera_core::engine::effect::StreamId;

/// What Envoy does with a request's headers.
#[repr(u32)]
pub enum HeadersStatus {
    Continue = 0,
    /// They stay, and so do body and trailers.
    StopAllIterationAndWatermark = 4,
}

/// What Envoy does with anything that follows the headers.
#[repr(u32)]
pub enum FollowingStatus {
    Continue = 0,
    StopIteration = 1,
}

/// A request: which engine judges it, and its number there while it waits.
struct Request {
    plugin: Arc<Plugin>,
    shard: usize,
    waits: Cell<Option<StreamId>>,
}

/// The configurations that Envoy has, by address. The hooks of the main thread find theirs here: it may end on the thread
/// of its last request, while the main thread is about to use it.
static PLUGINS: Mutex<Vec<Arc<Plugin>>> = Mutex::new(Vec::new());

fn plugin_at(address: *const c_void) -> Option<Arc<Plugin>> {
    let plugins = lock(&PLUGINS);
    plugins.iter().find(|plugin| ptr::addr_eq(Arc::as_ptr(plugin), address)).map(Arc::clone)
}

// SAFETY: nothing else has this name. So with those below.
#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    std::panic::set_hook(Box::new(|panic| {
        // Where, and not why: a text may repeat what must not be shown.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        log(log::Level::Error, &format!("a fault in the module at {place}; please report it"));
    }));
    abi_version().as_ptr()
}

/// A configuration; null for one that cannot be put to work.
///
/// # Safety
/// As the ABI has it. So with those below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    config: ConfigPtr,
    _name: EnvoyBuffer,
    text: EnvoyBuffer,
) -> *const c_void {
    // SAFETY: the configuration is new, and ended by `config_destroy`; the text is lent to this hook.
    let (host, text) = unsafe { (ConfigHost::lent(config), lent_bytes(text)) };
    let made = catch_unwind(AssertUnwindSafe(|| Plugin::new(host, text)));
    match made {
        Ok(Ok(plugin)) => {
            let address = Arc::as_ptr(&plugin).cast();
            lock(&PLUGINS).push(plugin);
            address
        }
        Ok(Err(problems)) => {
            problems.iter().for_each(|problem| log(log::Level::Error, problem));
            ptr::null()
        }
        Err(_) => ptr::null(),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(plugin: *const c_void) {
    let Some(plugin) = plugin_at(plugin) else { return };
    let _ = catch_unwind(AssertUnwindSafe(|| plugin.shut_down()));
    lock(&PLUGINS).retain(|known| !Arc::ptr_eq(known, &plugin));
}

#[unsafe(no_mangle)]
pub extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(
    _config: ConfigPtr,
    plugin: *const c_void,
    event: u64,
) {
    let Some(plugin) = plugin_at(plugin) else { return };
    let _ = catch_unwind(AssertUnwindSafe(|| plugin.on_event(event)));
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_config_http_callout_done(
    _config: ConfigPtr,
    plugin: *const c_void,
    number: u64,
    outcome: u32,
    headers: *const Header,
    lines: usize,
    chunks: *const EnvoyBuffer,
    count: usize,
) {
    const SUCCESS: u32 = 0;
    let Some(plugin) = plugin_at(plugin) else { return };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Envoy lends the answer to this hook.
        let answer = (outcome == SUCCESS).then(|| unsafe { Answer::lent(headers, lines, chunks, count) });
        plugin.on_answer(number, answer.as_ref());
    }));
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_new(
    plugin: *const c_void,
    filter: FilterPtr,
) -> *const c_void {
    let made = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: what `config_new` has given, of a configuration that has not ended: it does so after its last request.
        let plugin = unsafe {
            let plugin = plugin.cast::<Plugin>();
            Arc::increment_strong_count(plugin);
            Arc::from_raw(plugin)
        };
        // SAFETY: Envoy lends the request to this hook.
        let shard = plugin.shard_of(&unsafe { HttpFilter::lent(filter) });
        Box::into_raw(Box::new(Request { plugin, shard, waits: Cell::new(None) })).cast_const().cast()
    }));
    made.unwrap_or(ptr::null())
}

/// The engine of a request, and its number if it waits.
///
/// # Safety
/// `request` is what `new` has given, and `destroy` has not been called for it.
unsafe fn of(request: *const c_void) -> Option<(Arc<Plugin>, usize, Option<StreamId>)> {
    // SAFETY: as promised; all hooks of a request are called on one thread, and the reference ends here.
    let request = unsafe { request.cast::<Request>().as_ref() }?;
    Some((Arc::clone(&request.plugin), request.shard, request.waits.get()))
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    filter: FilterPtr,
    request: *const c_void,
    _end_of_stream: bool,
) -> HeadersStatus {
    // SAFETY: Envoy lends the request to this hook.
    let mut lent = unsafe { HttpFilter::lent(filter) };
    // SAFETY: what `new` has given.
    let Some((plugin, shard, _)) = (unsafe { of(request) }) else {
        carry_out(Plan::fail(), lent, None, false);
        return HeadersStatus::StopAllIterationAndWatermark;
    };
    let passes = catch_unwind(AssertUnwindSafe(|| {
        let (plan, waits) = plugin.judge(shard, &mut lent);
        // SAFETY: as with `of`; nothing has ended the request so far.
        if let Some(request) = unsafe { request.cast::<Request>().as_ref() } {
            request.waits.set(waits);
        }
        carry_out(plan, lent, Some((&plugin, shard)), false)
    }));
    match passes {
        Ok(true) => HeadersStatus::Continue,
        Ok(false) => HeadersStatus::StopAllIterationAndWatermark,
        Err(_) => {
            // SAFETY: Envoy lends the request to this hook; a fault comes up before it is answered or not at all.
            carry_out(Plan::fail(), unsafe { HttpFilter::lent(filter) }, None, false);
            HeadersStatus::StopAllIterationAndWatermark
        }
    }
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_scheduled(
    filter: FilterPtr,
    request: *const c_void,
    _event: u64,
) {
    // SAFETY: what `new` has given.
    let Some((plugin, shard, Some(stream))) = (unsafe { of(request) }) else { return };
    // SAFETY: Envoy lends the request to this hook.
    let lent = unsafe { HttpFilter::lent(filter) };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let Some(plan) = plugin.conclude(shard, stream, &lent) else { return };
        // SAFETY: as with `of`; nothing has ended the request so far.
        if let Some(request) = unsafe { request.cast::<Request>().as_ref() } {
            request.waits.set(None);
        }
        carry_out(plan, lent, Some((&plugin, shard)), true);
    }));
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_trailers(
    filter: FilterPtr,
    request: *const c_void,
) -> FollowingStatus {
    // SAFETY: Envoy lends the request to this hook.
    let lent = unsafe { HttpFilter::lent(filter) };
    // SAFETY: what `new` has given.
    let found = unsafe { of(request) };
    let passes = catch_unwind(AssertUnwindSafe(|| {
        let plan = found.map_or_else(Plan::fail, |(plugin, shard, _)| plugin.judge_trailers(shard, &lent));
        carry_out_on(Map::Trailers, plan, lent, None, false)
    }));
    if passes.unwrap_or(false) { FollowingStatus::Continue } else { FollowingStatus::StopIteration }
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_destroy(request: *const c_void) {
    if request.is_null() {
        return;
    }
    // SAFETY: what `new` has given; Envoy has no more use for it, and no hook keeps a reference.
    let request = unsafe { Box::from_raw(request.cast_mut().cast::<Request>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(stream) = request.waits.get() {
            request.plugin.on_stream_gone(request.shard, stream);
        }
    }));
}

/// The hooks that have to be there, and that nothing is to be done in.
macro_rules! passes_on {
    ($($name:ident($($argument:ty),*) $(-> $status:ty)?;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($(_: $argument),*) $(-> $status)? {
                $(<$status>::Continue)?
            }
        )*
    };
}

passes_on! {
    envoy_dynamic_module_on_http_filter_request_body(FilterPtr, *const c_void, bool) -> FollowingStatus;
    envoy_dynamic_module_on_http_filter_response_headers(FilterPtr, *const c_void, bool) -> FollowingStatus;
    envoy_dynamic_module_on_http_filter_response_body(FilterPtr, *const c_void, bool) -> FollowingStatus;
    envoy_dynamic_module_on_http_filter_response_trailers(FilterPtr, *const c_void) -> FollowingStatus;
    envoy_dynamic_module_on_http_filter_stream_complete(FilterPtr, *const c_void);
    envoy_dynamic_module_on_http_filter_http_callout_done(
        FilterPtr, *const c_void, u64, u32, *const Header, usize, *const EnvoyBuffer, usize
    );
    envoy_dynamic_module_on_http_filter_http_stream_headers(
        FilterPtr, *const c_void, u64, *const Header, usize, bool
    );
    envoy_dynamic_module_on_http_filter_http_stream_data(
        FilterPtr, *const c_void, u64, *const EnvoyBuffer, usize, bool
    );
    envoy_dynamic_module_on_http_filter_http_stream_trailers(FilterPtr, *const c_void, u64, *const Header, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(FilterPtr, *const c_void, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(FilterPtr, *const c_void, u64, u32);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(FilterPtr, *const c_void);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(FilterPtr, *const c_void);
}
