//! The configuration as Envoy hands it over: JSON text from a `StringValue`, or the bytes of a `google.protobuf.Struct`.

use super::problem::Problems;
use super::protobuf;
use super::repeated::Repeated;
use serde::de::DeserializeSeed;
use serde_json::Value;

/// First byte of a `Struct` that is not empty: its only field, `fields`. Also a line feed, with which JSON may begin.
const STRUCT: u8 = 0x0a;

/// The JSON value, with members that are given twice noted. `None` when there is none; why is noted.
pub fn parse(bytes: &[u8], problems: &Problems) -> Option<Value> {
    if bytes.is_empty() {
        problems.add("", "is empty; the plugin needs a JSON object with \"providers\" and \"apis\"");
        return None;
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => {
            let seed = Repeated { path: String::new(), problems };
            // The text has just been read: it can be walked.
            seed.deserialize(&mut serde_json::Deserializer::from_slice(bytes)).ok()?;
            Some(value)
        }
        Err(error) => {
            let decoded = (bytes.first() == Some(&STRUCT)).then(|| protobuf::read_struct(bytes)).flatten();
            if decoded.is_none() {
                // The parser's own message may quote a value: line and column do not.
                let (line, column) = (error.line(), error.column());
                problems.add("", format!("is not valid JSON at line {line} column {column}"));
            }
            decoded
        }
    }
}
