//! The wanted members of a JSON object, each at most once.

use super::failure::Failure;
use super::json::{self, Json};
use std::borrow::Cow;

/// Members that were asked for and found.
#[derive(Debug)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// As many members as most answers have.
const USUAL: usize = 12;

impl<'a> Members<'a> {
    /// Reads those members of the one object in `json` that `wanted` names. Others are checked for syntax and dropped.
    ///
    /// # Errors
    /// [`Failure::NotJson`] when it is not one JSON object, [`Failure::Duplicate`] when a wanted member appears twice.
    pub fn read(json: &'a [u8], wanted: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        // All of it is UTF-8 (RFC 8259 §8.1), also what is skipped.
        let json = std::str::from_utf8(json).map_err(|_| Failure::NotJson)?;
        let mut found: Vec<(Cow<'a, str>, Json<'a>)> = Vec::with_capacity(USUAL);
        let mut duplicate = false;
        let read = json::object(json, |name, reader| {
            if !wanted(&name) {
                return reader.skip();
            }
            duplicate |= found.iter().any(|(key, _)| *key == name);
            found.push((name, reader.value()?));
            Some(())
        });
        match read {
            None => Err(Failure::NotJson),
            Some(()) if duplicate => Err(Failure::Duplicate),
            Some(()) => Ok(Self(found)),
        }
    }

    /// The member; `None` when it is absent.
    pub fn value(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All wanted members, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}
