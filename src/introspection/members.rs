//! The wanted members of a JSON object, each at most once.

use super::failure::Failure;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Members that were asked for and found.
#[derive(Debug)]
pub struct Members<'a>(Vec<(Name<'a>, Value)>);

impl<'a> Members<'a> {
    /// Reads those members of the one object in `json` that `wanted` names. Others are checked for syntax and dropped.
    ///
    /// # Errors
    /// [`Failure::NotJson`] when it is not one JSON object, [`Failure::Duplicate`] when a wanted member appears twice.
    pub fn read(json: &'a [u8], wanted: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        // All of it is UTF-8 (RFC 8259 §8.1), also what is skipped.
        std::str::from_utf8(json).map_err(|_| Failure::NotJson)?;
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let read = deserializer.deserialize_map(Wanted(wanted)).map_err(|_| Failure::NotJson)?;
        deserializer.end().map_err(|_| Failure::NotJson)?;
        read.map(Self)
    }

    /// The member; `None` when it is absent.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.0 == name).map(|(_, value)| value)
    }

    /// All wanted members, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&*name.0, value))
    }
}

/// A member's name, which is copied only where it is written with escapes.
#[derive(Debug, Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Wanted<F>(F);

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Wanted<F> {
    type Value = Result<Vec<(Name<'de>, Value)>, Failure>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Vec<(Name<'de>, Value)> = Vec::new();
        let mut duplicate = false;
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if !(self.0)(&name.0) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            duplicate |= found.iter().any(|(key, _)| key.0 == name.0);
            found.push((name, map.next_value()?));
        }
        Ok(if duplicate { Err(Failure::Duplicate) } else { Ok(found) })
    }
}
