//! The root context's turn in the middle of a request's.
//!
//! Calls have to be sent by the root context: the SDK files a call under the context whose callback runs, and drops the
//! answer when that context is gone. A request that waits is such a context, and its caller may hang up. So the request
//! hands over: it makes the root the context that host calls are about and enters the SDK through one of the root's own
//! callbacks. No trip through the event loop is needed.

use crate::abi;
use crate::sdk;
use tessera_core::port::HostFailure;

/// The queue that no message waits in: with it, the callback is a turn and nothing else. The host numbers from 1.
pub const NO_QUEUE: u32 = 0;

/// Gives the root context its turn, at the end of a request's callback: host calls are about the root from then on.
///
/// # Errors
/// [`HostFailure`] when the host does not change contexts: there was no turn then.
pub fn take(root: u32) -> Result<(), HostFailure> {
    abi::enter(root)?;
    sdk::proxy_on_queue_ready(root, NO_QUEUE);
    Ok(())
}
