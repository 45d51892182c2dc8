//! A catalogue as TOML 1.0: arrays of tables, in which arrays of tables with an `id` are tables of their own.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The document as text, in the order in which its parts need one another.
pub fn toml(document: &Value) -> String {
    let mut text = String::new();
    for name in ["groups", "environments", "providers", "apis"] {
        if let Some(tables) = document.get(name) {
            tables_of(name, tables, &mut text);
        }
    }
    text
}

fn tables_of(path: &str, tables: &Value, text: &mut String) {
    for table in tables.as_array().into_iter().flatten().filter_map(Value::as_object) {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "[[{path}]]");
        let is_table = |value: &Value| value.as_array().is_some_and(|items| items.iter().any(has_id));
        let (id, others): (Vec<_>, Vec<_>) = table.iter().partition(|(name, _)| *name == "id");
        for (name, value) in id.into_iter().chain(others).filter(|(_, value)| !is_table(value)) {
            let _ = writeln!(text, "{name} = {}", inline(value));
        }
        for (name, value) in table.iter().filter(|(_, value)| is_table(value)) {
            tables_of(&format!("{path}.{name}"), value, text);
        }
    }
}

fn has_id(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.contains_key("id"))
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => format!("{{ {} }}", pairs(members)),
        // A string of JSON is one of TOML but for the one control character that JSON does not escape.
        value => value.to_string().replace('\u{7f}', "\\u007f"),
    }
}

fn pairs(members: &Map<String, Value>) -> String {
    let pairs = members.iter().map(|(name, value)| format!("{name} = {}", inline(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_are_written_with_their_own() {
        let document = json!({
            "environments": [{"id": "prod"}],
            "apis": [{"id": "a\"\\\u{7f}\n", "tiers": [{"id": "x", "limits": [{"requests": 1, "period": "1s"}]}]},
                     {"id": "b", "tiers": []}],
        });
        let text = toml(&document);
        assert_eq!(
            text,
            "[[environments]]\nid = \"prod\"\n\n[[apis]]\nid = \"a\\\"\\\\\\u007f\\n\"\n\n[[apis.tiers]]\nid = \"x\"\n\
             limits = [{ period = \"1s\", requests = 1 }]\n\n[[apis]]\nid = \"b\"\ntiers = []\n"
        );
    }
}
