//! Clients in a tenant of Microsoft Entra ID, through Microsoft Graph. A client is found again by its identifier here
//! (`uniqueName`), so that a registration whose end is not known can be repeated: there is one application whatever
//! happens.

/// Goes on with what was done, or ends the registration with what was not.
macro_rules! done {
    ($called:expr) => {
        match $called {
            Called::Done(done) => done,
            Called::Refused(failure) => return Called::Refused(failure),
            Called::NotDone(failure, pause) => return Called::NotDone(failure, pause),
            Called::Unknown(failure) => return Called::Unknown(failure),
        }
    };
}

mod graph;
mod secrets;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::remote::ending::{Good, failure};
use crate::remote::entra::graph::{Graph, Session, address, not_replicated, unreadable};
use crate::remote::granted::{Authentication, Granted, grant};
use crate::remote::issuers::Issuers;
use crate::remote::withheld::Secrets;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::Clock;
use crate::use_case::registrar::{
    AddedSecret, Called, ClientCredentials, Failure, Issued, KeptSecrets, Managed, Registrar,
};

/// Longest name of an application, in characters.
const MAX_NAME: usize = 256;

/// Makes applications with a service principal and a secret.
pub struct EntraRegistrar(Graph);

impl EntraRegistrar {
    pub fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>) -> Self {
        Self(Graph { issuers, clock })
    }
}

impl Session<'_> {
    /// The `appId` of the application of this name, which is made if there is none.
    async fn application(&mut self, unique_name: &str, name: &str) -> Called<String> {
        let path = format!("applications(uniqueName='{unique_name}')");
        let body = json!({"displayName": name, "signInAudience": "AzureADMyOrg"});
        let made = done!(self.call(Method::PATCH, &path, Some(body), &[("prefer", "create-if-missing")]).await);
        if made.status == 201 {
            return id_of(&made);
        }
        // It was there.
        let path = format!("{path}?$select=appId");
        id_of(&done!(not_replicated(self.call(Method::GET, &path, None, &[]).await)))
    }

    /// Without it, nobody in the tenant gets a token as this application.
    async fn principal(&mut self, app_id: &str) -> Called<()> {
        match not_replicated(self.call(Method::POST, "servicePrincipals", Some(json!({"appId": app_id})), &[]).await) {
            // There is one already.
            Called::Refused(failure) if failure.status == Some(409) => Called::Done(()),
            other => {
                done!(other);
                Called::Done(())
            }
        }
    }
}

fn id_of(application: &Good) -> Called<String> {
    let members = match application.object() {
        Ok(members) => members,
        Err(why) => return unreadable(application.status, why),
    };
    match members.get("appId").and_then(Value::as_str).filter(|id| is_app_id(id)) {
        Some(id) => Called::Done(id.to_owned()),
        None => unreadable(application.status, "the answer has no appId that can be used".to_owned()),
    }
}

/// What can stand in an address as it is; they are UUIDs.
fn is_app_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// There is an application, whatever else has not been done.
fn naming<T>(app_id: &str, called: Called<T>) -> Called<T> {
    let named = |failure: Failure| Failure { client_id: Some(app_id.to_owned()), ..failure };
    match called {
        Called::Done(done) => Called::Done(done),
        Called::Refused(failure) => Called::Refused(named(failure)),
        Called::NotDone(failure, pause) => Called::NotDone(named(failure), pause),
        Called::Unknown(failure) => Called::Unknown(named(failure)),
    }
}

fn no_application() -> Failure {
    failure("not_managed", "the client's id is none of an application")
}

#[async_trait]
impl Registrar for EntraRegistrar {
    async fn register(
        &self,
        provider: &OpenProvider,
        _: Option<SecretString>,
        metadata: &Map<String, Value>,
    ) -> Called<Issued> {
        let text = |name: &str| metadata.get(name).and_then(Value::as_str);
        let Some(unique_name) = text("software_id").filter(|id| is_app_id(id)) else {
            return Called::Refused(failure(
                "invalid_client_metadata",
                "software_id is none that an address could have",
            ));
        };
        let name: String = text("client_name").unwrap_or(unique_name).chars().take(MAX_NAME).collect();
        let mut session = done!(self.0.session(provider).await);
        let app_id = done!(session.application(unique_name, &name).await);
        done!(naming(&app_id, session.principal(&app_id).await));
        Called::Done(Issued {
            managed: Managed { client_id: app_id, uri: None, token: None },
            secret: None,
            secret_expires_at: None,
            metadata: Map::new(),
        })
    }

    async fn read(&self, provider: &OpenProvider, managed: &Managed) -> Called<Issued> {
        if !is_app_id(&managed.client_id) {
            return Called::Refused(no_application());
        }
        let mut session = done!(self.0.session(provider).await);
        let path = format!("{}?$select=appId,displayName,uniqueName", address(&managed.client_id));
        let found = done!(session.call(Method::GET, &path, None, &[]).await);
        let members = match found.object() {
            Ok(members) => members,
            Err(why) => return unreadable(found.status, why),
        };
        let mut metadata = Map::new();
        for (theirs, ours) in [("displayName", "client_name"), ("uniqueName", "software_id")] {
            if let Some(value) = members.get(theirs) {
                metadata.insert(ours.to_owned(), value.clone());
            }
        }
        Called::Done(Issued { managed: managed.clone(), secret: None, secret_expires_at: None, metadata })
    }

    async fn update(&self, _: &OpenProvider, _: &Managed, _: &Map<String, Value>) -> Called<Issued> {
        Called::Refused(failure("not_supported", "nothing of a client of Entra ID is changed"))
    }

    async fn delete(&self, provider: &OpenProvider, managed: &Managed) -> Called<()> {
        if !is_app_id(&managed.client_id) {
            return Called::Refused(no_application());
        }
        let mut session = done!(self.0.session(provider).await);
        match session.call(Method::DELETE, &address(&managed.client_id), None, &[]).await {
            Called::Refused(failure) if matches!(failure.status, Some(404 | 410)) => Called::Done(()),
            other => {
                done!(other);
                Called::Done(())
            }
        }
    }

    async fn find(&self, provider: &OpenProvider, marker: &str) -> Called<Vec<String>> {
        if !is_app_id(marker) {
            return Called::Refused(no_application());
        }
        let mut session = done!(self.0.session(provider).await);
        let path = format!("applications(uniqueName='{marker}')?$select=appId");
        match session.call(Method::GET, &path, None, &[]).await {
            Called::Refused(failure) if failure.status == Some(404) => Called::Done(Vec::new()),
            other => Called::Done(vec![done!(id_of(&done!(other)))]),
        }
    }

    async fn token(
        &self,
        provider: &OpenProvider,
        credentials: &ClientCredentials,
        scopes: &[String],
    ) -> Called<SecretString> {
        let Some(secret) = &credentials.secret else {
            return Called::Refused(failure("no_credential", "nothing is here by which the client authenticates"));
        };
        let target = done!(self.0.target(provider));
        let settings = target.settings;
        let scope = scopes.join(" ");
        let mut fields: Vec<(&str, &str)> = Vec::new();
        if !scope.is_empty() && !settings.token_parameters.contains_key("scope") {
            fields.push(("scope", &scope));
        }
        fields.extend(settings.token_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let who = (credentials.client_id.as_str(), Authentication::Post(secret));
        let (at, now) = (settings.token_endpoint(), self.0.clock.now());
        let got = grant((target.issuer.client(), &at), who, &fields, &mut Secrets::default(), now).await;
        let Granted { access_token, .. } = done!(graph::not_known_yet(got));
        Called::Done(access_token)
    }

    async fn add_secret(&self, provider: &OpenProvider, client_id: &str, number: u32) -> Called<AddedSecret> {
        if !is_app_id(client_id) {
            return Called::Refused(no_application());
        }
        done!(self.0.session(provider).await).add_secret(client_id, number).await
    }

    async fn keep_secrets(&self, provider: &OpenProvider, client_id: &str, kept: &KeptSecrets) -> Called<()> {
        if !is_app_id(client_id) {
            return Called::Refused(no_application());
        }
        done!(self.0.session(provider).await).keep_secrets(client_id, kept).await
    }
}
