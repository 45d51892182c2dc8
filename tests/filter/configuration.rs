//! Configurations: the smallest one that works, and what a test changes in it.

use serde_json::{Value, json};

/// One provider `main` and one API `orders-v1`, changed by a merge patch (RFC 7396).
pub fn configuration(change: Value) -> String {
    configuration_value(change).to_string()
}

/// As [`configuration`], before it is written down.
pub fn configuration_value(change: Value) -> Value {
    merged(json!({"providers": [provider(json!({}))], "apis": [api(json!({}))]}), change)
}

/// The provider `main`, one attempt of two seconds, changed by a merge patch.
pub fn provider(change: Value) -> Value {
    let introspection = json!({
        "endpoint": "https://idp.example.com/oauth2/introspect", "cluster": "idp", "timeout": "2s", "retries": 0,
        "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "s3cret"},
    });
    merged(json!({"name": "main", "introspection": introspection}), change)
}

/// The API `orders-v1`, which any active token may call, changed by a merge patch.
pub fn api(change: Value) -> Value {
    merged(json!({"id": "orders-v1"}), change)
}

fn merged(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut members = match target {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    for (name, change) in patch {
        match change {
            Value::Null => {
                members.remove(&name);
            }
            change => {
                let before = members.remove(&name).unwrap_or(Value::Null);
                members.insert(name, merged(before, change));
            }
        }
    }
    Value::Object(members)
}
