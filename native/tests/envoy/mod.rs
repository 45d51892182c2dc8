//! What takes Envoy's place: the functions that the module calls, over plain values that a test looks at. One process has
//! one of it, so tests take turns.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tessera_native::abi::{Header as Line, ModuleBuffer as Buffer};
use tessera_native::hooks::envoy_dynamic_module_on_http_filter_destroy;

/// A request, as this host has it.
pub struct Filter {
    /// What the module has of it, until it is destroyed.
    pub module: *const c_void,
    pub worker: u32,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub reply: Option<(u32, String)>,
    pub is_resumed: bool,
}

impl Filter {
    pub fn new(worker: u32, headers: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self { module: ptr::null(), worker, headers, reply: None, is_resumed: false }
    }
}

/// The request is over. As in Envoy, its memory outlives whatever is under way for it.
pub fn destroy(of: *mut Filter) {
    let module = mem::replace(&mut filter(of.cast()).module, ptr::null());
    if !module.is_null() {
        unsafe { envoy_dynamic_module_on_http_filter_destroy(module) };
    }
}

/// What the module has asked for.
#[derive(Default)]
pub struct Asked {
    /// Numbers of calls, with their bodies.
    pub calls: Vec<(u64, String)>,
    pub events: Vec<u64>,
    /// Requests to be woken, by address.
    pub woken: Vec<usize>,
    pub log: Vec<String>,
    pub schedulers: i64,
    last: u64,
}

/// What the module calls, and within which Envoy may call the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The posting of an event to the main thread: whoever gives up the configuration meanwhile leaves its end to this.
    Commit,
    /// A reply or a request that goes on may be over at once.
    Reply,
    Resume,
    /// Other calls may break off.
    Callout,
}

type Happening = Box<dyn FnOnce() + Send>;
static MEANWHILE: Mutex<Option<(Within, Happening)>> = Mutex::new(None);

/// Has this happen within the next call of that kind.
pub fn meanwhile(within: Within, happens: impl FnOnce() + Send + 'static) {
    *happening() = Some((within, Box::new(happens)));
}

/// Whether it has begun to happen.
pub fn has_happened() -> bool {
    happening().is_none()
}

fn happening() -> MutexGuard<'static, Option<(Within, Happening)>> {
    MEANWHILE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn happen(within: Within) {
    let due = happening().take_if(|(due, _)| *due == within);
    if let Some((_, happens)) = due {
        happens();
    }
}

static ASKED: Mutex<Option<Asked>> = Mutex::new(None);
static TURN: Mutex<()> = Mutex::new(());

/// The host is this test's until the result is dropped.
pub fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    asked(|asked| *asked = Asked::default());
    *happening() = None;
    turn
}

pub fn asked<R>(look: impl FnOnce(&mut Asked) -> R) -> R {
    look(ASKED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

pub fn buffer(bytes: &[u8]) -> Buffer {
    Buffer { ptr: bytes.as_ptr(), length: bytes.len() }
}

pub fn line<'a>(name: &'a [u8], value: &'a [u8]) -> Line {
    Line { key_ptr: name.as_ptr(), key_length: name.len(), value_ptr: value.as_ptr(), value_length: value.len() }
}

fn bytes(buffer: Buffer) -> Vec<u8> {
    if buffer.ptr.is_null() || buffer.length == 0 {
        return Vec::new();
    }
    unsafe { std::slice::from_raw_parts(buffer.ptr, buffer.length) }.to_vec()
}

fn text(buffer: Buffer) -> String {
    String::from_utf8_lossy(&bytes(buffer)).into_owned()
}

/// For the time of one call: as in Envoy, whoever is called back meanwhile meets the same request.
fn filter<'a>(filter: *mut c_void) -> &'a mut Filter {
    unsafe { &mut *filter.cast::<Filter>() }
}

macro_rules! functions {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($($argument: $kind),*) $(-> $result)? $body
        )*
    };
}

functions! {
    envoy_dynamic_module_callback_log(_level: u32, message: Buffer) {
        asked(|asked| asked.log.push(text(message)));
    }
    envoy_dynamic_module_callback_get_concurrency() -> u32 { 2 }
    envoy_dynamic_module_callback_http_filter_config_define_counter(
        _config: *mut c_void, _name: Buffer, _labels: *const Buffer, _count: usize, id: *mut usize
    ) -> u32 { unsafe { *id = 1 }; 0 }
    envoy_dynamic_module_callback_http_filter_config_define_gauge(
        _config: *mut c_void, _name: Buffer, _labels: *const Buffer, _count: usize, id: *mut usize
    ) -> u32 { unsafe { *id = 2 }; 0 }
    envoy_dynamic_module_callback_http_filter_config_define_histogram(
        _config: *mut c_void, _name: Buffer, _labels: *const Buffer, _count: usize, id: *mut usize
    ) -> u32 { unsafe { *id = 3 }; 0 }
    envoy_dynamic_module_callback_http_filter_config_http_callout(
        _config: *mut c_void, id: *mut u64, _cluster: Buffer, _headers: *const Line, _count: usize, body: Buffer,
        _timeout: u64
    ) -> u32 {
        asked(|asked| {
            asked.last += 1;
            asked.calls.push((asked.last, text(body)));
            unsafe { *id = asked.last };
        });
        happen(Within::Callout);
        0
    }
    envoy_dynamic_module_callback_http_filter_config_scheduler_new(_config: *mut c_void) -> *mut c_void {
        asked(|asked| asked.schedulers += 1);
        Box::into_raw(Box::new(0_u64)).cast()
    }
    envoy_dynamic_module_callback_http_filter_config_scheduler_commit(_scheduler: *mut c_void, event: u64) {
        asked(|asked| asked.events.push(event));
        happen(Within::Commit);
    }
    envoy_dynamic_module_callback_http_filter_config_scheduler_delete(scheduler: *mut c_void) {
        asked(|asked| asked.schedulers -= 1);
        drop(unsafe { Box::from_raw(scheduler.cast::<u64>()) });
    }
    envoy_dynamic_module_callback_http_filter_scheduler_new(filter: *mut c_void) -> *mut c_void {
        asked(|asked| asked.schedulers += 1);
        Box::into_raw(Box::new(filter as usize)).cast()
    }
    envoy_dynamic_module_callback_http_filter_scheduler_commit(scheduler: *mut c_void, _event: u64) {
        let filter = unsafe { *scheduler.cast::<usize>() };
        asked(|asked| asked.woken.push(filter));
    }
    envoy_dynamic_module_callback_http_filter_scheduler_delete(scheduler: *mut c_void) {
        asked(|asked| asked.schedulers -= 1);
        drop(unsafe { Box::from_raw(scheduler.cast::<usize>()) });
    }
    envoy_dynamic_module_callback_http_get_headers_size(of: *mut c_void, _map: u32) -> usize {
        filter(of).headers.len()
    }
    envoy_dynamic_module_callback_http_get_headers(of: *mut c_void, _map: u32, lines: *mut Line) -> bool {
        for (index, (name, value)) in filter(of).headers.iter().enumerate() {
            unsafe { *lines.add(index) = line(name, value) };
        }
        true
    }
    envoy_dynamic_module_callback_http_set_header(of: *mut c_void, _map: u32, name: Buffer, value: Buffer) -> bool {
        let (name, is_removed) = (bytes(name), value.ptr.is_null());
        // What was lent before is gone.
        let mut kept: Vec<_> = filter(of).headers.iter().filter(|(known, _)| *known != name).cloned().collect();
        if !is_removed {
            kept.push((name, bytes(value)));
        }
        filter(of).headers = kept;
        true
    }
    envoy_dynamic_module_callback_http_add_header(of: *mut c_void, _map: u32, name: Buffer, value: Buffer) -> bool {
        let name = bytes(name);
        let is_new = filter(of).headers.iter().all(|(known, _)| *known != name);
        filter(of).headers.push((name, bytes(value)));
        is_new
    }
    envoy_dynamic_module_callback_http_send_response(
        of: *mut c_void, status: u32, _headers: *const Line, _count: usize, _body: Buffer, details: Buffer
    ) {
        filter(of).reply = Some((status, text(details)));
        happen(Within::Reply);
    }
    envoy_dynamic_module_callback_http_set_filter_state_bytes(_of: *mut c_void, _key: Buffer, _value: Buffer) -> bool {
        true
    }
    envoy_dynamic_module_callback_http_filter_get_attribute_string(
        _of: *mut c_void, _attribute: u32, _result: *mut Buffer
    ) -> bool { false }
    envoy_dynamic_module_callback_http_filter_get_worker_index(of: *mut c_void) -> u32 { filter(of).worker }
    envoy_dynamic_module_callback_http_filter_continue_decoding(of: *mut c_void) {
        filter(of).is_resumed = true;
        happen(Within::Resume);
    }
    envoy_dynamic_module_callback_http_clear_route_cache(_of: *mut c_void) {}
}
