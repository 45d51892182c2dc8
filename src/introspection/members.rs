//! The wanted members of a JSON object, each at most once.

use super::failure::Failure;
use super::json::{Json, Name};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

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
        // All of it is UTF-8 (RFC 8259 §8.1), also what is skipped. Checked once here, it is not checked again.
        let json = std::str::from_utf8(json).map_err(|_| Failure::NotJson)?;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let read = deserializer.deserialize_map(Wanted(wanted)).map_err(|_| Failure::NotJson)?;
        deserializer.end().map_err(|_| Failure::NotJson)?;
        read.map(Self)
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

struct Wanted<F>(F);

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Wanted<F> {
    type Value = Result<Vec<(Cow<'de, str>, Json<'de>)>, Failure>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Vec<(Cow<'de, str>, Json<'de>)> = Vec::with_capacity(USUAL);
        let mut duplicate = false;
        while let Some(name) = map.next_key_seed(Name(&self.0))? {
            let Some(name) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            duplicate |= found.iter().any(|(key, _)| *key == name);
            found.push((name, map.next_value()?));
        }
        Ok(if duplicate { Err(Failure::Duplicate) } else { Ok(found) })
    }
}
