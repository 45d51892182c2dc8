//! Work on the slots in slices, harmless if another worker has gone on in the meantime.

use crate::port::{Expect, SharedStore, WriteError};

/// How far a slice has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// Why work on the slots ended early. The set in force is unchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Another worker has changed the root: it owns the slots now, and this work is void.
    Superseded,
    Refused,
}

impl From<WriteError> for Halt {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => Self::Superseded,
            WriteError::Unavailable => Self::Refused,
        }
    }
}

/// Writes a slot if `held` still holds after the slot's version was read. Then nobody who came later can have
/// written it before this write, which is what makes superseded writers harmless.
pub(crate) fn set_while<'a>(
    held: impl Fn() -> bool,
    store: &dyn SharedStore,
    key: &str,
    value: impl FnOnce(&[u8]) -> Option<&'a [u8]>,
) -> Result<(), Halt> {
    let found = store.get(key);
    let old = found.as_ref().map_or(&[][..], |found| &found.value);
    let Some(value) = value(old) else {
        return Ok(());
    };
    if !held() {
        return Err(Halt::Superseded);
    }
    let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
    Ok(store.set(key, value, expect)?)
}
