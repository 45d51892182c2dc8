//! Keys of clients (RFC 7517): public ones, with which a provider verifies what the client signs.

use serde_json::Value;
use tessera_core::jose::jwk_set::KeySet;

use crate::domain::members::Reading;
use crate::domain::reader::wrong;

const MAX_KEYS: usize = 10;
const MAX_BYTES: usize = 16 << 10;

/// A set of public keys for signatures, and nothing else.
///
/// # Errors
/// What is wrong with it; nothing of a key is quoted, as it may be a private one.
pub fn public_keys(value: &Value) -> Reading<Value> {
    let Some(object) = value.as_object() else { return wrong("must be a JWK set: an object with `keys`") };
    let count = object.get("keys").and_then(Value::as_array).map_or(0, Vec::len);
    if object.len() != 1 || !(1..=MAX_KEYS).contains(&count) {
        return wrong(format!("must be a JWK set: an object with `keys`, of which there are 1 to {MAX_KEYS}"));
    }
    let text = value.to_string();
    if text.len() > MAX_BYTES {
        return wrong(format!("must have at most {MAX_BYTES} bytes"));
    }
    match KeySet::read(text.as_bytes()) {
        Ok(keys) if keys.skipped() == 0 && keys.len() == count => Ok(value.clone()),
        _ => wrong("must have public keys only, each of which verifies signatures"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of RFC 7517, A.1; `d` is that of A.2.
    fn key() -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "kid": "1",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        })
    }

    #[test]
    fn only_public_keys_for_signatures_are_taken() {
        let with = |name: &str, value: Value| {
            let mut key = key();
            key[name] = value;
            json!({"keys": [key]})
        };
        assert!(public_keys(&json!({"keys": [key()]})).is_ok());
        assert!(public_keys(&json!({"keys": vec![key(); MAX_KEYS]})).is_ok());
        for wrong in [
            json!(null),
            json!([key()]),
            key(),
            json!({"keys": []}),
            json!({"keys": key()}),
            json!({"keys": [key(), 1]}),
            json!({"keys": [key()], "more": 1}),
            json!({"keys": vec![key(); MAX_KEYS + 1]}),
            json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
            with("d", json!("870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE")),
            with("use", json!("enc")),
            with("y", json!("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4")),
            with("more", json!("x".repeat(MAX_BYTES))),
        ] {
            let told = format!("{:?}", public_keys(&wrong).unwrap_err());
            assert!(!told.contains("870MB") && !told.contains("c2Vjcm"), "{told}");
        }
    }
}
