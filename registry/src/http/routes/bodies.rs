//! Bodies of actions, as OpenAPI describes them.

use serde_json::{Map, Value, json};

use crate::domain::provider::{AuthorizationView, DcrView, EntraView, IntrospectionView, MAX_ONE_TIME, ProviderView};
use crate::http::schemas::Schemas;

fn members(of: Value) -> Map<String, Value> {
    match of {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn reason() -> Value {
    json!({"type": "string", "maxLength": 1000})
}

fn date() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

/// An object without members.
pub fn nothing(parts: &mut Schemas) -> Value {
    parts.body("Nothing", Map::new(), &[])
}

pub fn with_reason(parts: &mut Schemas) -> Value {
    let reason = json!({"type": "string", "minLength": 1, "maxLength": 1000});
    parts.body("WithReason", members(json!({"reason": reason})), &["reason"])
}

pub fn with_reason_or_none(parts: &mut Schemas) -> Value {
    parts.body("WithReasonOrNone", members(json!({"reason": reason()})), &[])
}

pub fn approval(parts: &mut Schemas) -> Value {
    let of = json!({"reason": reason(), "not_before": date(), "expires_at": date()});
    parts.body("ContractApproval", members(of), &[])
}

pub fn change_of_tier(parts: &mut Schemas) -> Value {
    let of = json!({"tier": {"type": "string", "minLength": 1, "maxLength": 63}, "reason": reason()});
    parts.body("ContractTier", members(of), &["tier"])
}

pub fn change_of_contract(parts: &mut Schemas) -> Value {
    let name = json!({"type": ["string", "null"], "minLength": 1, "maxLength": 200});
    parts.body("ContractChange", members(json!({"name": name, "expires_at": date()})), &[])
}

pub fn rotation(parts: &mut Schemas) -> Value {
    let of = json!({
        "overlap": {"type": "string", "default": "24h"},
        "provider": {"type": "string", "minLength": 1, "maxLength": 63},
        "jwks": {"type": "object"},
        "client_id": {"type": "string", "minLength": 1, "maxLength": 1024},
    });
    parts.body("ClientRotation", members(of), &[])
}

pub fn proof(parts: &mut Schemas) -> Value {
    let token = json!({"type": "string", "minLength": 1});
    parts.body("ClientProof", members(json!({"access_token": token})), &["access_token"])
}

pub fn registration_tokens(parts: &mut Schemas) -> Value {
    let tokens = json!({"type": "array", "minItems": 1, "maxItems": MAX_ONE_TIME, "uniqueItems": true,
        "items": credential()});
    parts.body("RegistrationTokens", members(json!({"tokens": tokens})), &["tokens"])
}

pub fn new_provider(parts: &mut Schemas) -> Value {
    let members = parts.members::<ProviderView>(&["introspection"]);
    let credentials = Credentials {
        introspection: introspection(parts, "NewIntrospection", &["client_id", "credential"]),
        authorization: authorization(parts, "NewAuthorization", &["type"]),
    };
    provider(parts, "NewProvider", members, credentials, &["id", "kind"])
}

pub fn change_of_provider(parts: &mut Schemas) -> Value {
    let members = parts.members::<ProviderView>(&["id", "kind", "issuer", "introspection"]);
    let credentials = Credentials {
        introspection: introspection(parts, "IntrospectionChange", &[]),
        authorization: authorization(parts, "AuthorizationChange", &[]),
    };
    provider(parts, "ProviderChange", members, credentials, &[])
}

/// Parts with a credential, which is never shown.
struct Credentials {
    introspection: Value,
    authorization: Value,
}

/// The members of every kind.
fn provider(
    parts: &mut Schemas,
    name: &str,
    mut members: Map<String, Value>,
    credentials: Credentials,
    required: &[&str],
) -> Value {
    let Credentials { introspection, authorization } = credentials;
    members.insert("introspection".into(), json!({"oneOf": [{"type": "null"}, introspection]}));
    members.extend(parts.members::<DcrView>(&["authorization"]));
    members.extend(parts.members::<EntraView>(&[]));
    members.insert("credential".into(), credential());
    members.insert("authorization".into(), json!({"oneOf": [{"type": "null"}, authorization]}));
    parts.body(name, members, required)
}

fn introspection(parts: &mut Schemas, name: &str, required: &[&str]) -> Value {
    let members = parts.members::<IntrospectionView>(&[]);
    with_credential(parts, name, members, required)
}

fn authorization(parts: &mut Schemas, name: &str, required: &[&str]) -> Value {
    let members = parts.members::<AuthorizationView>(&[]);
    with_credential(parts, name, members, required)
}

fn with_credential(parts: &mut Schemas, name: &str, mut members: Map<String, Value>, required: &[&str]) -> Value {
    members.insert("credential".into(), credential());
    parts.body(name, members, required)
}

fn credential() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 16384, "writeOnly": true})
}

/// A provider as admins see it, of any kind.
pub fn full_provider(parts: &mut Schemas) -> Value {
    let every = parts.shown::<ProviderView>();
    let (dcr, entra) = (parts.shown::<DcrView>(), parts.shown::<EntraView>());
    json!({"anyOf": [every, {"allOf": [every, dcr]}, {"allOf": [every, entra]}]})
}

/// What is shown once.
pub fn secret(parts: &mut Schemas) -> Value {
    let of = json!({
        "client_id": {"type": "string"},
        "client_secret": {"type": ["string", "null"]},
        "secret_expires_at": date(),
    });
    parts.body("ClientSecret", members(of), &["client_id", "client_secret", "secret_expires_at"])
}
