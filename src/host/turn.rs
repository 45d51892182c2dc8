//! The root context's turn in the middle of a request's.
//!
//! Calls have to be sent by the root context: the SDK files a call under the context whose callback runs, and drops the
//! answer when that context is gone. A request that waits is such a context, and its caller may hang up. So the request
//! hands over: it makes the root the context that host calls are about and enters the SDK through one of the root's own
//! callbacks. No trip through the event loop is needed.

use super::abi;
use crate::token::extract::HostFailure;

// The SDK defines it for the host to call, in this very module and under this very name.
#[allow(unsafe_code)]
// SAFETY: the SDK defines the function with this signature, and it is safe to call: it only looks contexts up. What it
// borrows, the map of roots, no callback of a request has borrowed.
unsafe extern "C" {
    safe fn proxy_on_queue_ready(context_id: u32, queue_id: u32);
}

/// The queue that no message waits in: with it, the callback is a turn and nothing else. The host numbers from 1.
pub const NO_QUEUE: u32 = 0;

/// Gives the root context its turn, from a callback of the request `stream`.
///
/// # Errors
/// [`HostFailure`] when the host does not change contexts: there was no turn then.
pub fn take(root: u32, stream: u32) -> Result<(), HostFailure> {
    abi::enter(root)?;
    proxy_on_queue_ready(root, NO_QUEUE);
    abi::enter(stream)
}
