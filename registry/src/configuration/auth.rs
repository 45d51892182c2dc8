//! Whose access tokens are taken, and what their claims mean.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use toml::Value;

use super::secret::secret;
use super::section::Section;
use crate::domain::principal::Role;
use crate::domain::text::is_safe_url;

#[derive(Debug)]
pub struct Auth {
    pub issuer: String,
    /// Must be in `aud`.
    pub audience: String,
    pub verify: Verify,
    /// JSON pointer to the organisation's name; absent: the organisation `default`.
    pub organisation_claim: Option<String>,
    /// JSON pointer to the roles.
    pub roles_claim: String,
    /// What a value of that claim stands for.
    pub roles: BTreeMap<String, Vec<Role>>,
}

#[derive(Debug)]
pub enum Verify {
    /// RFC 9068, by the issuer's keys.
    Jwt { algorithms: Vec<String> },
    /// RFC 7662.
    Introspection { client_id: String, client_secret: SecretString },
}

#[derive(Debug)]
pub struct SignIn {
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<SecretString>,
    pub scopes: Vec<String>,
    pub idle: Duration,
    pub absolute: Duration,
}

const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn auth(root: &mut Section<'_>) -> Option<Auth> {
    let mut section = root.section("auth");
    if !section.is_there() {
        return None;
    }
    let issuer = section.required("issuer").filter(|issuer| {
        let is_issuer = is_safe_url(issuer) && !issuer.contains(['?', '#']);
        if !is_issuer {
            section.fault("issuer", "must be an https URL, or http on a loopback host, without query or fragment");
        }
        is_issuer
    });
    let audience = section.required("audience");
    let verify = verify(&mut section);
    let organisation_claim = pointer(&mut section, "organisation_claim");
    let roles_claim = pointer(&mut section, "roles_claim").unwrap_or_else(|| "/roles".to_owned());
    let roles = roles(&mut section);
    section.finish();
    Some(Auth { issuer: issuer?, audience: audience?, verify: verify?, organisation_claim, roles_claim, roles })
}

fn verify(section: &mut Section<'_>) -> Option<Verify> {
    let is_jwt = section.word("verify", "jwt", &["jwt", "introspection"]) == "jwt";
    let algorithms = section.texts("algorithms");
    let client_id = section.text("client_id");
    let client_secret = secret(section, "client_secret");
    if is_jwt {
        for (key, is_there) in [("client_id", client_id.is_some()), ("client_secret", client_secret.is_some())] {
            if is_there {
                section.fault(key, "is only for verify = \"introspection\"");
            }
        }
        let algorithms = algorithms.unwrap_or_else(|| ALGORITHMS.map(str::to_owned).to_vec());
        if algorithms.is_empty() || algorithms.iter().any(|algorithm| !ALGORITHMS.contains(&algorithm.as_str())) {
            section.fault("algorithms", format!("must be some of {}", ALGORITHMS.join(", ")));
        }
        return Some(Verify::Jwt { algorithms });
    }
    if algorithms.is_some() {
        section.fault("algorithms", "is only for verify = \"jwt\"");
    }
    for (key, is_there) in [("client_id", client_id.is_some()), ("client_secret", client_secret.is_some())] {
        if !is_there {
            section.fault(key, "is required for verify = \"introspection\"");
        }
    }
    Some(Verify::Introspection { client_id: client_id?, client_secret: client_secret? })
}

fn pointer(section: &mut Section<'_>, key: &str) -> Option<String> {
    let text = section.text(key)?;
    let is_pointer = text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !is_pointer {
        section.fault(key, "must be a JSON pointer such as \"/roles\" (RFC 6901)");
    }
    Some(text)
}

fn roles(section: &mut Section<'_>) -> BTreeMap<String, Vec<Role>> {
    let Some(value) = section.value("roles") else { return BTreeMap::new() };
    let Value::Table(table) = value else {
        section.fault("roles", "must be a table of a claim's values and their roles");
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (word, value) in table {
        let texts = value.as_array().map(|values| values.iter().map(|value| value.as_str().and_then(Role::parse)));
        match texts.and_then(Iterator::collect::<Option<Vec<_>>>) {
            Some(roles) => {
                read.insert(word, roles);
            }
            None => section.fault(
                &format!("roles.{word}"),
                "must be an array of roles: \"admin\", or \"GROUP:owner\", \"GROUP:developer\", \"GROUP:auditor\"",
            ),
        }
    }
    read
}

pub(super) fn sign_in(root: &mut Section<'_>, has_auth: bool) -> Option<SignIn> {
    let mut section = root.section("sign_in");
    if !section.is_there() {
        return None;
    }
    if !has_auth {
        section.fault("", "needs [auth], whose issuer and claims it uses");
    }
    let client_id = section.required("client_id");
    let client_secret = secret(&mut section, "client_secret");
    let scopes = section.texts("scopes").unwrap_or_else(|| ["openid", "profile"].map(str::to_owned).to_vec());
    if !scopes.iter().any(|scope| scope == "openid") {
        section.fault("scopes", "must have \"openid\": roles are those of the ID token");
    }
    let idle = section.duration("idle", 30 * MINUTE, MINUTE..=24 * 60 * MINUTE);
    let absolute = section.duration("absolute", 12 * 60 * MINUTE, 5 * MINUTE..=7 * 24 * 60 * MINUTE);
    section.finish();
    Some(SignIn { client_id: client_id?, client_secret, scopes, idle, absolute })
}
