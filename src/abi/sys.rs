//! Everything in here is checked by nobody but its reader: the names and signatures are those of Proxy-Wasm ABI 0.2.1.
#![allow(unsafe_code)]

use std::ptr::null_mut;
use tessera_core::port::HostFailure;

/// What a host function returns: [`OK`], or why it refused.
pub type Status = u32;
const OK: Status = 0;
/// The value has another version than expected.
pub const CAS_MISMATCH: Status = 8;

#[link(wasm_import_module = "env")]
// SAFETY: as the ABI has them.
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> Status;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> Status;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> Status;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> Status;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> Status;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> Status;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> Status;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> Status;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> Status;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> Status;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: u32,
        call: *mut u32,
    ) -> Status;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    safe fn proxy_set_effective_context(context: u32) -> Status;
    safe fn proxy_continue_stream(kind: u32) -> Status;
}

fn done(status: Status) -> Result<(), HostFailure> {
    if status == OK { Ok(()) } else { Err(HostFailure) }
}

/// # Safety
/// The host has just handed these over: it has its bytes allocated by the SDK's `proxy_on_memory_allocate`, which
/// gives a whole allocation of that size away.
unsafe fn given(data: *mut u8, size: usize) -> Vec<u8> {
    // SAFETY: as promised.
    if data.is_null() { Vec::new() } else { unsafe { Vec::from_raw_parts(data, size, size) } }
}

pub fn header_map_pairs(map: u32) -> Result<Vec<u8>, HostFailure> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host writes both.
    unsafe {
        done(proxy_get_header_map_pairs(map, &raw mut data, &raw mut size))?;
        Ok(given(data, size))
    }
}

pub fn get_shared_data(key: &[u8]) -> Result<(Vec<u8>, u32), HostFailure> {
    let (mut data, mut size, mut version) = (null_mut(), 0, 0);
    // SAFETY: the host reads what the slice holds, now, and writes the others.
    unsafe {
        done(proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut size, &raw mut version))?;
        Ok((given(data, size), version))
    }
}

pub fn set_shared_data(key: &[u8], value: &[u8], version: u32) -> Status {
    // SAFETY: the host reads what the slices hold, now. So with those below.
    unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) }
}

pub fn replace_header(map: u32, name: &[u8], value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: as above.
    done(unsafe { proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

pub fn add_header(map: u32, name: &[u8], value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: as above.
    done(unsafe { proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

pub fn remove_header(map: u32, name: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: as above.
    done(unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) })
}

pub fn nanoseconds() -> Result<u64, HostFailure> {
    let mut time = 0;
    // SAFETY: the host writes one number.
    done(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

pub fn get_property(path: &[u8]) -> Result<Vec<u8>, HostFailure> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host reads what the slice holds, now, and writes the others.
    unsafe {
        done(proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size))?;
        Ok(given(data, size))
    }
}

pub fn set_property(path: &[u8], value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: as above.
    done(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

pub fn send_local_response(status: u32, details: &[u8], headers: &[u8], body: &[u8]) -> Result<(), HostFailure> {
    /// Envoy chooses one that matches the status, if the caller speaks gRPC.
    const NO_GRPC_STATUS: i32 = -1;
    // SAFETY: as above.
    done(unsafe {
        proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

pub fn http_call(
    cluster: &[u8],
    headers: &[u8],
    body: &[u8],
    trailers: &[u8],
    timeout: u32,
) -> Result<u32, HostFailure> {
    let mut call = 0;
    // SAFETY: the host reads what the slices hold, now, and writes one number.
    done(unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            timeout,
            &raw mut call,
        )
    })?;
    Ok(call)
}

pub fn call_foreign_function(name: &[u8], arguments: &[u8]) -> Result<Vec<u8>, HostFailure> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host reads what the slices hold, now, and writes the others.
    unsafe {
        done(proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments.as_ptr(),
            arguments.len(),
            &raw mut data,
            &raw mut size,
        ))?;
        Ok(given(data, size))
    }
}

pub fn set_effective_context(context: u32) -> Result<(), HostFailure> {
    done(proxy_set_effective_context(context))
}

pub fn continue_stream(kind: u32) -> Result<(), HostFailure> {
    done(proxy_continue_stream(kind))
}
