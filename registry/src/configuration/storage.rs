//! The database, and the keys that seal secrets in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use toml::Value;

use super::secret::{from_value, required_secret};
use super::section::Section;
use crate::domain::principal::is_slug;

#[derive(Debug)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: SecretString,
    /// Connections at most.
    pub pool: u32,
    /// Whether commands bring an older schema up to date.
    pub migrates: bool,
}

#[derive(Debug)]
pub struct SealingKey {
    pub id: String,
    pub key: SecretBox<[u8; 32]>,
}

pub(super) fn database(root: &mut Section<'_>) -> Option<DatabaseSettings> {
    let mut section = root.section("database");
    let url = match section.value("url") {
        None => Some(SecretString::from("sqlite:registry.db")),
        Some(Value::String(literal)) if has_password(&literal) => {
            section.fault("url", "has a password: name a secret instead, {env = \"NAME\"} or {file = \"PATH\"}");
            None
        }
        Some(Value::String(literal)) => Some(SecretString::from(literal)),
        Some(value) => from_value(&section, "url", &value),
    };
    let is_known = |url: &SecretString| {
        let url = url.expose_secret();
        let schemes = ["postgres://", "postgresql://"];
        schemes.iter().any(|scheme| url.starts_with(scheme))
            || url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty())
    };
    if url.as_ref().is_some_and(|url| !is_known(url)) {
        section.fault("url", "must be sqlite:PATH or postgres://…");
    }
    let pool = section.integer("pool", 10, 1..=200);
    let migrates = section.boolean("migrate", true);
    section.finish();
    Some(DatabaseSettings { url: url?, pool, migrates })
}

/// In the place of a user's, or as a parameter.
fn has_password(url: &str) -> bool {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = before.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    user.contains(':') || parameters.any(|(name, _)| name.to_ascii_lowercase().contains("password"))
}

pub(super) fn sealing_keys(root: &mut Section<'_>) -> Vec<SealingKey> {
    let mut keys: Vec<SealingKey> = Vec::new();
    let sections = root.sections("sealing_keys");
    if sections.is_empty() {
        root.fault("sealing_keys", "needs at least one key: `tessera-registry seal-key new` prints one");
    }
    for mut section in sections {
        let id = section.required("id").filter(|id| {
            let problem = if !is_slug(id) {
                "must be a slug: letters a to z, digits and hyphens"
            } else if keys.iter().any(|key| key.id == *id) {
                "is given twice"
            } else {
                return true;
            };
            section.fault("id", problem);
            false
        });
        let key = required_secret(&mut section, "key").and_then(|secret| {
            let bytes = STANDARD.decode(secret.expose_secret().trim()).ok().and_then(|bytes| bytes.try_into().ok());
            if bytes.is_none() {
                section.fault("key", "must be 32 bytes as base64");
            }
            bytes
        });
        if let (Some(id), Some(key)) = (id, key) {
            keys.push(SealingKey { id, key: SecretBox::new(Box::new(key)) });
        }
        section.finish();
    }
    keys
}
