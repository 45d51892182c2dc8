//! One request, as Envoy lends it to a hook.

use super::sys::{self, EnvoyBuffer, FilterPtr, Header, ModuleBuffer, SchedulerPtr};
use std::marker::PhantomData;
use tessera_core::port::{HostFailure, RequestHead};

/// One of the two header maps of a request.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Map {
    Headers = 0,
    Trailers = 1,
}

/// The request that a hook is called for. It cannot be kept beyond the hook.
pub struct HttpFilter<'hook>(pub(super) FilterPtr, PhantomData<&'hook ()>);

impl HttpFilter<'_> {
    /// # Safety
    /// Envoy has passed it to a hook that lasts at least as long as the value.
    pub unsafe fn lent(filter: FilterPtr) -> Self {
        Self(filter, PhantomData)
    }

    /// The number of the worker thread that the request is on.
    pub fn worker_index(&self) -> u32 {
        // SAFETY: the request is lent.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_get_worker_index(self.0) }
    }

    /// Its lines, where Envoy keeps them. They are borrowed: nothing can change them as long as the result is in use.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy has no such map at hand.
    pub fn head(&self, map: Map) -> Result<Head<'_>, HostFailure> {
        let map = map as u32;
        // SAFETY: the request is lent.
        let count = unsafe { sys::envoy_dynamic_module_callback_http_get_headers_size(self.0, map) };
        let mut lines = vec![Header::NONE; count];
        // SAFETY: Envoy writes as many lines as it has just counted; nothing has come in between.
        let read = unsafe { sys::envoy_dynamic_module_callback_http_get_headers(self.0, map, lines.as_mut_ptr()) };
        if read { Ok(Head { lines, filter: self }) } else { Err(HostFailure) }
    }

    /// Leaves exactly one line of that name, with this value; none where it is `None`.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy does not do it.
    pub fn edit(&mut self, map: Map, name: &[u8], value: Option<&[u8]>) -> Result<(), HostFailure> {
        let value = value.map_or(ModuleBuffer::NONE, ModuleBuffer::of);
        // SAFETY: the request is lent, and Envoy copies the bytes now.
        let done = unsafe {
            sys::envoy_dynamic_module_callback_http_set_header(self.0, map as u32, ModuleBuffer::of(name), value)
        };
        if done { Ok(()) } else { Err(HostFailure) }
    }

    /// Adds a line of a name that no line has. To replace one, Envoy makes an index of all lines, which costs more than
    /// anything else about a known token.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy does not do it.
    pub fn add(&mut self, map: Map, name: &[u8], value: &[u8]) -> Result<(), HostFailure> {
        let (name, value) = (ModuleBuffer::of(name), ModuleBuffer::of(value));
        // SAFETY: the request is lent, and Envoy copies the bytes now.
        let done = unsafe { sys::envoy_dynamic_module_callback_http_add_header(self.0, map as u32, name, value) };
        if done { Ok(()) } else { Err(HostFailure) }
    }

    /// Sets a value of the filter state, for access logs.
    pub fn set_state(&mut self, key: &str, value: &str) {
        let (key, value) = (ModuleBuffer::of(key.as_bytes()), ModuleBuffer::of(value.as_bytes()));
        // SAFETY: the request is lent, and Envoy copies the bytes now. A value that it does not take changes nothing.
        unsafe { sys::envoy_dynamic_module_callback_http_set_filter_state_bytes(self.0, key, value) };
    }

    /// Has Envoy choose the route anew.
    pub fn clear_route_cache(&mut self) {
        // SAFETY: the request is lent.
        unsafe { sys::envoy_dynamic_module_callback_http_clear_route_cache(self.0) };
    }

    /// By which another thread calls for the hook `scheduled` on the request's own.
    pub fn scheduler(&self) -> RequestScheduler {
        // SAFETY: the request is lent.
        RequestScheduler(unsafe { sys::envoy_dynamic_module_callback_http_filter_scheduler_new(self.0) })
    }

    /// Answers the request. `details` are what access logs show as response code details.
    pub fn reply(self, status: u16, headers: &[(&'static str, String)], body: &str, details: &str) {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| Header::of(name.as_bytes(), value.as_bytes())).collect();
        let (body, details) = (ModuleBuffer::of(body.as_bytes()), ModuleBuffer::of(details.as_bytes()));
        // SAFETY: the request is lent, and Envoy copies everything before it returns. It may call this module's hooks for
        // the same request, and end it: nothing of the request is borrowed here.
        unsafe {
            sys::envoy_dynamic_module_callback_http_send_response(
                self.0,
                u32::from(status),
                headers.as_ptr(),
                headers.len(),
                body,
                details,
            );
        }
    }

    /// Lets a request pass that was held back.
    pub fn resume(self) {
        // SAFETY: the request is lent. As with a reply, it may be over when this returns.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_continue_decoding(self.0) };
    }
}

/// The lines of a header map, in Envoy's memory.
pub struct Head<'a> {
    lines: Vec<Header>,
    filter: &'a HttpFilter<'a>,
}

// SAFETY: a head is handed to work that runs at once and on the same thread (`Confined::with`); bytes and request are
// lent for longer than that, and nobody changes them meanwhile.
unsafe impl Send for Head<'_> {}
// SAFETY: as above.
unsafe impl Sync for Head<'_> {}

impl Head<'_> {
    /// Names and values, in order.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|line| {
            // SAFETY: Envoy has written these, and they stay until the map is changed: see `HttpFilter::head`.
            unsafe { (bytes(line.key_ptr, line.key_length), bytes(line.value_ptr, line.value_length)) }
        })
    }
}

impl RequestHead for Head<'_> {
    #[inline]
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    #[inline]
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(|(name, _)| name)
    }

    fn peer_certificate(&self) -> Option<Vec<u8>> {
        let mut digest = EnvoyBuffer::NONE;
        // SAFETY: the request is lent, and Envoy writes the buffer. Its bytes are copied before anything else happens.
        unsafe {
            let found = sys::envoy_dynamic_module_callback_http_filter_get_attribute_string(
                self.filter.0,
                sys::PEER_CERTIFICATE,
                &raw mut digest,
            );
            // Envoy has an empty text for a client without a certificate.
            (found && digest.length > 0).then(|| bytes(digest.ptr, digest.length).to_vec())
        }
    }
}

/// Bytes of Envoy's; it has no address for none.
///
/// # Safety
/// They are there, and nobody changes them, as long as the result is used.
pub(super) unsafe fn bytes<'a>(ptr: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: as promised.
    if ptr.is_null() || length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(ptr, length) } }
}

/// A request that waits, for other threads.
pub struct RequestScheduler(SchedulerPtr);

// SAFETY: Envoy lets any thread use it: what is committed is posted to the request's thread, and nothing when the request
// is gone.
unsafe impl Send for RequestScheduler {}

impl RequestScheduler {
    /// Calls for the request's `scheduled` hook. Whoever does it holds the lock that the request's end has to take, so
    /// that its thread is still there.
    pub fn commit(&self) {
        // SAFETY: it is there until it is dropped.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_scheduler_commit(self.0, 0) };
    }
}

impl Drop for RequestScheduler {
    fn drop(&mut self) {
        // SAFETY: Envoy has made it for this value, which nobody uses any more.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_scheduler_delete(self.0) };
    }
}
