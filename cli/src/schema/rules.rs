//! What the keys of a section have to do with each other, as far as a schema can say it.

use serde_json::{Value, json};

const CLIENT: &str = "providers[].introspection.client";

/// Whether a required key is so with some values of others only.
pub fn depends(path: &str, key: &str) -> bool {
    path == CLIENT && matches!(key, "id" | "secret" | "key" | "algorithm")
}

/// Schemas that a section at the path has to satisfy as well.
pub fn rules(path: &str) -> Vec<Value> {
    match path {
        "providers[]" => vec![
            json!({"anyOf": [{"required": ["introspection"]}, {"required": ["jwt"]}]}),
            json!({"dependentRequired": {"jwt": ["issuer"], "discovery": ["issuer"]}}),
            without_discovery("introspection", &json!({"required": ["endpoint", "cluster"]})),
            without_discovery(
                "jwt",
                &json!({
                    "required": ["keys"],
                    "properties": {"keys": {"anyOf": [{"required": ["inline"]}, {"required": ["url", "cluster"]}]}},
                }),
            ),
        ],
        CLIENT => client(),
        "providers[].jwt.keys" => vec![
            json!({"if": {"required": ["inline"]}, "then": {"maxProperties": 1}}),
            // RFC 7517 §5
            json!({"properties": {"inline": {
                "required": ["keys"],
                "properties": {"keys": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["kty"]}}},
            }}}),
        ],
        "apis[].scopes" | "apis[].operations[].scopes" => vec![json!({"minProperties": 1, "maxProperties": 1})],
        "token.sources[]" => vec![
            json!({"oneOf": [{"required": ["header"]}, {"required": ["query"]}, {"required": ["cookie"]}]}),
            json!({"dependentRequired": {"scheme": ["header"]}}),
            json!({
                "if": {"properties": {"header": {"pattern": "^[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]$"}}, "required": ["header"]},
                "then": {"required": ["scheme"]},
            }),
        ],
        "contracts" => vec![
            json!({"anyOf": [{"required": ["inline"]}, {"required": ["source"]}]}),
            json!({"dependentRequired": {"max_staleness": ["source"], "before_first_load": ["source"]}}),
        ],
        _ => Vec::new(),
    }
}

/// What discovery would find must be given without it.
fn without_discovery(key: &str, given: &Value) -> Value {
    json!({"if": {"not": {"required": ["discovery"]}}, "then": {"properties": {key: given}}})
}

/// Each way to authenticate has keys of its own.
fn client() -> Vec<Value> {
    let ways: [(&str, &[&str], &[&str]); 6] = [
        ("client_secret_basic", &["id", "secret"], &["key", "key_id", "algorithm", "audience"]),
        ("client_secret_post", &["id", "secret"], &["basic_encoding", "key", "key_id", "algorithm", "audience"]),
        ("private_key_jwt", &["id", "key", "algorithm"], &["secret", "basic_encoding"]),
        ("client_secret_jwt", &["id", "secret", "algorithm"], &["basic_encoding", "key", "key_id"]),
        ("bearer", &["secret"], &["id", "basic_encoding", "key", "key_id", "algorithm", "audience"]),
        ("none", &[], &["secret", "basic_encoding", "key", "key_id", "algorithm", "audience"]),
    ];
    let rule = |(auth, required, unknown): (&str, &[&str], &[&str])| {
        // The first one is the default.
        let chosen = if auth == "client_secret_basic" { json!([]) } else { json!(["auth"]) };
        let refused: serde_json::Map<String, Value> =
            unknown.iter().map(|key| ((*key).to_owned(), Value::from(false))).collect();
        json!({
            "if": {"properties": {"auth": {"const": auth}}, "required": chosen},
            "then": {"required": required, "properties": refused},
        })
    };
    ways.into_iter().map(rule).collect()
}
