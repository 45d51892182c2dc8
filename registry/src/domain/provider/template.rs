//! What goes with every registration at a provider, and what is left out of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::members::{Members, Reading};
use crate::domain::reader::{object, set, text, wrong};

/// Members that are added and left out, over those that are sent anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MetadataTemplate)]
pub struct Template {
    #[schema(value_type = Object, required = false)]
    pub set: Map<String, Value>,
    #[schema(required = false)]
    pub omit: Vec<String>,
}

/// What the tier decides, and what only the provider says (RFC 7591, 3.2.1; RFC 7592, 3): none of it is a template's.
const NOT_TO_BE_SET: [&str; 13] = [
    "client_id",
    "client_id_issued_at",
    "client_secret",
    "client_secret_expires_at",
    "grant_types",
    "jwks",
    "jwks_uri",
    "redirect_uris",
    "registration_access_token",
    "registration_client_uri",
    "response_types",
    "scope",
    "token_endpoint_auth_method",
];
const MAX_MEMBERS: usize = 64;
const MAX_NAME: usize = 100;
/// Of all that is set, as JSON.
const MAX_BYTES: usize = 16 << 10;

impl Template {
    pub(super) fn read(value: &Value) -> Reading<Self> {
        object(Self::default, Self::read_members)(value)
    }

    fn read_members(members: &mut Members<'_>, template: &mut Self) {
        members.optional("set", &mut template.set, Map::new(), settable);
        members.optional("omit", &mut template.omit, Vec::new(), set(0..=MAX_MEMBERS, text(1..=MAX_NAME)));
    }
}

fn settable(value: &Value) -> Reading<Map<String, Value>> {
    let Some(object) = value.as_object() else { return wrong("must be an object") };
    if object.len() > MAX_MEMBERS || value.to_string().len() > MAX_BYTES {
        return wrong(format!("must have at most {MAX_MEMBERS} members and {MAX_BYTES} bytes"));
    }
    if let Some(name) = object.keys().find(|name| NOT_TO_BE_SET.contains(&name.as_str())) {
        return wrong(format!("cannot name `{name}`"));
    }
    let is_nameable = |name: &String| !name.is_empty() && name.chars().count() <= MAX_NAME;
    if !object.keys().all(is_nameable) {
        return wrong(format!("must have names of 1 to {MAX_NAME} characters"));
    }
    for name in ["client_name", "software_id"] {
        if object.get(name).is_some_and(|value| value.as_str().is_none_or(str::is_empty)) {
            return wrong(format!("`{name}` must be a text"));
        }
    }
    Ok(object.clone())
}
