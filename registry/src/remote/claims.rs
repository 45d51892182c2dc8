//! What the claims of an access token say about its caller (RFC 9068, RFC 7662).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::principal::{Caller, DEFAULT_ORGANISATION, Principal, Role, is_slug};
use crate::domain::text::is_bidi_control;
use crate::domain::time::Time;

/// What a token must say, and how its roles are read.
#[derive(Clone, Debug)]
pub struct Expected {
    pub issuer: String,
    pub audience: String,
    /// JSON pointers (RFC 6901).
    pub organisation_claim: Option<String>,
    pub roles_claim: String,
    pub roles: BTreeMap<String, Vec<Role>>,
}

/// Longest `sub` that names somebody.
const MOST_SUBJECT: usize = 255;

impl Expected {
    /// `None` for a token of somebody else, for somebody else, not valid now, or without a subject. `has_issuer`: the
    /// claims must name the issuer; where that server itself was asked, they may.
    pub fn caller(&self, claims: &Map<String, Value>, now: Time, has_issuer: bool) -> Option<Caller> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_issuers = match claims.get("iss") {
            Some(issuer) => issuer.as_str() == Some(&self.issuer),
            None => !has_issuer,
        };
        let is_for_us = match claims.get("aud")? {
            Value::String(one) => *one == self.audience,
            Value::Array(many) => many.iter().any(|one| one.as_str() == Some(&self.audience)),
            _ => false,
        };
        if !is_issuers || !is_for_us || !is_valid(claims, now) {
            return None;
        }
        let subject = text("sub").filter(|subject| (1..=MOST_SUBJECT).contains(&subject.len()))?;
        let is_nameable = !subject.chars().any(|c| c.is_control() || is_bidi_control(c));
        let caller = Caller {
            principal: Principal::User(subject.to_owned()),
            organisation: self.organisation(claims)?,
            roles: self.roles(claims),
        };
        is_nameable.then_some(caller)
    }

    /// `None` where the claim is configured and the token has none, or none that can be.
    fn organisation(&self, claims: &Map<String, Value>) -> Option<String> {
        let Some(pointer) = &self.organisation_claim else { return Some(DEFAULT_ORGANISATION.to_owned()) };
        at(claims, pointer)?.as_str().filter(|organisation| is_slug(organisation)).map(str::to_owned)
    }

    fn roles(&self, claims: &Map<String, Value>) -> Vec<Role> {
        let words: Vec<&str> = match at(claims, &self.roles_claim) {
            Some(Value::String(text)) => text.split(' ').filter(|word| !word.is_empty()).collect(),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut roles: Vec<Role> = Vec::new();
        for word in words {
            match self.roles.get(word) {
                Some(meant) => roles.extend(meant.iter().cloned()),
                None => roles.extend(Role::parse(word)),
            }
        }
        roles.sort();
        roles.dedup();
        roles
    }
}

fn at<'a>(claims: &'a Map<String, Value>, pointer: &str) -> Option<&'a Value> {
    let mut parts = pointer.strip_prefix('/')?.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut found = claims.get(&parts.next()?)?;
    for part in parts {
        found = match found {
            Value::Object(members) => members.get(&part)?,
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(found)
}

/// `exp` is required; `nbf` counts where it is.
fn is_valid(claims: &Map<String, Value>, now: Time) -> bool {
    let seconds = |name: &str| claims.get(name).map(|value| value.as_f64().filter(|seconds| seconds.is_finite()));
    let now = now.as_millis() as f64 / 1000.0;
    let has_ended = !matches!(seconds("exp"), Some(Some(end)) if now < end);
    let has_begun = match seconds("nbf") {
        None => true,
        Some(begin) => begin.is_some_and(|begin| begin <= now),
    };
    !has_ended && has_begun
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expected {
        Expected {
            issuer: "https://idp".into(),
            audience: "registry".into(),
            organisation_claim: None,
            roles_claim: "/realm/roles".into(),
            roles: [("Admins".to_owned(), vec![Role::Admin])].into(),
        }
    }

    fn judge(expected: &Expected, changes: Value) -> Option<Caller> {
        let mut claims = json!({"iss": "https://idp", "aud": ["other", "registry"], "exp": 200, "sub": "7"});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        expected.caller(claims.as_object().unwrap(), Time::from_millis(100_000), true)
    }

    #[test]
    fn roles_are_meant_or_named() {
        let read = |roles: Value| {
            let roles = judge(&expected(), json!({"realm": {"roles": roles}})).unwrap().roles;
            roles.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(read(json!(["Admins", "a:owner", "nonsense", 5])), ["admin", "a:owner"]);
        assert_eq!(read(json!("a:owner  b:auditor")), ["a:owner", "b:auditor"]);
        assert!(read(json!({"x": 1})).is_empty() && read(Value::Null).is_empty());
    }

    #[test]
    fn whoever_is_not_meant_is_nobody() {
        assert_eq!(judge(&expected(), json!({})).unwrap().principal.to_string(), "user:7");
        for wrong in [
            json!({"iss": "https://other"}),
            json!({"iss": null}),
            json!({"aud": "other"}),
            json!({"aud": []}),
            json!({"aud": 1}),
            json!({"exp": 100}),
            json!({"exp": "200"}),
            json!({"exp": null}),
            json!({"nbf": 101}),
            json!({"nbf": "x"}),
            json!({"sub": ""}),
            json!({"sub": 7}),
            json!({"sub": "a\nb"}),
            json!({"sub": "a\u{202e}b"}),
            json!({"sub": "\u{200f}a"}),
            json!({"sub": "a\u{2069}"}),
            json!({"sub": "x".repeat(256)}),
        ] {
            assert_eq!(judge(&expected(), wrong.clone()), None, "{wrong}");
        }
        let of = Expected { organisation_claim: Some("/org".into()), ..expected() };
        assert_eq!(judge(&of, json!({"org": "acme"})).unwrap().organisation, "acme");
        for wrong in [json!({}), json!({"org": "A B"}), json!({"org": 1})] {
            assert_eq!(judge(&of, wrong.clone()), None, "{wrong}");
        }
    }
}
