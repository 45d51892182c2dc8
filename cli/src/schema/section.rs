//! The schema of sections: their keys, and what these have to do with each other.

use super::reference::Reference;
use super::{rules, shape};
use serde_json::{Map, Value, json};
use tessera_core::config::key::{KeyTable, Presence};
use tessera_core::config::key_tables;

/// Where the keys of a secret stand.
const SECRET: &str = "secret";

pub fn root(reference: &Reference) -> Value {
    let tables = key_tables();
    let mut schema = section("", &tables, reference);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), "Configuration of Tessera".into());
        members.insert("description".into(), "Access tokens of OAuth 2.0, enforced in Envoy".into());
        members.insert("$defs".into(), json!({SECRET: section(SECRET, &tables, reference)}));
    }
    schema
}

/// Everything where there is no table: what the keys say is held by a test.
fn section(path: &str, tables: &[KeyTable], reference: &Reference) -> Value {
    let Some(table) = tables.iter().find(|table| table.paths.contains(&path)) else { return Value::from(true) };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for key in &table.keys {
        let place = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let mut schema = shape::schema(&key.shape, &place, &|path| section(path, tables, reference));
        if let Value::Object(members) = &mut schema {
            let text = reference.text(path, key.name).unwrap_or(key.meaning);
            members.insert("description".into(), text.into());
            if let Presence::Default(default) = key.presence {
                members.insert("default".into(), serde_json::from_str(default).unwrap_or_default());
            }
        }
        if key.presence == Presence::Required && !rules::depends(path, key.name) {
            required.push(key.name);
        }
        properties.insert(key.name.into(), schema);
    }
    let mut schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    let rules = rules::rules(path);
    if let (Value::Object(members), false) = (&mut schema, rules.is_empty()) {
        members.insert("allOf".into(), rules.into());
    }
    schema
}
