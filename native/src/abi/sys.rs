//! Envoy's side of the ABI: its types, and the functions that it offers. Names and signatures are facts of its `abi.h`,
//! and the same in ABI v0.1.0 (Envoy 1.38 and 1.39) and v0.2.0 (1.40). Nobody checks them but their reader.

use std::ffi::{c_char, c_void};

/// Bytes of this module, lent for the time of a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ModuleBuffer {
    pub ptr: *const u8,
    pub length: usize,
}

impl ModuleBuffer {
    pub const NONE: Self = Self { ptr: std::ptr::null(), length: 0 };

    pub fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), length: bytes.len() }
    }
}

/// Bytes of Envoy's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EnvoyBuffer {
    pub ptr: *const u8,
    pub length: usize,
}

impl EnvoyBuffer {
    pub const NONE: Self = Self { ptr: std::ptr::null(), length: 0 };
}

/// A line of a message's headers: of this module where it is handed out, of Envoy where it comes from there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Header {
    pub key_ptr: *const u8,
    pub key_length: usize,
    pub value_ptr: *const u8,
    pub value_length: usize,
}

impl Header {
    pub const NONE: Self =
        Self { key_ptr: std::ptr::null(), key_length: 0, value_ptr: std::ptr::null(), value_length: 0 };

    pub fn of(name: &[u8], value: &[u8]) -> Self {
        Self { key_ptr: name.as_ptr(), key_length: name.len(), value_ptr: value.as_ptr(), value_length: value.len() }
    }
}

/// Envoy's object for a configuration of the filter.
pub type ConfigPtr = *mut c_void;
/// Envoy's object for a request.
pub type FilterPtr = *mut c_void;
pub type SchedulerPtr = *mut c_void;

/// `envoy_dynamic_module_type_attribute_id_ConnectionSha256PeerCertificateDigest`.
pub const PEER_CERTIFICATE: u32 = 38;
/// What a callout's beginning and a metric's definition give when they succeed.
pub const SUCCESS: u32 = 0;

/// Defines a metric: configuration, name, names of its labels and their number, where to put its number.
pub type Define = unsafe extern "C" fn(ConfigPtr, ModuleBuffer, *const ModuleBuffer, usize, *mut usize) -> u32;
/// Changes a metric: configuration or request, its number, values of its labels and their number, by or to what.
pub type Record = unsafe extern "C" fn(*mut c_void, usize, *const ModuleBuffer, usize, u64) -> u32;

// SAFETY: as `abi.h` has them.
unsafe extern "C" {
    pub fn envoy_dynamic_module_callback_log(level: u32, message: ModuleBuffer);
    pub safe fn envoy_dynamic_module_callback_get_concurrency() -> u32;

    pub fn envoy_dynamic_module_callback_http_filter_config_define_counter(
        config: ConfigPtr,
        name: ModuleBuffer,
        labels: *const ModuleBuffer,
        count: usize,
        id: *mut usize,
    ) -> u32;
    pub fn envoy_dynamic_module_callback_http_filter_config_define_gauge(
        config: ConfigPtr,
        name: ModuleBuffer,
        labels: *const ModuleBuffer,
        count: usize,
        id: *mut usize,
    ) -> u32;
    pub fn envoy_dynamic_module_callback_http_filter_config_define_histogram(
        config: ConfigPtr,
        name: ModuleBuffer,
        labels: *const ModuleBuffer,
        count: usize,
        id: *mut usize,
    ) -> u32;
    pub fn envoy_dynamic_module_callback_http_filter_config_http_callout(
        config: ConfigPtr,
        id: *mut u64,
        cluster: ModuleBuffer,
        headers: *const Header,
        count: usize,
        body: ModuleBuffer,
        timeout_milliseconds: u64,
    ) -> u32;
    pub fn envoy_dynamic_module_callback_http_filter_config_scheduler_new(config: ConfigPtr) -> SchedulerPtr;
    pub fn envoy_dynamic_module_callback_http_filter_config_scheduler_commit(scheduler: SchedulerPtr, event: u64);
    pub fn envoy_dynamic_module_callback_http_filter_config_scheduler_delete(scheduler: SchedulerPtr);

    pub fn envoy_dynamic_module_callback_http_filter_scheduler_new(filter: FilterPtr) -> SchedulerPtr;
    pub fn envoy_dynamic_module_callback_http_filter_scheduler_commit(scheduler: SchedulerPtr, event: u64);
    pub fn envoy_dynamic_module_callback_http_filter_scheduler_delete(scheduler: SchedulerPtr);

    pub fn envoy_dynamic_module_callback_http_get_headers_size(filter: FilterPtr, map: u32) -> usize;
    pub fn envoy_dynamic_module_callback_http_get_headers(filter: FilterPtr, map: u32, lines: *mut Header) -> bool;
    pub fn envoy_dynamic_module_callback_http_set_header(
        filter: FilterPtr,
        map: u32,
        name: ModuleBuffer,
        value: ModuleBuffer,
    ) -> bool;
    pub fn envoy_dynamic_module_callback_http_add_header(
        filter: FilterPtr,
        map: u32,
        name: ModuleBuffer,
        value: ModuleBuffer,
    ) -> bool;
    pub fn envoy_dynamic_module_callback_http_send_response(
        filter: FilterPtr,
        status: u32,
        headers: *const Header,
        count: usize,
        body: ModuleBuffer,
        details: ModuleBuffer,
    );
    pub fn envoy_dynamic_module_callback_http_set_filter_state_bytes(
        filter: FilterPtr,
        key: ModuleBuffer,
        value: ModuleBuffer,
    ) -> bool;
    pub fn envoy_dynamic_module_callback_http_filter_get_attribute_string(
        filter: FilterPtr,
        attribute: u32,
        result: *mut EnvoyBuffer,
    ) -> bool;
    pub fn envoy_dynamic_module_callback_http_filter_get_worker_index(filter: FilterPtr) -> u32;
    pub fn envoy_dynamic_module_callback_http_filter_continue_decoding(filter: FilterPtr);
    pub fn envoy_dynamic_module_callback_http_clear_route_cache(filter: FilterPtr);

    /// The C library's, for what only some versions of Envoy have.
    pub fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}
