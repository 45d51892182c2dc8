//! What is done with clients at a provider, each operation from its beginning to its end.

use std::sync::Arc;

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::domain::client::AuthMethod;
use crate::domain::provider::Management;
use crate::remote::dcr::address;
use crate::remote::dcr::calls::{By, Calls};
use crate::remote::dcr::issued::{READ_ONLY, SecretWanted, changed, registered};
use crate::remote::dcr::searched;
use crate::remote::ending::{Good, failure};
use crate::remote::granted::{Authentication, Granted, grant};
use crate::remote::issuers::Issuers;
use crate::remote::withheld::Secrets;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::registrar::{Called, ClientCredentials, Failure, Issued, Managed};

/// The operations, as [`crate::use_case::registrar::Registrar`] has them.
pub struct Operations(Calls);

impl Operations {
    pub fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self(Calls::new(issuers, clock, randomness))
    }

    pub fn latest(&self) -> Option<u16> {
        self.0.latest()
    }

    pub fn note(&self, status: Option<u16>) {
        self.0.note(status);
    }

    pub async fn register(
        &self,
        provider: &OpenProvider,
        one_time: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        let target = match self.0.target(provider).await {
            Ok(target) => target,
            Err(ended) => return otherwise(ended),
        };
        let sent = Value::Object(metadata.clone());
        let (mut secrets, body) = (Secrets::beside(&sent), sent.to_string());
        let request = || {
            let request = target.issuer.client().post(target.endpoint.clone()).header("accept", "application/json");
            request.header("content-type", "application/json").body(body.clone())
        };
        match self.0.called(&target, By::Registry(one_time.as_ref()), request, &mut secrets).await {
            Called::Done(good) => registered(&good, target.wanted(SecretWanted::by(metadata)), &mut secrets),
            ended => otherwise(ended),
        }
    }

    pub async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued> {
        self.about(provider, managed, (Method::GET, None), SecretWanted::Maybe).await
    }

    pub async fn update(
        &self,
        provider: &OpenProvider,
        managed: &Managed,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        let mut body = metadata.clone();
        body.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        body.insert("client_id".to_owned(), managed.client_id.as_str().into());
        let secret = match SecretWanted::by(metadata) {
            SecretWanted::Yes => SecretWanted::Maybe,
            other => other,
        };
        self.about(provider, managed, (Method::PUT, Some(Value::Object(body))), secret).await
    }

    pub async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()> {
        let target = match self.0.target(provider).await {
            Ok(target) => target,
            Err(ended) => return otherwise(ended),
        };
        let is_own = target.settings.management == Management::RegistrationToken;
        match self.0.managed(&target, managed, (Method::DELETE, None), &mut Secrets::default()).await {
            Called::Done(_) | Called::Refused(Failure { status: Some(404 | 410), .. }) => Called::Done(()),
            // The token of a client that is gone is nobody's (RFC 7592, 2.3); the registry's own says nothing of it.
            Called::NotDone(Failure { status: Some(401), .. }, _) if is_own => Called::Done(()),
            ended => otherwise(ended),
        }
    }

    pub async fn find(&self, provider: &OpenProvider, marker: &str) -> Called<Vec<String>> {
        let target = match self.0.target(provider).await {
            Ok(target) => target,
            Err(ended) => return otherwise(ended),
        };
        let Some(parameter) = &target.settings.search_parameter else {
            return Called::Refused(failure("not_supported", "clients of this provider cannot be searched"));
        };
        let mut url = target.endpoint.clone();
        url.query_pairs_mut().append_pair(parameter, marker);
        let request = || target.issuer.client().get(url.clone()).header("accept", "application/json");
        match self.0.called(&target, By::Registry(None), request, &mut Secrets::default()).await {
            Called::Done(good) => searched::named(&good, marker),
            ended => otherwise(ended),
        }
    }

    pub async fn token(
        &self,
        provider: &OpenProvider,
        credentials: &ClientCredentials,
        scopes: &[String],
    ) -> Called<SecretString> {
        let (settings, issuer) = match self.0.settled(provider) {
            Ok(settled) => settled,
            Err(ended) => return otherwise(ended),
        };
        let finding = timeout(provider.provider.timeout.duration(), address::token(settings, &issuer));
        let url = match finding.await.unwrap_or_else(|_| Err("the metadata did not come in time".to_owned())) {
            Ok(url) => url,
            Err(why) => return Called::NotDone(failure("no_endpoint", why), None),
        };
        let authentication = match (credentials.method, &credentials.secret) {
            (AuthMethod::ClientSecretBasic, Some(secret)) => Authentication::Basic(secret),
            (AuthMethod::ClientSecretPost, Some(secret)) => Authentication::Post(secret),
            (AuthMethod::None, _) => Authentication::Public,
            _ => return Called::Refused(failure("no_credential", "nothing is here by which the client authenticates")),
        };
        let scope = scopes.join(" ");
        let mut fields: Vec<(&str, &str)> = Vec::new();
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        fields.extend(settings.token_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let (at, who) = ((issuer.client(), url.as_str()), (credentials.client_id.as_str(), authentication));
        match grant(at, who, &fields, &mut Secrets::default(), self.0.clock.now()).await {
            Called::Done(Granted { access_token, status, .. }) => {
                self.0.note(Some(status));
                Called::Done(access_token)
            }
            Called::Refused(failure) => Called::Refused(failure),
            Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
            Called::Unknown(failure) => Called::Unknown(failure),
        }
    }

    /// Reads a client, or changes it.
    async fn about(
        &self,
        open: &OpenProvider,
        managed: &Managed,
        (method, body): (Method, Option<Value>),
        secret: SecretWanted,
    ) -> Called<Issued> {
        let target = match self.0.target(open).await {
            Ok(target) => target,
            Err(ended) => return otherwise(ended),
        };
        let mut secrets = body.as_ref().map(Secrets::beside).unwrap_or_default();
        match self.0.managed(&target, managed, (method, body.as_ref()), &mut secrets).await {
            Called::Done(good) => changed(&good, managed, target.wanted(secret), &mut secrets),
            ended => otherwise(ended),
        }
    }
}

/// What is not done, whatever would have been.
fn otherwise<T>(ended: Called<Good>) -> Called<T> {
    match ended {
        Called::Done(good) => Called::Unknown(failure("unreadable_answer", format!("status {}", good.status))),
        Called::Refused(failure) => Called::Refused(failure),
        Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
        Called::Unknown(failure) => Called::Unknown(failure),
    }
}
