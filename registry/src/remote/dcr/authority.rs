//! With what the registry itself may register clients: what it shows, and the access tokens that it gets for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::domain::provider::{Authorization, DcrSettings};
use crate::remote::dcr::address;
use crate::remote::ending::failure;
use crate::remote::granted::{Authentication, assertion, grant};
use crate::remote::issuer::Issuer;
use crate::remote::withheld::Secrets;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::registrar::{Called, Failure};

/// A token is used no more so long before it expires,
const EARLY: Duration = Duration::from_secs(30);
/// and so long at most where nothing is said about that.
const UNSAID: Duration = Duration::from_secs(60);
/// So many are kept at once; when there are more, all are got anew.
const MOST: usize = 1000;

/// By what a token was got, as a hash.
pub type GotBy = [u8; 32];

/// A header that authorizes a call.
#[derive(Debug)]
pub struct Credential {
    pub header: Option<(HeaderName, HeaderValue)>,
    /// For a token that was got: it can be got anew.
    pub got_by: Option<GotBy>,
}

/// Why there is none: nothing has been asked of the provider yet, and it may not want to be asked for a while.
pub type NoCredential = (Failure, Option<Duration>);

struct KeptToken {
    token: SecretString,
    until: Instant,
}

/// The tokens that were got.
pub struct Authority {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    kept: Mutex<HashMap<GotBy, KeptToken>>,
}

impl Authority {
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { clock, randomness, kept: Mutex::default() }
    }

    /// What a call shows. All that is secret in it is added to the secrets.
    ///
    /// # Errors
    /// Why there is nothing to be shown.
    pub async fn credential(
        &self,
        open: &OpenProvider,
        (settings, issuer): (&DcrSettings, &Issuer),
        one_time: Option<&SecretString>,
        secrets: &mut Secrets,
    ) -> Result<Credential, NoCredential> {
        let standing = || {
            let why = "no sealing key opens the credential of its authorization: it has to be given again";
            open.authorization.as_ref().ok_or_else(|| (failure("no_credential", why), None))
        };
        match &settings.authorization {
            Authorization::None => Ok(Credential { header: None, got_by: None }),
            Authorization::Bearer { .. } => bearer(standing()?, secrets),
            Authorization::Header { name, .. } => {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
                shown(name, standing()?.expose_secret(), standing()?, secrets)
            }
            Authorization::OneTime => {
                let why = "the pool has no one-time token left";
                bearer(one_time.ok_or_else(|| (failure("no_credential", why), None))?, secrets)
            }
            Authorization::ClientCredentials { .. } | Authorization::PrivateKeyJwt { .. } => {
                let credential = standing()?;
                secrets.add(credential);
                let endpoint = address::token(settings, issuer).await;
                let endpoint = endpoint.map_err(|why| (failure("no_endpoint", why), None))?;
                self.got(&settings.authorization, credential, (issuer, endpoint.as_str()), secrets).await
            }
        }
    }

    /// Has the token got anew the next time, unless that has been done.
    pub fn forget(&self, got_by: &GotBy, refused: &Credential) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_that = |kept: &KeptToken| {
            let value = format!("Bearer {}", kept.token.expose_secret());
            refused.header.as_ref().is_some_and(|(_, shown)| shown.as_bytes() == value.as_bytes())
        };
        if kept.get(got_by).is_some_and(is_that) {
            kept.remove(got_by);
        }
    }

    async fn got(
        &self,
        authorization: &Authorization,
        credential: &SecretString,
        (issuer, endpoint): (&Issuer, &str),
        secrets: &mut Secrets,
    ) -> Result<Credential, NoCredential> {
        let (id, scope) = match authorization {
            Authorization::ClientCredentials { client_id, scope, .. }
            | Authorization::PrivateKeyJwt { client_id, scope, .. } => (client_id.as_str(), scope.as_deref()),
            _ => return Err(unusable()),
        };
        let got_by = hash(&[endpoint, id, scope.unwrap_or_default(), credential.expose_secret()]);
        if let Some(token) = self.known(&got_by) {
            return Ok(Credential { got_by: Some(got_by), ..bearer(&token, secrets)? });
        }
        let now = self.clock.now();
        let authentication = match authorization {
            Authorization::PrivateKeyJwt { algorithm, key_id, .. } => {
                let (key, jti) = ((algorithm.as_str(), credential, key_id.as_deref()), self.randomness.id(now));
                Authentication::Assertion(assertion((id, endpoint), key, (&jti, now)).ok_or_else(unusable)?)
            }
            _ => Authentication::Basic(credential),
        };
        let scopes: Vec<_> = scope.iter().map(|scope| ("scope", *scope)).collect();
        match grant((issuer.client(), endpoint), (id, authentication), &scopes, secrets, now).await {
            Called::Done(granted) if granted.is_bearer => {
                self.keep(got_by, &granted.access_token, granted.expires_in);
                Ok(Credential { got_by: Some(got_by), ..bearer(&granted.access_token, secrets)? })
            }
            Called::Done(_) => {
                Err((failure("no_token", "the access token for registrations is no bearer token"), None))
            }
            Called::NotDone(failure, pause) => Err((of_token(failure), pause)),
            Called::Refused(failure) | Called::Unknown(failure) => Err((of_token(failure), None)),
        }
    }

    fn known(&self, got_by: &GotBy) -> Option<SecretString> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(got_by).filter(|kept| Instant::now() < kept.until).map(|kept| kept.token.clone())
    }

    fn keep(&self, got_by: GotBy, token: &SecretString, expires_in: Option<Duration>) {
        let good_for = expires_in.map_or(UNSAID, |span| span.saturating_sub(EARLY).min(Duration::from_secs(86_400)));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(got_by, KeptToken { token: token.clone(), until: Instant::now() + good_for });
    }
}

fn unusable() -> NoCredential {
    (failure("no_credential", "the credential of its authorization cannot be used: it has to be given again"), None)
}

/// A failure of the token endpoint, and not of the registration.
fn of_token(failure: Failure) -> Failure {
    let description = failure.description.unwrap_or_default();
    let description = format!("no access token for registrations: {description}").trim_end_matches(": ").to_owned();
    Failure { description: Some(description), ..failure }
}

/// What shows this token.
///
/// # Errors
/// It cannot stand in a header.
pub fn bearer(token: &SecretString, secrets: &mut Secrets) -> Result<Credential, NoCredential> {
    shown(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()), token, secrets)
}

fn shown(
    name: HeaderName,
    value: &str,
    secret: &SecretString,
    secrets: &mut Secrets,
) -> Result<Credential, NoCredential> {
    secrets.add(secret);
    // What stands behind the scheme, by itself.
    if let Some((_, secret)) = secret.expose_secret().split_once(' ') {
        secrets.add_text(secret);
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(Credential { header: Some((name, value)), got_by: None })
}

fn hash(parts: &[&str]) -> GotBy {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
