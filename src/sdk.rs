//! The SDK's callbacks, which it defines in this module under these names for the host to call.

#[allow(unsafe_code)]
// SAFETY: the SDK defines the functions with these signatures, and they are safe to call: they find a context in a map
// and call it. The maps are borrowed for the time of a callback, and none of these is called from one of the SDK's.
unsafe extern "C" {
    /// Creates a context: a root one where `parent` is 0.
    pub safe fn proxy_on_context_create(context: u32, parent: u32);
    pub safe fn proxy_on_delete(context: u32);
}
