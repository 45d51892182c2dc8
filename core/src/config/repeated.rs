//! Members that a JSON text gives twice. A map of values would silently keep the last.

use super::problem::Problems;
use crate::base::printable::Printable;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// Most characters of a member's name in a path.
const LONGEST_NAME: usize = 64;

/// Walks a JSON text and notes each member that its object has already had.
pub struct Repeated<'a> {
    /// Path of the value that comes next.
    pub path: String,
    /// Where problems go.
    pub problems: &'a Problems,
}

impl<'de> DeserializeSeed<'de> for Repeated<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Repeated<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = member(&self.path, &name);
            if !seen.insert(name) {
                self.problems.add(&path, "is given twice");
            }
            map.next_value_seed(Repeated { path, problems: self.problems })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while list
            .next_element_seed(Repeated { path: format!("{}[{index}]", self.path), problems: self.problems })?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// The path of a member of the value at `path`.
pub fn member(path: &str, name: &str) -> String {
    // What follows a long one is still to be seen.
    let name = Printable { text: name, limit: LONGEST_NAME };
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}
