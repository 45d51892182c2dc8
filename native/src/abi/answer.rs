//! The answer to a call.

use super::filter::bytes;
use super::sys::{EnvoyBuffer, Header};

/// An answer in Envoy's memory, lent to a hook.
pub struct Answer<'hook> {
    /// Names and values of its lines, in order.
    pub headers: Vec<(&'hook [u8], &'hook [u8])>,
    /// Its body, piece by piece.
    pub body: Vec<&'hook [u8]>,
}

impl Answer<'_> {
    /// # Safety
    /// Envoy has passed these arrays to a hook that lasts at least as long as the value; either may be absent.
    pub unsafe fn lent(headers: *const Header, lines: usize, chunks: *const EnvoyBuffer, count: usize) -> Self {
        // SAFETY: as promised; what the elements point to is lent as long as they are.
        unsafe {
            let headers = elements(headers, lines).iter();
            let chunks = elements(chunks, count).iter();
            Self {
                headers: headers
                    .map(|line| (bytes(line.key_ptr, line.key_length), bytes(line.value_ptr, line.value_length)))
                    .collect(),
                body: chunks.map(|chunk| bytes(chunk.ptr, chunk.length)).collect(),
            }
        }
    }

    /// The first line of that name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| *value)
    }
}

/// # Safety
/// The array is there as long as the result is used, or has no address.
unsafe fn elements<'a, T>(array: *const T, count: usize) -> &'a [T] {
    // SAFETY: as promised.
    if array.is_null() || count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(array, count) } }
}
