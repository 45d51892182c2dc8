//! Calls of Microsoft Graph, and what it answers before all of its replicas know what was made.

use std::sync::Arc;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::domain::provider::EntraSettings;
use crate::domain::time::Time;
use crate::remote::ending::{Good, call, failure};
use crate::remote::granted::{Authentication, Granted, grant};
use crate::remote::issuer::Issuer;
use crate::remote::issuers::Issuers;
use crate::remote::withheld::Secrets;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::Clock;
use crate::use_case::registrar::{Called, Failure, NOT_REPLICATED};

/// What its replicas say of an application that they do not know yet.
const UNKNOWN_YET: [&str; 2] = ["Request_ResourceNotFound", "NoBackingApplicationObject"];
/// And those that give tokens: there is no such application, no principal of it, or not this secret.
const NO_TOKEN_YET: [&str; 3] = ["AADSTS700016:", "AADSTS7000229:", "AADSTS7000215:"];

pub struct Graph {
    pub issuers: Arc<Issuers>,
    pub clock: Arc<dyn Clock>,
}

/// A tenant that is called.
pub struct Tenant<'a> {
    pub settings: &'a EntraSettings,
    pub issuer: Arc<Issuer>,
}

/// Calls with one access token.
pub struct Session<'a> {
    tenant: Tenant<'a>,
    token: Granted,
    secrets: Secrets,
    now: Time,
}

impl Graph {
    pub fn target<'a>(&self, open: &'a OpenProvider) -> Called<Tenant<'a>> {
        let Some(settings) = &open.provider.entra else {
            return Called::Refused(failure("not_supported", "this provider is none of Entra ID"));
        };
        match self.issuers.of(&open.provider) {
            Ok(Some(issuer)) => Called::Done(Tenant { settings, issuer }),
            Ok(None) => Called::Refused(failure("not_supported", "the provider has no issuer")),
            Err(why) => Called::NotDone(failure("no_client", why), None),
        }
    }

    /// Gets an access token for Graph. Nothing has been asked of Graph when there is none.
    pub async fn session<'a>(&self, open: &'a OpenProvider) -> Called<Session<'a>> {
        let tenant = match self.target(open) {
            Called::Done(tenant) => tenant,
            Called::Refused(failure) => return Called::Refused(failure),
            Called::NotDone(failure, pause) => return Called::NotDone(failure, pause),
            Called::Unknown(failure) => return Called::Unknown(failure),
        };
        let Some(credential) = &open.authorization else {
            let why = "no sealing key opens the credential of the registry's application: it has to be given again";
            return Called::NotDone(failure("no_credential", why), None);
        };
        let (mut secrets, now) = (Secrets::default(), self.clock.now());
        let scope = format!("{}/.default", tenant.settings.graph);
        let who = (tenant.settings.client_id.as_str(), Authentication::Post(credential));
        let at = tenant.settings.token_endpoint();
        let got = grant((tenant.issuer.client(), &at), who, &[("scope", &scope)], &mut secrets, now).await;
        match got {
            Called::Done(token) => {
                secrets.add(&token.access_token);
                Called::Done(Session { tenant, token, secrets, now })
            }
            Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
            Called::Refused(failure) | Called::Unknown(failure) => Called::NotDone(failure, None),
        }
    }
}

impl Session<'_> {
    /// When a secret that is made now ends.
    pub fn secret_until(&self) -> Time {
        self.now.plus(self.tenant.settings.secret_lifetime.duration())
    }

    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Called<Good> {
        let url = format!("{}/v1.0/{path}", self.tenant.settings.graph);
        let token = self.token.access_token.expose_secret();
        let mut request = self.tenant.issuer.client().request(method, url).bearer_auth(token);
        request = request.header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        call(request, &self.secrets, self.now).await
    }
}

/// What has been made is not known everywhere yet: it is asked for again.
pub fn not_replicated<T>(called: Called<T>) -> Called<T> {
    match called {
        Called::Refused(failure) if failure.error.as_deref().is_some_and(|code| UNKNOWN_YET.contains(&code)) => {
            Called::NotDone(late(failure), None)
        }
        other => other,
    }
}

/// As [`not_replicated`], of a token endpoint. Its codes stand at the beginning of what it says.
pub fn not_known_yet<T>(called: Called<T>) -> Called<T> {
    let is_late = |failure: &Failure| {
        let said = failure.description.as_deref().unwrap_or_default();
        NO_TOKEN_YET.iter().any(|code| said.starts_with(code))
    };
    match called {
        Called::Refused(failure) if is_late(&failure) => Called::NotDone(late(failure), None),
        Called::NotDone(failure, pause) if is_late(&failure) => Called::NotDone(late(failure), pause),
        other => other,
    }
}

/// What an answer lacks that was made before.
pub fn not_replicated_yet<T>(what: &str) -> Called<T> {
    Called::NotDone(failure(NOT_REPLICATED, what), None)
}

pub fn late(failure: Failure) -> Failure {
    Failure { error: Some(NOT_REPLICATED.to_owned()), ..failure }
}

/// A 2xx answer that says nothing.
pub fn unreadable<T>(status: u16, why: String) -> Called<T> {
    Called::Unknown(Failure { status: Some(status), ..failure("unreadable_answer", why) })
}

/// Of an application.
pub fn address(app_id: &str) -> String {
    format!("applications(appId='{app_id}')")
}
