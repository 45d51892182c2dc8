//! The request in whose context the VM runs, as the engine sees it.

use crate::abi;
use tessera_core::base::headers::HeaderMap;
use tessera_core::port::RequestHead;

/// Its headers, and what the host knows of it beside them.
pub struct Request(pub HeaderMap);

impl RequestHead for Request {
    #[inline]
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.lines(name)
    }

    #[inline]
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.names()
    }

    fn peer_certificate(&self) -> Option<Vec<u8>> {
        abi::peer_certificate()
    }
}
