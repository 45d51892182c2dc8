//! The configuration as Envoy passes it: JSON text from a `StringValue`, or the bytes of a
//! `google.protobuf.Struct`.

use super::problem::{Code, Problems, element, member};
use super::protobuf;
use crate::base::json::Json;

/// First byte of a `Struct` that is not empty: its only field, `fields`. Also a line feed, with which JSON may begin.
const STRUCT: u8 = 0x0a;

/// The JSON value, with members that are given twice noted. `None` when there is none; why is noted.
pub(super) fn parse<'a>(bytes: &'a [u8], problems: &Problems) -> Option<Json<'a>> {
    if bytes.is_empty() {
        problems.add(
            "",
            Code::NoConfiguration,
            "is empty; the plugin needs a JSON object with \"providers\" and \"apis\"",
        );
        return None;
    }
    match Json::read(bytes) {
        Ok(mut value) => {
            note_repeated(&mut value, "", problems);
            Some(value)
        }
        Err(error) => {
            let decoded = (bytes.first() == Some(&STRUCT)).then(|| protobuf::read_struct(bytes)).flatten();
            if decoded.is_none() {
                problems.add("", Code::Syntax, error.to_string());
            }
            decoded
        }
    }
}

/// Notes each member that its object has already had, and goes on with the last.
fn note_repeated(value: &mut Json<'_>, path: &str, problems: &Problems) {
    match value {
        Json::Object(object) => {
            for name in object.take_repeated() {
                problems.add(&member(path, &name), Code::DuplicateMember, "is given twice");
            }
            for (name, value) in object.iter_mut() {
                note_repeated(value, &member(path, name), problems);
            }
        }
        Json::Array(list) => {
            for (index, value) in list.iter_mut().enumerate() {
                note_repeated(value, &element(path, index), problems);
            }
        }
        _ => {}
    }
}
