//! Values as JSON.

use super::node::{Node, Value};
use serde_json::Value as Json;
use std::fmt::Write;

impl Node {
    /// The value without its places; of a member that is repeated, the last.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Boolean(flag) => Json::Bool(*flag),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => Json::String(text.to_string()),
            Value::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Object(members) => {
                members.iter().map(|member| (member.key.to_string(), member.value.to_json())).collect()
            }
        }
    }

    /// The value as JSON text, with every member in its order, those that are repeated too.
    pub fn to_json_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match &self.value {
            Value::Array(elements) => {
                text.push('[');
                for (index, element) in elements.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    element.write(text);
                }
                text.push(']');
            }
            Value::Object(members) => {
                text.push('{');
                for (index, member) in members.iter().enumerate() {
                    let separator = if index > 0 { "," } else { "" };
                    let _ = write!(text, "{separator}{}:", Json::from(&*member.key));
                    member.value.write(text);
                }
                text.push('}');
            }
            _ => {
                let _ = write!(text, "{}", self.to_json());
            }
        }
    }
}
