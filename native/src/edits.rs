//! Changes to a request's headers, noted while they are borrowed and made when they are not.

use crate::abi::{HttpFilter, Map};
use std::cell::RefCell;
use tessera_core::port::{HeaderEdits, HostFailure};

/// The changes, in order.
#[derive(Default)]
pub struct EditList(RefCell<Vec<Edit>>);

/// A name, and the one value that it is to have; `None` where no line is to have it.
type Edit = (Box<[u8]>, Option<Box<[u8]>>);

impl EditList {
    /// Makes them.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy does not make one.
    pub fn apply(self, map: Map, filter: &mut HttpFilter<'_>) -> Result<(), HostFailure> {
        self.0.into_inner().iter().try_for_each(|(name, value)| filter.edit(map, name, value.as_deref()))
    }
}

impl HeaderEdits for EditList {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.0.borrow_mut().push((name.into(), None));
        Ok(())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.0.borrow_mut().push((name.as_bytes().into(), Some(value.into())));
        Ok(())
    }
}
