//! What an operator sees of a configuration that the module refuses.

use serde_json::json;

use crate::harness::envoy::Envoy;
use crate::harness::secrecy;

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
fn a_secret_with_a_line_break_is_refused_by_name_and_no_key_forges_a_line_of_the_log() {
    let secret = secrecy::secret("secret-from-a-file");
    let refused = Envoy::builder()
        .plugin(json!({
            "providers": [{
                "name": "main",
                "introspection": {
                    "endpoint": "https://outbound|443||idp.example.com/introspect",
                    "cluster": "idp",
                    "client": {"id": "gateway", "secret": {"env": "IDP_CLIENT_SECRET"}},
                },
            }],
            "apis": [{"id": "orders-v1"}],
            "x\n[2026-01-01 00:00:00.000][1][critical][wasm] forged\u{202e}": true,
        }))
        .environment("IDP_CLIENT_SECRET", &format!("{secret}\n"))
        .try_start()
        .err()
        .expect("a refusal");
    for line in [
        "secret.env: environment variable \"IDP_CLIENT_SECRET\" must not end in a line break",
        "introspection.endpoint: must name a host",
        "x\\n[2026-01-01 00:00:00.000][1][critical][wasm] forged\\u{202e}: is not known here",
    ] {
        assert!(refused.complaints.iter().any(|complaint| complaint.contains(line)), "{:?}", refused.complaints);
    }
    let forged = refused.log.lines().filter(|line| line.starts_with("[2026-01-01 00:00:00.000]"));
    assert_eq!(forged.count(), 0, "{}", refused.log);
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in ["", "{", "[]", "\u{0}"] {
        let refused = Envoy::builder().plugin_text(text).try_start().err();
        assert!(refused.is_some_and(|refused| !refused.complaints.is_empty()), "{text:?}");
    }
}
