//! What Envoy calls. A panic ends in the hook in which it came up: it refuses the request that the hook is for, and
//! touches no other.
//!
//! [`finish`] may have Envoy end the request, and with it call for `destroy`, before it returns. So no hook keeps a
//! reference to its request, or to the configuration, meanwhile.
#![allow(unsafe_code)]

use crate::abi::{
    Answer, ConfigHost, ConfigPtr, EnvoyBuffer, FilterPtr, FollowingStatus, Header, HeadersStatus, HttpFilter, Map,
    abi_version, lent_bytes, log,
};
use crate::carrying_out::{finish, prepare};
use crate::lock::lock;
use crate::plan::Plan;
use crate::plugin::Plugin;
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Mutex};
use tessera_core::engine::effect::StreamId;

/// A request: which engine judges it, and its number there while it waits.
struct Request {
    /// Its configuration ends after it, so that nothing has to count: threads that counted would wait for one another.
    plugin: *const Plugin,
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
        let address = plugin.cast::<Plugin>();
        // SAFETY: what `config_new` has given, of a configuration that has not ended; Envoy lends the request to this hook.
        let (plugin, lent) = unsafe { (address.as_ref()?, HttpFilter::lent(filter)) };
        // Whatever becomes of the counts, the request is judged.
        let _ = catch_unwind(AssertUnwindSafe(|| plugin.on_request_begun(&lent)));
        let request = Request { plugin: address, shard: plugin.shard_of(&lent), waits: Cell::new(None) };
        Some(Box::into_raw(Box::new(request)).cast_const().cast())
    }));
    made.ok().flatten().unwrap_or(ptr::null())
}

/// A request, and its configuration.
///
/// # Safety
/// `request` is what `new` has given. `destroy` is not called for it, nor its configuration ended, while the result is in
/// use.
unsafe fn of<'a>(request: *const c_void) -> Option<(&'a Request, &'a Plugin)> {
    // SAFETY: as promised; all hooks of a request are called on one thread.
    unsafe {
        let request = request.cast::<Request>().as_ref()?;
        Some((request, request.plugin.as_ref()?))
    }
}

/// Refuses a request in whose hook a fault has come up, which it does before the request is ended or not at all.
///
/// # Safety
/// As for the hook.
unsafe fn refuse(filter: FilterPtr, request: *const c_void) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Envoy lends the request to the hook.
        let mut lent = unsafe { HttpFilter::lent(filter) };
        // SAFETY: what `new` has given; nothing ends the request before `finish`.
        let plan = match unsafe { of(request) } {
            Some((request, plugin)) => plugin.fail(request.shard, request.waits.take(), &lent),
            None => Plan::fail(),
        };
        let end = prepare(Map::Headers, plan, &mut lent, None);
        finish(end, lent, false);
    }));
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    filter: FilterPtr,
    request: *const c_void,
    _end_of_stream: bool,
) -> HeadersStatus {
    let passes = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Envoy lends the request to this hook.
        let mut lent = unsafe { HttpFilter::lent(filter) };
        // SAFETY: what `new` has given; nothing ends the request before `finish`.
        let end = if let Some((request, plugin)) = unsafe { of(request) } {
            let plan = plugin.judge(request.shard, &mut lent, &request.waits);
            prepare(Map::Headers, plan, &mut lent, Some((plugin, request.shard)))
        } else {
            prepare(Map::Headers, Plan::fail(), &mut lent, None)
        };
        finish(end, lent, false)
    }));
    match passes {
        Ok(true) => HeadersStatus::Continue,
        Ok(false) => HeadersStatus::StopAllIterationAndWatermark,
        Err(_) => {
            // SAFETY: as here.
            unsafe { refuse(filter, request) };
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
    let done = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Envoy lends the request to this hook.
        let mut lent = unsafe { HttpFilter::lent(filter) };
        let end = {
            // SAFETY: what `new` has given; nothing ends the request before `finish`.
            let Some((request, plugin)) = (unsafe { of(request) }) else { return };
            let Some(stream) = request.waits.get() else { return };
            let Some(plan) = plugin.conclude(request.shard, stream, &lent) else { return };
            request.waits.set(None);
            prepare(Map::Headers, plan, &mut lent, Some((plugin, request.shard)))
        };
        finish(end, lent, true);
    }));
    if done.is_err() {
        // SAFETY: as here.
        unsafe { refuse(filter, request) };
    }
}

/// # Safety
/// As the ABI has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn envoy_dynamic_module_on_http_filter_request_trailers(
    filter: FilterPtr,
    request: *const c_void,
) -> FollowingStatus {
    let passes = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: Envoy lends the request to this hook.
        let mut lent = unsafe { HttpFilter::lent(filter) };
        // SAFETY: what `new` has given; nothing ends the request before `finish`.
        let plan = match unsafe { of(request) } {
            Some((request, plugin)) => plugin.judge_trailers(request.shard, &lent),
            None => Plan::fail(),
        };
        let end = prepare(Map::Trailers, plan, &mut lent, None);
        finish(end, lent, false)
    }));
    let passes = passes.unwrap_or_else(|_| {
        // SAFETY: as here.
        unsafe { refuse(filter, request) };
        false
    });
    if passes { FollowingStatus::Continue } else { FollowingStatus::StopIteration }
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
        // SAFETY: Envoy ends a configuration after the last of its requests.
        if let (Some(stream), Some(plugin)) = (request.waits.get(), unsafe { request.plugin.as_ref() }) {
            plugin.on_stream_gone(request.shard, stream);
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
