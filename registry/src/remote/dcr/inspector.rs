//! A closer look at a provider.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::domain::provider::Introspection;
use crate::remote::dcr::HttpRegistrar;
use crate::remote::ending::{call, failure, status_of};
use crate::remote::introspection::{Introspector, active};
use crate::remote::issuers::Issuers;
use crate::remote::public_keys::new_public_keys;
use crate::remote::withheld::Secrets;
use crate::use_case::inspector::Inspector;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::Clock;
use crate::use_case::registrar::{Called, Failure};

/// Asks over HTTP, beside a registrar.
pub struct HttpInspector {
    pub registrar: Arc<HttpRegistrar>,
    pub issuers: Arc<Issuers>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Inspector for HttpInspector {
    async fn metadata(&self, provider: &OpenProvider) -> Called<Map<String, Value>> {
        let issuer = match self.issuers.of(&provider.provider) {
            Ok(Some(issuer)) => issuer,
            Ok(None) => return Called::Refused(failure("not_supported", "the provider has no issuer")),
            Err(why) => return Called::NotDone(failure("no_client", why), None),
        };
        match issuer.published().await.map(|metadata| metadata.as_object().cloned()) {
            Ok(Some(metadata)) => Called::Done(metadata),
            Ok(None) => Called::Unknown(failure("unreadable_answer", "the metadata are no JSON object")),
            Err(why) => Called::NotDone(failure("no_metadata", why), None),
        }
    }

    async fn introspect(&self, provider: &OpenProvider, access_token: &str) -> Called<Option<Map<String, Value>>> {
        let issuer = match (self.issuers.of(&provider.provider), &provider.provider.introspection) {
            (Ok(Some(issuer)), Some(introspection)) => (issuer, introspection),
            _ => return Called::Refused(failure("not_supported", "the provider has no introspection")),
        };
        let (issuer, Introspection { endpoint, client_id, auth, .. }) = issuer;
        let Some(secret) = &provider.introspection else {
            return Called::NotDone(failure("no_credential", "no sealing key opens the credential of it"), None);
        };
        let endpoint = match endpoint {
            Some(endpoint) => Ok(endpoint.clone()),
            None => issuer.endpoint("introspection_endpoint").await,
        };
        let endpoint = match endpoint {
            Ok(endpoint) => endpoint,
            Err(why) => return Called::NotDone(failure("no_endpoint", why), None),
        };
        let mut secrets = Secrets::default();
        secrets.add(secret);
        secrets.add_text(access_token);
        let client = issuer.client();
        let introspector = Introspector { client, endpoint: &endpoint, id: client_id, secret, auth: *auth };
        let called = call(introspector.request(access_token), &secrets, self.clock.now()).await;
        self.registrar.note(status_of(&called));
        match called {
            Called::Done(good) => match good.object() {
                Ok(claims) => Called::Done(active(claims)),
                Err(why) => Called::Unknown(Failure { status: Some(good.status), ..failure("unreadable_answer", why) }),
            },
            Called::Refused(failure) => Called::Refused(failure),
            Called::NotDone(failure, pause) => Called::NotDone(failure, pause),
            Called::Unknown(failure) => Called::Unknown(failure),
        }
    }

    fn latest_status(&self) -> Option<u16> {
        self.registrar.latest_status()
    }

    fn public_keys(&self) -> Option<Value> {
        new_public_keys()
    }
}
