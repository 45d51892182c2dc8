//! What an operator sees of a configuration that the module refuses.

use serde_json::json;

use crate::envoy::Envoy;
use crate::secrecy;

#[test]
fn five_mistakes_are_told_at_once_each_with_its_path_and_without_secrets() {
    let secret = secrecy::secret("inline-secret");
    let refused = Envoy::builder()
        .plugin(json!({
            "providers": [{
                "name": "main",
                "introspection": {
                    "endpoint": "http://idp.example.com/introspect",
                    "cluster": "idp",
                    "timeout": "0s",
                    "retrys": 1,
                    "client": {"id": "gateway", "auth": "client_secret_basic", "secret": secret},
                },
            }],
            "apis": [{"id": "orders-v1", "providers": ["other"]}],
            "no_match": "maybe",
            "token": {"max_length": -1},
        }))
        .try_start()
        .err()
        .expect("a refusal");
    for path in [
        "providers[0].introspection.timeout: ",
        "providers[0].introspection.retrys: ",
        "apis[0].providers[0]: ",
        "no_match: ",
        "token.max_length: ",
    ] {
        assert!(refused.complaints.iter().any(|line| line.contains(path)), "no {path:?} in {:?}", refused.complaints);
    }
}

#[test]
fn text_that_is_no_json_is_refused() {
    for text in ["", "{", "[]", "\u{0}"] {
        let refused = Envoy::builder().plugin_text(text).try_start().err();
        assert!(refused.is_some_and(|refused| !refused.complaints.is_empty()), "{text:?}");
    }
}
