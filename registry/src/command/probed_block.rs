//! What a probe has found, as a file that `apply` takes.

use serde_json::Value;
use toml::Table;

/// TOML, with the credentials as `written` names them: the provider in the file that was probed.
///
/// # Errors
/// What TOML cannot say.
pub fn catalogue(organisation: &str, block: &Value, written: &Table) -> Result<String, String> {
    let mut provider = table(block).ok_or("the block is no object")?;
    for part in ["authorization", "introspection"] {
        let credential = written.get(part).and_then(|part| part.get("credential"));
        let found = provider.get_mut(part).and_then(toml::Value::as_table_mut);
        if let (Some(credential), Some(found)) = (credential, found) {
            found.insert("credential".to_owned(), credential.clone());
        }
    }
    let mut file = Table::new();
    file.insert("organisation".to_owned(), organisation.into());
    file.insert("providers".to_owned(), vec![toml::Value::Table(provider)].into());
    toml::to_string(&file).map_err(|error| error.to_string())
}

/// The provider of this name in such a file.
pub fn provider_of(text: &str, id: &str) -> Option<Table> {
    let file: Table = text.parse().ok()?;
    let is_that = |provider: &&Table| provider.get("id").and_then(toml::Value::as_str) == Some(id);
    file.get("providers")?.as_array()?.iter().filter_map(toml::Value::as_table).find(is_that).cloned()
}

/// Without what is `null`: TOML has none, and what is missing is that.
fn table(object: &Value) -> Option<Table> {
    let members = object.as_object()?.iter().filter(|(_, value)| !value.is_null());
    members.map(|(name, value)| Some((name.clone(), toml_of(value)?))).collect()
}

fn toml_of(value: &Value) -> Option<toml::Value> {
    match value {
        Value::Object(_) => table(value).map(toml::Value::Table),
        Value::Array(items) => items.iter().map(toml_of).collect::<Option<Vec<_>>>().map(toml::Value::Array),
        Value::String(text) => Some(toml::Value::String(text.clone())),
        Value::Bool(is) => Some(toml::Value::Boolean(*is)),
        Value::Number(number) => number.as_i64().map(toml::Value::Integer),
        Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_has_what_was_found_and_names_the_credentials_as_the_file_did() {
        let text = "[[providers]]\nid = 'other'\n[[providers]]\nid = 'main'\n\
                    authorization = {type = 'bearer', credential = {env = 'TOKEN'}}\n";
        let block = json!({
            "id": "main", "endpoint": null, "parallel": 4, "can_update": true, "grants": ["client_credentials"],
            "authorization": {"type": "bearer"}, "introspection": {"client_id": "registry", "endpoint": null},
        });
        let file = catalogue("default", &block, &provider_of(text, "main").unwrap()).unwrap();
        let read: Table = file.parse().unwrap();
        let provider = read["providers"][0].as_table().unwrap();
        assert_eq!(read["organisation"].as_str(), Some("default"));
        assert_eq!(provider["authorization"]["credential"]["env"].as_str(), Some("TOKEN"));
        assert_eq!((provider["parallel"].as_integer(), provider["can_update"].as_bool()), (Some(4), Some(true)));
        assert!(!provider.contains_key("endpoint") && provider["introspection"].get("credential").is_none());
    }
}
