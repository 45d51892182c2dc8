//! Strict reading of bodies (RFC 8259): no member twice at any depth, and no more than 16 levels.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

const LEVELS: u32 = 16;

/// Reads one value.
///
/// # Errors
/// What is wrong, and where; nothing of the body is quoted but names of members.
pub fn read(text: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Level(LEVELS).deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Reads a value within which there may be so many levels.
#[derive(Clone, Copy)]
struct Level(u32);

impl Level {
    fn below<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(format_args!("more than {LEVELS} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.below()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let level = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(level)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member {name:?} is given twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn nested(levels: usize, open: &str, close: &str) -> String {
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn what_is_no_strict_json_is_refused() {
        for wrong in [
            "",
            " ",
            "{",
            "{}{}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
            "[{\"b\":{\"a\":1,\"a\":null}}]",
            "{'a':1}",
            "[1,]",
            "NaN",
            "1e999",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "01",
            "\u{feff}{}",
        ] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(read(b"\"\xff\"").is_err() && read(b"{\"\xff\":1}").is_err());
        let long = format!("{{\"{0}\":1,\"{0}\":2}}", "n".repeat(10_000));
        assert!(read(long.as_bytes()).is_err());
    }

    #[test]
    fn sixteen_levels_are_taken_and_no_more() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(read(nested(16, open, close).as_bytes()).is_ok());
            assert!(read(nested(17, open, close).as_bytes()).is_err());
            assert!(read(nested(100_000, open, close).as_bytes()).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_serde_writes_is_read(text in ".{0,20}", number in any::<f64>(), integer in any::<i64>(), large in any::<u64>()) {
            let value = json!({"a": [text, number, integer, {"b": large, "c": [null, true, {}]}]});
            prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value));
        }

        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let read = read(&bytes);
            prop_assert!(read.is_err() || serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }
}
