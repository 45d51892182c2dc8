//! Whether what is said of a token makes it an access token of a client (RFC 9068, RFC 7662).
//!
//! Not every server marks its access tokens, and everybody who signs in at an application has an ID token of its client. So
//! a token that is not marked `at+jwt` must have nothing that ID tokens and others have, and where its audience is the
//! client itself, as that of every ID token is (OpenID Connect Core, 2), it must have scopes, as none of them has.

use serde_json::{Map, Value};
use tessera_core::jose::base64url;

use crate::domain::client::is_client_id;
use crate::domain::time::Time;
use crate::http::json;
use crate::use_case::proof_judge::Proof;

/// Members of ID tokens (OpenID Connect Core, 2 and 3.3.2.11), logout tokens and security events (RFC 8417, 2.2), signed
/// answers of introspection (RFC 9701, 5).
const FOREIGN: [&str; 8] =
    ["at_hash", "c_hash", "s_hash", "nonce", "auth_time", "events", "sub_jwk", "token_introspection"];
/// Of those, what an answer of an introspection endpoint may say of an access token.
const SAID_OF_OPAQUE: [&str; 1] = ["auth_time"];
/// Members that say what a token is for, where they are there: Cognito, Hydra, Curity, OpenAM, Keycloak.
const KINDS: [&str; 4] = ["token_use", "purpose", "tokenName", "typ"];
/// What they, and `token_type`, say of access tokens, in letters of lower case.
const ACCESS: [&str; 6] = ["access", "accesstoken", "bearer", "dpop", "pop", "atjwt"];

const OTHER_KIND: &str = "is no access token";

/// What says what a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The issuer's signature, and a header that calls it an access token.
    Marked,
    /// The issuer's signature.
    Signed,
    /// The issuer, who was asked.
    Introspected,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    pub issuer: &'a str,
    pub client_id_claims: &'a [String],
    pub now: Time,
}

/// The `typ` of a JWT as far as it counts (RFC 9068, 2.1). `None` for one that is of no access token.
pub fn source_of(typ: Option<&str>) -> Option<Source> {
    let Some(typ) = typ else { return Some(Source::Signed) };
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "at+jwt" => Some(Source::Marked),
        "jwt" => Some(Source::Signed),
        _ => None,
    }
}

/// Whether a token that is to be introspected shows by itself that it is of another kind, as some servers call every
/// token active. Nothing is verified.
pub fn is_of_other_kind(token: &str, expectation: Expectation<'_>) -> bool {
    let part = |text: Option<&str>| match json::read(&base64url::decode(text?)?) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    };
    let mut parts = token.split('.');
    let (Some(header), Some(claims)) = (part(parts.next()), part(parts.next())) else { return false };
    match source_of(header.get("typ").and_then(Value::as_str)) {
        None => true,
        Some(source) => is_foreign(&claims, source, client_of(&claims, expectation.client_id_claims)),
    }
}

/// Whose access token it is.
pub fn proof(claims: &Map<String, Value>, source: Source, expectation: Expectation<'_>) -> Proof {
    let is_issuers = match claims.get("iss") {
        Some(issuer) => issuer.as_str() == Some(expectation.issuer),
        None => source == Source::Introspected,
    };
    if !is_issuers {
        return Proof::Nothing("is another issuer's");
    }
    if let Some(why) = untimely(claims, source, expectation.now) {
        return Proof::Nothing(why);
    }
    let client = client_of(claims, expectation.client_id_claims);
    if is_foreign(claims, source, client) {
        return Proof::Nothing(OTHER_KIND);
    }
    match (client, scopes(claims)) {
        (None, _) => Proof::Nothing("does not say whose it is"),
        (_, Err(())) => Proof::Nothing("has scopes that cannot be read"),
        (Some(client_id), Ok(scopes)) => Proof::Of { client_id: client_id.to_owned(), scopes },
    }
}

/// The first claim that is there counts.
fn client_of<'a>(claims: &'a Map<String, Value>, names: &[String]) -> Option<&'a str> {
    names.iter().find_map(|name| claims.get(name))?.as_str().filter(|id| is_client_id(id))
}

fn is_foreign(claims: &Map<String, Value>, source: Source, client: Option<&str>) -> bool {
    let is_access = |value: &Value| {
        value.as_str().is_some_and(|kind| {
            let letters: String = kind.chars().filter(char::is_ascii_alphabetic).collect();
            ACCESS.contains(&letters.to_ascii_lowercase().as_str())
        })
    };
    let kinds = KINDS.iter().chain((source == Source::Introspected).then_some(&"token_type"));
    if kinds.filter_map(|name| claims.get(*name)).any(|kind| !is_access(kind)) {
        return true;
    }
    let may_have = |name: &&&str| source == Source::Introspected && SAID_OF_OPAQUE.contains(*name);
    match source {
        Source::Marked => false,
        _ if FOREIGN.iter().filter(|name| !may_have(name)).any(|name| claims.contains_key(*name)) => true,
        Source::Introspected => false,
        Source::Signed => is_for(claims, client) && !["scope", "scp"].iter().any(|name| claims.contains_key(*name)),
    }
}

/// Whether its audience is the client itself.
fn is_for(claims: &Map<String, Value>, client: Option<&str>) -> bool {
    match claims.get("aud") {
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == client),
        Some(one) => one.as_str() == client,
        None => false,
    }
}

/// Numbers of seconds. A JWT must say when it ends; a server that was asked has called it active.
fn untimely(claims: &Map<String, Value>, source: Source, now: Time) -> Option<&'static str> {
    let now = now.as_millis() as f64 / 1000.0;
    let seconds = |name: &str| claims.get(name).map(|value| value.as_f64().filter(|seconds| seconds.is_finite()));
    match (seconds("exp"), seconds("nbf")) {
        (None, _) if source != Source::Introspected => Some("does not say when it ends"),
        (Some(None), _) | (_, Some(None)) => Some("has a time that is none"),
        (Some(Some(end)), _) if end <= now => Some("has expired"),
        (_, Some(Some(begin))) if begin > now => Some("is not valid yet"),
        _ => None,
    }
}

/// In one text (RFC 9068, 2.2.3; RFC 7662, 2.2), at some servers in an array, or by the name `scp`.
fn scopes(claims: &Map<String, Value>) -> Result<Option<Vec<String>>, ()> {
    let Some(value) = ["scope", "scp"].iter().find_map(|name| claims.get(*name)) else { return Ok(None) };
    match value {
        Value::String(text) => Ok(Some(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())),
        Value::Array(words) => {
            let words = words.iter().map(|word| word.as_str().map(str::to_owned).ok_or(()));
            words.collect::<Result<_, _>>().map(Some)
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names() -> Vec<String> {
        ["client_id", "azp"].map(str::to_owned).into()
    }

    fn judged(source: Source, changes: Value) -> Proof {
        let mut claims = json!({"iss": "https://idp", "aud": "orders", "exp": 200, "azp": "c1", "scope": "a  b"});
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let names = names();
        let expectation =
            Expectation { issuer: "https://idp", client_id_claims: &names, now: Time::from_millis(100_000) };
        proof(claims.as_object().unwrap(), source, expectation)
    }

    fn proves(source: Source, changes: Value) -> bool {
        matches!(judged(source, changes), Proof::Of { .. })
    }

    const ALL: [Source; 3] = [Source::Marked, Source::Signed, Source::Introspected];

    #[test]
    fn an_access_token_says_whose_it_is_and_what_for() {
        let of = |client: &str, scopes: Option<&[&str]>| Proof::Of {
            client_id: client.to_owned(),
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        };
        for source in ALL {
            assert_eq!(judged(source, json!({})), of("c1", Some(&["a", "b"])));
            assert_eq!(judged(source, json!({"client_id": "c2"})), of("c2", Some(&["a", "b"])));
            assert_eq!(judged(source, json!({"scope": null})), of("c1", None));
            assert_eq!(judged(source, json!({"scope": null, "scp": ["x"]})), of("c1", Some(&["x"])));
            assert_eq!(judged(source, json!({"scope": ""})), of("c1", Some(&[])));
        }
    }

    #[test]
    fn whatever_is_not_the_issuers_now_proves_nothing() {
        for source in ALL {
            for wrong in [
                json!({"iss": "https://other"}),
                json!({"iss": "https://idp/"}),
                json!({"iss": ["https://idp"]}),
                json!({"exp": 100}),
                json!({"exp": "200"}),
                json!({"nbf": 101}),
                json!({"nbf": "x"}),
                json!({"azp": null}),
                json!({"azp": 7}),
                json!({"azp": ""}),
                json!({"azp": "a\nb"}),
                json!({"client_id": 7}),
                json!({"client_id": ["c1"]}),
                json!({"scope": 7}),
                json!({"scope": ["a", 7]}),
            ] {
                assert!(!proves(source, wrong.clone()), "{source:?} {wrong}");
            }
            assert!(proves(source, json!({"nbf": 100})));
            let is_asked = source == Source::Introspected;
            assert_eq!(proves(source, json!({"iss": null})), is_asked);
            assert_eq!(proves(source, json!({"exp": null})), is_asked);
        }
    }

    #[test]
    fn tokens_of_other_kinds_prove_nothing() {
        for name in ["at_hash", "c_hash", "s_hash", "nonce", "events", "token_introspection", "sub_jwk"] {
            for source in [Source::Signed, Source::Introspected] {
                assert!(!proves(source, json!({name: "x"})), "{source:?} {name}");
            }
            assert!(proves(Source::Marked, json!({name: "x"})), "its header says what it is");
        }
        assert!(!proves(Source::Signed, json!({"auth_time": 1})));
        assert!(proves(Source::Introspected, json!({"auth_time": 1})));
        for (name, value) in [
            ("token_use", "id"),
            ("token_use", "refresh_token"),
            ("purpose", "id"),
            ("tokenName", "id_token"),
            ("typ", "ID"),
            ("typ", "Refresh"),
            ("typ", "Offline"),
        ] {
            for source in ALL {
                assert!(!proves(source, json!({name: value})), "{source:?} {name} {value}");
                assert!(!proves(source, json!({name: [value]})), "{source:?} {name} {value}");
            }
        }
        for (name, value) in
            [("token_use", "access"), ("tokenName", "access_token"), ("typ", "Bearer"), ("typ", "DPoP")]
        {
            for source in ALL {
                assert!(proves(source, json!({name: value})), "{source:?} {name} {value}");
            }
        }
        assert!(!proves(Source::Introspected, json!({"token_type": "refresh_token"})));
        assert!(!proves(Source::Introspected, json!({"token_type": "id_token"})));
        for kind in ["Bearer", "bearer", "DPoP", "access_token"] {
            assert!(proves(Source::Introspected, json!({"token_type": kind})));
        }
    }

    #[test]
    fn a_token_for_the_client_itself_must_have_scopes() {
        for audience in [json!("c1"), json!(["c1"]), json!(["orders", "c1"])] {
            assert!(!proves(Source::Signed, json!({"aud": audience, "scope": null})), "{audience}");
            assert!(proves(Source::Signed, json!({"aud": audience})));
            assert!(proves(Source::Marked, json!({"aud": audience, "scope": null})));
        }
        assert!(proves(Source::Signed, json!({"aud": null, "scope": null})));
    }

    #[test]
    fn types_count_without_case_and_prefix() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert_eq!(source_of(Some(typ)), Some(Source::Marked));
        }
        for typ in [None, Some("JWT"), Some("jwt"), Some("application/jwt")] {
            assert_eq!(source_of(typ), Some(Source::Signed));
        }
        for typ in ["", "id+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "application/application/at+jwt", "at"] {
            assert_eq!(source_of(Some(typ)), None, "{typ}");
        }
    }

    #[test]
    fn a_jwt_is_looked_at_before_it_is_asked_about() {
        let names = names();
        let now = Time::from_millis(100_000);
        let token = |header: Value, claims: Value| {
            let part = |value: Value| base64url::encode(value.to_string().as_bytes());
            let token = format!("{}.{}.sig", part(header), part(claims));
            is_of_other_kind(&token, Expectation { issuer: "https://idp", client_id_claims: &names, now })
        };
        assert!(!token(json!({"typ": "at+jwt"}), json!({"nonce": "x"})));
        assert!(!token(json!({"typ": "JWT"}), json!({"azp": "c1", "aud": "account", "typ": "Bearer"})));
        assert!(token(json!({"typ": "JWT"}), json!({"azp": "c1", "aud": "c1"})), "an ID token");
        assert!(token(json!({}), json!({"nonce": "x"})) && token(json!({"typ": "id+jwt"}), json!({})));
        for opaque in ["", "abc", "a.b.c", "..", "e30.x.y"] {
            let expectation = Expectation { issuer: "https://idp", client_id_claims: &names, now };
            assert!(!is_of_other_kind(opaque, expectation), "{opaque}");
        }
    }
}
