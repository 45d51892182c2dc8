//! What a provider says about a client (RFC 7591, 3.2.1; RFC 7592, 3), read strictly.

use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::domain::client::is_client_id;
use crate::domain::time::Time;
use crate::remote::dcr::address::own;
use crate::remote::ending::{Good, failure};
use crate::remote::granted::is_bearer_token;
use crate::remote::withheld::Secrets;
use crate::use_case::registrar::{Called, Failure, Issued, Managed};

/// Longest secret, in bytes.
const MAX_SECRET: usize = 16 << 10;
/// The last second of 9999.
const LAST: u64 = 253_402_300_799;

const CLIENT_ID: &str = "client_id";
const SECRET: &str = "client_secret";
const EXPIRES: &str = "client_secret_expires_at";
const TOKEN: &str = "registration_access_token";
const ADDRESS: &str = "registration_client_uri";
/// What only a provider says of a client: no part of its metadata.
pub const READ_ONLY: [&str; 6] = [CLIENT_ID, "client_id_issued_at", SECRET, EXPIRES, TOKEN, ADDRESS];

/// What an answer must have.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its own address and the token for it count; they must be at the origin of this endpoint.
    pub managed_at: Option<&'a Url>,
    /// A secret must be there, may be, or is not looked at.
    pub secret: SecretWanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretWanted {
    Yes,
    Maybe,
    No,
}

impl SecretWanted {
    /// Of a client that was registered with this metadata.
    pub fn by(metadata: &Map<String, Value>) -> Self {
        match metadata.get("token_endpoint_auth_method").and_then(Value::as_str) {
            Some("client_secret_basic" | "client_secret_post") => Self::Yes,
            Some("private_key_jwt" | "none") => Self::No,
            _ => Self::Maybe,
        }
    }
}

/// A new client. An answer that cannot be read leaves it open whether there is one; one that can, but of which no client
/// can be made, is refused, with the id of what it left there.
pub fn registered(good: &Good, wanted: Wanted<'_>, secrets: &mut Secrets) -> Called<Issued> {
    let unreadable = |why: String| Failure {
        status: Some(good.status),
        client_id: named(good).filter(|id| !secrets.repeats(id)),
        ..failure("unreadable_answer", why)
    };
    let members = match good.object() {
        Ok(members) => members,
        Err(why) => return Called::Unknown(unreadable(why)),
    };
    // An id that repeats what was shown would be seen by everybody.
    let usable_id = |id: &&str| is_client_id(id) && !secrets.repeats(id);
    let Some(client_id) = text(&members, CLIENT_ID).filter(usable_id).map(str::to_owned) else {
        return Called::Unknown(unreadable("the answer has no client_id of printable ASCII characters".to_owned()));
    };
    remember(&members, secrets);
    match usable(members, &client_id, wanted, secrets) {
        Ok(issued) => Called::Done(issued),
        Err(why) => Called::Refused(Failure {
            status: Some(good.status),
            client_id: Some(client_id),
            ..failure("unusable_answer", why)
        }),
    }
}

fn usable(
    members: Map<String, Value>,
    client_id: &str,
    wanted: Wanted<'_>,
    secrets: &Secrets,
) -> Result<Issued, String> {
    let (uri, token) = match wanted.managed_at {
        Some(endpoint) => (address(&members, endpoint)?, registration_token(&members)?),
        None => (None, None),
    };
    let managed = Managed { client_id: client_id.to_owned(), uri, token };
    let secret = match wanted.secret {
        SecretWanted::No => None,
        SecretWanted::Yes | SecretWanted::Maybe => secret(&members)?,
    };
    if secret.is_none() && wanted.secret == SecretWanted::Yes {
        return Err("the answer has no client_secret, with which the client is to authenticate".to_owned());
    }
    let secret_expires_at = if secret.is_some() { expiry(&members)? } else { None };
    Ok(Issued { managed, secret, secret_expires_at, metadata: metadata(members, secrets) })
}

/// What is said of a client that is known. An empty answer says that all is as it was sent. An address elsewhere, or a
/// token that cannot be shown, is not taken: the former stays.
pub fn changed(good: &Good, former: &Managed, wanted: Wanted<'_>, secrets: &mut Secrets) -> Called<Issued> {
    let as_sent = || Issued { managed: former.clone(), secret: None, secret_expires_at: None, metadata: Map::new() };
    if good.body.as_ref().is_ok_and(|body| body.trim_ascii().is_empty()) {
        return Called::Done(as_sent());
    }
    let failed = |error, why: String| Failure { status: Some(good.status), ..failure(error, why) };
    let members = match good.object() {
        Ok(members) => members,
        Err(why) => return Called::Unknown(failed("unreadable_answer", why)),
    };
    if members.get(CLIENT_ID).is_some_and(|id| id.as_str() != Some(&former.client_id)) {
        return Called::Refused(failed("unusable_answer", "the answer is about another client".to_owned()));
    }
    remember(&members, secrets);
    let mut issued = as_sent();
    if let Some(endpoint) = wanted.managed_at {
        let (uri, token) = (address(&members, endpoint), registration_token(&members));
        issued.managed.uri = uri.ok().flatten().or(issued.managed.uri);
        issued.managed.token = token.ok().flatten().or(issued.managed.token);
    }
    if wanted.secret != SecretWanted::No {
        issued.secret = secret(&members).ok().flatten();
        issued.secret_expires_at = expiry(&members).ok().flatten();
    }
    issued.metadata = metadata(members, secrets);
    Called::Done(issued)
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn given<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// The id in an answer that is not read otherwise, if there is but one.
fn named(good: &Good) -> Option<String> {
    let text = std::str::from_utf8(good.body.as_ref().ok()?).ok()?;
    let (_, after) = text.split_once("\"client_id\"")?;
    let once = !after.contains("client_id\"") && !after.contains("\\u");
    let value = serde_json::from_str::<Value>(text).ok().filter(|_| once)?;
    value.get(CLIENT_ID)?.as_str().filter(|id| is_client_id(id)).map(str::to_owned)
}

fn remember(members: &Map<String, Value>, secrets: &mut Secrets) {
    for secret in [SECRET, TOKEN].into_iter().filter_map(|name| text(members, name)) {
        secrets.add_text(secret);
    }
}

fn address(members: &Map<String, Value>, endpoint: &Url) -> Result<Option<String>, String> {
    match given(members, ADDRESS) {
        None => Ok(None),
        Some(Value::String(uri)) if own(uri, endpoint).is_some() => Ok(Some(uri.clone())),
        Some(_) => {
            let origin = endpoint.origin().ascii_serialization();
            Err(format!("registration_client_uri is not at {origin}, where the registration endpoint is"))
        }
    }
}

fn registration_token(members: &Map<String, Value>) -> Result<Option<SecretString>, String> {
    match given(members, TOKEN) {
        None => Ok(None),
        Some(Value::String(token)) if is_bearer_token(token) => Ok(Some(token.as_str().into())),
        Some(_) => Err("registration_access_token is none that could be shown".to_owned()),
    }
}

fn secret(members: &Map<String, Value>) -> Result<Option<SecretString>, String> {
    let is_secret =
        |text: &str| (1..=MAX_SECRET).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
    match given(members, SECRET) {
        None => Ok(None),
        Some(Value::String(secret)) if is_secret(secret) => Ok(Some(secret.as_str().into())),
        Some(_) => Err("client_secret is not of printable ASCII characters".to_owned()),
    }
}

/// Seconds since 1970, or 0 for never.
fn expiry(members: &Map<String, Value>) -> Result<Option<Time>, String> {
    match given(members, EXPIRES) {
        None => Ok(None),
        Some(value) => match value.as_u64().filter(|seconds| *seconds <= LAST) {
            Some(0) => Ok(None),
            Some(seconds) => Ok(Some(Time::from_millis(seconds.saturating_mul(1000)))),
            None => Err("client_secret_expires_at is not in seconds since 1970, or 0".to_owned()),
        },
    }
}

/// What is left, in which no secret stands anywhere.
fn metadata(mut members: Map<String, Value>, secrets: &Secrets) -> Map<String, Value> {
    members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    match secrets.cleaned(Value::Object(members)) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
