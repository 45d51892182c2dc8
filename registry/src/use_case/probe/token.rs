//! Whether a client gets a token, and what is said of it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tessera_core::jose::base64url;

use crate::domain::probe_report::{IntrospectionFinding, TokenForm};
use crate::use_case::ports::Proof;
use crate::use_case::probe::client::Tried;
use crate::use_case::probe::trial::Trial;
use crate::use_case::registrar::Called;

/// Where the id of a client is looked for, beside where the provider says.
const MORE_CLAIMS: [&str; 5] = ["client_id", "azp", "appid", "cid", "sub"];

/// A token that proves whose it is.
pub async fn proven(trial: &mut Trial<'_>, client: &Tried) -> Option<SecretString> {
    if !client.gets_tokens() {
        return None;
    }
    let begun = trial.begin();
    let called = trial.ports.registrar.token(&trial.open, &client.credentials, &client.registration.scopes).await;
    let Ok(token) = trial.end("token", begun, called, None) else {
        trial.warn("a client gets no token: it would be refused, unless it is checked by its metadata alone");
        return None;
    };
    let claims = claims_of(token.expose_secret());
    trial.found.token = Some(if claims.is_some() { TokenForm::Jwt } else { TokenForm::Opaque });
    let said = introspected(trial, &token).await.or(claims);
    if let Some(claims) = said {
        learn_claim(trial, &claims, &client.managed.client_id);
    }
    let why = match trial.ports.judge.judge(&trial.open, token.expose_secret()).await {
        Proof::Of { client_id, scopes } => {
            if client_id != client.managed.client_id {
                trial.warn("tokens name another client id than the registration: gateways see that of the tokens");
            }
            match scopes {
                Some(scopes) if !client.registration.covers(&scopes) => "has scopes that were not asked for",
                _ => return Some(token),
            }
        }
        Proof::Nothing(why) => why,
        Proof::Unknown => "cannot be judged: the server does not say what it is",
    };
    trial.warn(format!("a token of the client {why}"));
    None
}

async fn introspected(trial: &mut Trial<'_>, token: &SecretString) -> Option<Map<String, Value>> {
    if trial.open.provider.introspection.is_none() {
        trial.found.introspection = Some(IntrospectionFinding::None);
        if trial.found.token == Some(TokenForm::Opaque) {
            trial.warn("tokens are opaque: without `introspection` nobody can tell whose they are");
        }
        return None;
    }
    let begun = trial.begin();
    let called = trial.ports.inspector.introspect(&trial.open, token.expose_secret()).await;
    let inactive = matches!(called, Called::Done(None)).then(|| "it is not active".to_owned());
    let (finding, claims) = match trial.end("introspect", begun, called, inactive) {
        Ok(Some(claims)) => (IntrospectionFinding::Active, Some(claims)),
        Ok(None) => {
            trial.warn("the registry may not introspect tokens of such clients, or they never work");
            (IntrospectionFinding::Inactive, None)
        }
        Err(_) => (IntrospectionFinding::Refused, None),
    };
    trial.found.introspection = Some(finding);
    claims
}

/// The claims of a JWT, which nobody has verified.
fn claims_of(token: &str) -> Option<Map<String, Value>> {
    let (_, rest) = token.split_once('.')?;
    let (claims, _) = rest.split_once('.')?;
    serde_json::from_slice(&base64url::decode(claims)?).ok()
}

/// The claim that has the id of the client: the first that is there counts.
fn learn_claim(trial: &mut Trial<'_>, claims: &Map<String, Value>, client_id: &str) {
    let is_it = |name: &&str| claims.get(*name).and_then(Value::as_str) == Some(client_id);
    let known = trial.open.provider.client_id_claims.clone();
    let first = known.iter().map(String::as_str).find(|name| claims.contains_key(*name));
    let name = match first {
        Some(first) if is_it(&first) => first.to_owned(),
        _ => match MORE_CLAIMS.into_iter().find(is_it) {
            Some(name) => {
                trial.open.provider.client_id_claims = vec![name.to_owned()];
                name.to_owned()
            }
            None => return trial.warn("no claim of a token has the id of its client"),
        },
    };
    trial.found.client_id_claim = Some(name);
}

/// Whether a token of a client that was deleted is still called active.
pub async fn is_active_still(trial: &mut Trial<'_>, token: &SecretString) {
    let is_deleted = trial.found.can_delete == Some(true);
    if !is_deleted || trial.found.introspection != Some(IntrospectionFinding::Active) {
        return;
    }
    let begun = trial.begin();
    let called = trial.ports.inspector.introspect(&trial.open, token.expose_secret()).await;
    let is_active = match &called {
        Called::Done(claims) => Some(claims.is_some()),
        _ => None,
    };
    let told = is_active.map(|is| if is { "its token is active still" } else { "its token is not active any more" });
    let _ = trial.end("after_delete", begun, called, told.map(str::to_owned));
    trial.found.active_after_delete = is_active;
    if is_active == Some(true) {
        trial.warn("tokens of deleted clients stay active until they expire: the missing contract stops them");
    }
}
