//! Access tokens that are got by client credentials (RFC 6749, 4.4).

use std::time::Duration;

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tessera_core::jose::sign::{JwsSigner, PrivateKey};
use tessera_signatures::AwsLc;

use crate::domain::provider::signing;
use crate::domain::time::Time;
use crate::remote::ending::{Good, call, failure};
use crate::remote::form::{basic, post};
use crate::remote::withheld::Secrets;
use crate::use_case::registrar::{Called, Failure};

/// So long an assertion is valid.
const ASSERTION_FOR: Duration = Duration::from_secs(60);
/// Longest token, in bytes.
const MAX_TOKEN: usize = 64 << 10;

/// How a client authenticates at a token endpoint.
pub enum Authentication<'a> {
    /// `client_secret_basic`.
    Basic(&'a SecretString),
    /// `client_secret_post`.
    Post(&'a SecretString),
    /// `private_key_jwt` (RFC 7523, 2.2).
    Assertion(SecretString),
    /// It says who it is.
    Public,
}

/// A token, and for how long it is good.
pub struct Granted {
    pub status: u16,
    pub access_token: SecretString,
    pub expires_in: Option<Duration>,
    /// Whether it is one that whoever bears it may show (RFC 6750).
    pub is_bearer: bool,
}

/// Asks a token endpoint. What it says of a failure repeats none of the secrets.
pub async fn grant(
    (client, url): (&Client, &str),
    (id, authentication): (&str, Authentication<'_>),
    fields: &[(&str, &str)],
    secrets: &mut Secrets,
    now: Time,
) -> Called<Granted> {
    const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend_from_slice(fields);
    match &authentication {
        Authentication::Basic(secret) | Authentication::Post(secret) => {
            secrets.add(secret);
            let encoded: String = form_urlencoded::byte_serialize(secret.expose_secret().as_bytes()).collect();
            secrets.add_text(&encoded);
        }
        Authentication::Assertion(assertion) => secrets.add(assertion),
        Authentication::Public => {}
    }
    match &authentication {
        Authentication::Basic(_) => {}
        Authentication::Post(secret) => {
            all.extend([("client_id", id), ("client_secret", secret.expose_secret())]);
        }
        Authentication::Assertion(assertion) => {
            let assertion = assertion.expose_secret();
            all.extend([("client_id", id), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]);
        }
        Authentication::Public => all.push(("client_id", id)),
    }
    let mut request = post(client, url, all);
    if let Authentication::Basic(secret) = &authentication {
        request = basic(request, id, secret);
    }
    match call(request, secrets, now).await {
        Called::Done(good) => read(&good).map_or_else(Called::Unknown, Called::Done),
        Called::Refused(failure) => Called::Refused(failure),
        Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
        Called::Unknown(failure) => Called::Unknown(failure),
    }
}

fn read(good: &Good) -> Result<Granted, Failure> {
    let unreadable = |why: String| Failure { status: Some(good.status), ..failure("unreadable_answer", why) };
    let members = good.object().map_err(unreadable)?;
    let token = members.get("access_token").and_then(Value::as_str).filter(|token| is_bearer_token(token));
    let Some(token) = token else { return Err(unreadable("the answer has no access_token that can be shown".into())) };
    let token_type = members.get("token_type").and_then(Value::as_str);
    Ok(Granted {
        status: good.status,
        access_token: token.into(),
        expires_in: members.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs),
        is_bearer: token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")),
    })
}

/// Whether it can stand behind `Bearer`.
pub fn is_bearer_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
}

/// An assertion of the client for this token endpoint (RFC 7523, 3). `None` where nothing can be signed with the key.
pub fn assertion(
    (id, audience): (&str, &str),
    (algorithm, key, key_id): (&str, &SecretString, Option<&str>),
    (jti, now): (&str, Time),
) -> Option<SecretString> {
    let algorithm = signing(algorithm)?;
    let key = PrivateKey::read(key.expose_secret(), algorithm).ok()?;
    let signer = JwsSigner::with_key(algorithm, &key, key_id).ok()?;
    signer.choose(&AwsLc).ok()?;
    let seconds = |at: Time| at.as_millis() / 1000;
    let claims = json!({
        "iss": id, "sub": id, "aud": audience, "jti": jti,
        "iat": seconds(now), "exp": seconds(now.plus(ASSERTION_FOR)),
    });
    let signed = signer.sign(&AwsLc, claims.to_string().as_bytes()).ok()?;
    Some(signed.into())
}
