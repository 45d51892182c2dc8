//! Signed introspection responses (RFC 9701): a JWT that is about the answer, not about the token.

use crate::base::json::{Json, Object};
use crate::base::time::Timestamp;
use crate::jose::algorithm::Algorithm;
use crate::jose::compact::Jws;
use crate::provider::failure::ProviderFailure;
use std::time::Duration;

/// The media type of a signed answer (RFC 9701 §4).
pub const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// What a signed answer must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub algorithms: &'a [Algorithm],
    pub issuer: &'a str,
    /// What `aud` must hold.
    pub audience: &'a str,
    /// How far the server's clock may be off.
    pub clock_skew: Duration,
}

/// A signed answer that reads well, before anybody has looked at its signature.
#[derive(Debug)]
pub struct SignedAnswer<'a> {
    pub jws: Jws<'a>,
    /// The JSON of what it says of the token: to be believed once the signature is verified.
    pub content: Vec<u8>,
}

impl<'a> SignedAnswer<'a> {
    /// Reads the body of an answer that arrived at `now`.
    ///
    /// # Errors
    /// [`ProviderFailure::NotSigned`] or [`ProviderFailure::Unreadable`] when no signature could make it one for us.
    pub fn read(body: &'a [u8], expected: &Expected<'_>, now: Timestamp) -> Result<Self, ProviderFailure> {
        let text = std::str::from_utf8(body.trim_ascii()).map_err(|_| ProviderFailure::NotSigned)?;
        let jws = Jws::read(text, expected.algorithms).map_err(|_| ProviderFailure::NotSigned)?;
        if !jws.header.typ.as_deref().is_some_and(is_media_type) {
            return Err(ProviderFailure::NotSigned);
        }
        // Everything is looked at: no member may be given twice.
        let payload = Object::read(&jws.payload, &|_| true)?;
        if payload.text("iss")? != Some(expected.issuer) {
            return Err(ProviderFailure::Unreadable("iss"));
        }
        let is_for_us = match payload.get("aud") {
            Some(Json::Text(one)) => **one == *expected.audience,
            Some(Json::Array(list)) => list.iter().any(|one| one.as_text() == Some(expected.audience)),
            _ => false,
        };
        if !is_for_us {
            return Err(ProviderFailure::Unreadable("aud"));
        }
        check_times(&payload, expected.clock_skew, now)?;
        let Some(content @ Json::Object(_)) = payload.get("token_introspection") else {
            return Err(ProviderFailure::Unreadable("token_introspection"));
        };
        let content = serde_json::to_vec(content).map_err(|_| ProviderFailure::NotJson)?;
        Ok(Self { jws, content })
    }
}

/// It was issued in the past, and has not expired where it may.
fn check_times(payload: &Object<'_>, skew: Duration, now: Timestamp) -> Result<(), ProviderFailure> {
    let time = |name| match payload.get(name) {
        None => Ok(None),
        Some(Json::Number(number)) => match number.as_f64() {
            Some(seconds) if seconds >= 0.0 => {
                Ok(Some(Timestamp::default().plus(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))))
            }
            _ => Err(ProviderFailure::Unreadable(name)),
        },
        Some(_) => Err(ProviderFailure::Unreadable(name)),
    };
    let issued_at = time("iat")?.ok_or(ProviderFailure::Unreadable("iat"))?;
    if issued_at > now.plus(skew) {
        return Err(ProviderFailure::Unreadable("iat"));
    }
    if time("exp")?.is_some_and(|end| now >= end.plus(skew)) {
        return Err(ProviderFailure::Unreadable("exp"));
    }
    Ok(())
}

fn is_media_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ == MEDIA_TYPE || MEDIA_TYPE.strip_prefix("application/") == Some(&typ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_secs(1000);
    const EXPECTED: Expected<'_> = Expected {
        algorithms: &[Algorithm::Es256],
        issuer: "https://idp",
        audience: "gateway",
        clock_skew: Duration::from_secs(10),
    };

    fn jws(header: Value, change: Value) -> String {
        let mut payload = json!({
            "iss": "https://idp", "aud": "gateway", "iat": 999, "token_introspection": {"active": true, "scope": "a"},
        });
        let members = payload.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".") + ".AAAA"
    }

    fn typ(typ: &str) -> Value {
        json!({"alg": "ES256", "typ": typ})
    }

    fn read(text: &str) -> Result<String, ProviderFailure> {
        SignedAnswer::read(text.as_bytes(), &EXPECTED, NOW).map(|answer| String::from_utf8(answer.content).unwrap())
    }

    #[test]
    fn what_it_says_of_the_token_is_all_that_counts() {
        let text = jws(typ("token-introspection+jwt"), json!({"active": false, "scope": "b"}));
        assert_eq!(read(&text).unwrap(), r#"{"active":true,"scope":"a"}"#);
        assert!(read(&format!("{text}\n")).is_ok());
        assert!(read(&jws(typ("application/Token-Introspection+JWT"), json!({}))).is_ok());
    }

    #[test]
    fn anything_else_is_no_signed_answer() {
        let good = typ("token-introspection+jwt");
        for (header, change, failure) in [
            (typ("JWT"), json!({}), ProviderFailure::NotSigned),
            (typ("at+jwt"), json!({}), ProviderFailure::NotSigned),
            (json!({"alg": "ES256"}), json!({}), ProviderFailure::NotSigned),
            (json!({"alg": "none", "typ": "token-introspection+jwt"}), json!({}), ProviderFailure::NotSigned),
            (json!({"alg": "RS256", "typ": "token-introspection+jwt"}), json!({}), ProviderFailure::NotSigned),
            (good.clone(), json!({"iss": null}), ProviderFailure::Unreadable("iss")),
            (good.clone(), json!({"iss": "https://idp/"}), ProviderFailure::Unreadable("iss")),
            (good.clone(), json!({"aud": null}), ProviderFailure::Unreadable("aud")),
            (good.clone(), json!({"aud": ["other", 7]}), ProviderFailure::Unreadable("aud")),
            (good.clone(), json!({"iat": null}), ProviderFailure::Unreadable("iat")),
            (good.clone(), json!({"iat": 1011}), ProviderFailure::Unreadable("iat")),
            (good.clone(), json!({"iat": "999"}), ProviderFailure::Unreadable("iat")),
            (good.clone(), json!({"iat": 1e300}), ProviderFailure::Unreadable("iat")),
            (good.clone(), json!({"iat": -1}), ProviderFailure::Unreadable("iat")),
            (good.clone(), json!({"exp": 990}), ProviderFailure::Unreadable("exp")),
            (good.clone(), json!({"exp": -1}), ProviderFailure::Unreadable("exp")),
            (good.clone(), json!({"token_introspection": null}), ProviderFailure::Unreadable("token_introspection")),
            (
                good.clone(),
                json!({"token_introspection": "active"}),
                ProviderFailure::Unreadable("token_introspection"),
            ),
        ] {
            assert_eq!(read(&jws(header, change.clone())), Err(failure), "{change}");
        }
        for change in [json!({"aud": ["x", "gateway"]}), json!({"iat": 1010}), json!({"exp": 991})] {
            assert!(read(&jws(good.clone(), change.clone())).is_ok(), "{change}");
        }
        for text in [r#"{"active":true}"#, "", "a.b.c", "\u{e9}"] {
            assert_eq!(read(text), Err(ProviderFailure::NotSigned), "{text}");
        }
    }

    #[test]
    fn deep_and_long_answers_do_not_trap() {
        let many = 256 * 1024;
        let header = URL_SAFE_NO_PAD.encode(typ("token-introspection+jwt").to_string());
        let deep = |open: &str| open.repeat(many / open.len());
        let within = format!(r#"{{"iss":"https://idp","token_introspection":{}"#, deep(r#"{"a":"#));
        for payload in [deep("["), deep(r#"{"a":"#), within, deep("1"), format!(r#"{{"iss":"{}"}}"#, deep("x"))] {
            assert!(read(&format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(payload))).is_err());
        }
        for text in [".".repeat(many), format!("{header}.{}", "A".repeat(many)), "[".repeat(many)] {
            assert_eq!(read(&text), Err(ProviderFailure::NotSigned));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, payload: String) {
            let _ = SignedAnswer::read(&bytes, &EXPECTED, NOW);
            let header = URL_SAFE_NO_PAD.encode(typ("token-introspection+jwt").to_string());
            let text = format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(payload));
            let _ = SignedAnswer::read(text.as_bytes(), &EXPECTED, NOW);
        }
    }
}
