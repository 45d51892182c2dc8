//! An authorization server of which every secret begins alike, whoever has made it.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::scripted::{Asked, Scripted, ScriptedServer};

/// How each of them begins. None has a word of the protocol: a server that repeats one would be taken to tell a secret.
pub const SECRET: &str = "hush-dcr";
/// Secrets by which the registry authenticates, as `Authorization: Basic` has them.
pub const BASIC: [&str; 2] = ["registry:hush-dcr-machine", "registry:hush-dcr-inspector"];

pub fn server() -> ScriptedServer {
    let (made, lost) = (AtomicU64::new(0), AtomicU64::new(0));
    ScriptedServer::start(move |asked, url| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/.well-known/openid-configuration") => Scripted::json(
            200,
            &json!({
                "issuer": url, "registration_endpoint": format!("{url}/register"), "token_endpoint": format!("{url}/token"),
                "introspection_endpoint": format!("{url}/introspect"), "jwks_uri": format!("{url}/jwks"),
            }),
        ),
        // The first that comes there is lost.
        ("POST", "/register" | "/losing") => {
            let number = made.fetch_add(1, Ordering::Relaxed);
            if asked.path == "/losing" && lost.fetch_add(1, Ordering::Relaxed) == 0 {
                return Scripted::json(500, &json!({"error": "lost", "error_description": shown(asked)}));
            }
            Scripted::json(201, &client(asked.json(), &format!("c{number}"), url))
        }
        ("POST", "/refusing") => {
            Scripted::json(400, &json!({"error": "invalid_client_metadata", "error_description": shown(asked)}))
        }
        ("POST", "/token") => Scripted::json(200, &token(asked)),
        ("POST", "/introspect") => {
            let token = asked.field("token").unwrap_or_default();
            let client_id = token.rsplit('-').next().unwrap().to_owned();
            Scripted::json(200, &json!({"active": true, "client_id": client_id, "iss": url, "token_type": "Bearer"}))
        }
        // With another token, as many servers do.
        ("PUT", path) => {
            let id = path.rsplit('/').next().unwrap();
            let mut changed = client(asked.json(), id, url);
            changed["registration_access_token"] = json!(format!("hush-dcr-manage-{id}-next"));
            Scripted::json(200, &changed)
        }
        ("DELETE", _) => Scripted::text(204, ""),
        _ => Scripted::text(404, ""),
    })
}

/// What it was shown, which it had better kept to itself.
fn shown(asked: &Asked) -> String {
    format!("I was shown {}", asked.header("authorization").unwrap_or_default())
}

fn client(mut metadata: Value, id: &str, url: &str) -> Value {
    for (name, value) in [
        ("client_id", json!(id)),
        ("registration_client_uri", json!(format!("{url}/register/{id}"))),
        ("registration_access_token", json!(format!("hush-dcr-manage-{id}"))),
    ] {
        metadata[name] = value;
    }
    if metadata["token_endpoint_auth_method"] != "private_key_jwt" {
        metadata["client_secret"] = json!(format!("hush-dcr-secret-{id}"));
        metadata["client_secret_expires_at"] = json!(0);
    }
    metadata
}

/// For the registry itself, and for clients that show their secret.
fn token(asked: &Asked) -> Value {
    let basic = asked.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    let basic = STANDARD.decode(basic).unwrap();
    let (id, secret) = std::str::from_utf8(&basic).unwrap().split_once(':').unwrap();
    assert!(secret == "hush-dcr-machine" || secret == format!("hush-dcr-secret-{id}"), "{secret}");
    json!({"access_token": format!("hush-dcr-access-{id}"), "token_type": "Bearer", "expires_in": 600})
}
