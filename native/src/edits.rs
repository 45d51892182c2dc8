//! Changes to a request's headers, noted while they are borrowed and made when they are not.

use crate::abi::{HttpFilter, Map};
use std::cell::RefCell;
use tessera_core::port::{HeaderEdits, HostFailure};

/// The changes, in order.
#[derive(Default)]
pub struct EditList(RefCell<Edits>);

/// Names and values lie one behind the other in few allocations: every request that passes has some.
#[derive(Default)]
struct Edits {
    bytes: Vec<u8>,
    list: Vec<Edit>,
}

/// How long the next name is, and the one value that it is to have; `None` where no line is to have it.
struct Edit {
    name: usize,
    value: Option<usize>,
    /// No line has the name so far.
    is_new: bool,
}

/// Room for the usual identity headers.
const USUAL_BYTES: usize = 128;

impl EditList {
    /// Makes them.
    ///
    /// # Errors
    /// [`HostFailure`] when Envoy does not make one.
    pub fn apply(self, map: Map, filter: &mut HttpFilter<'_>) -> Result<(), HostFailure> {
        let Edits { bytes, list } = self.0.into_inner();
        let mut rest = bytes.as_slice();
        list.iter().try_for_each(|edit| {
            let name = rest.split_off(..edit.name).ok_or(HostFailure)?;
            let value = edit.value.map(|length| rest.split_off(..length).ok_or(HostFailure)).transpose()?;
            match value {
                Some(value) if edit.is_new => filter.add(map, name, value),
                _ => filter.edit(map, name, value),
            }
        })
    }

    fn note(&self, name: &[u8], value: Option<&[u8]>, is_new: bool) {
        let Edits { bytes, list } = &mut *self.0.borrow_mut();
        if list.is_empty() {
            bytes.reserve(USUAL_BYTES);
        }
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(value.unwrap_or_default());
        list.push(Edit { name: name.len(), value: value.map(<[u8]>::len), is_new });
    }
}

impl HeaderEdits for EditList {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.note(name, None, false);
        Ok(())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.note(name.as_bytes(), Some(value), false);
        Ok(())
    }

    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.note(name.as_bytes(), Some(value), true);
        Ok(())
    }
}
