//! Calls of a provider: where they go, and who authorizes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use reqwest::{Method, RequestBuilder, Url};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout;

use crate::domain::provider::{DcrSettings, Management};
use crate::remote::dcr::address;
use crate::remote::dcr::authority::{Authority, Credential, NoCredential, bearer};
use crate::remote::dcr::issued::{SecretWanted, Wanted};
use crate::remote::ending::{Good, call, failure, status_of};
use crate::remote::issuer::Issuer;
use crate::remote::issuers::Issuers;
use crate::remote::withheld::Secrets;
use crate::use_case::open_provider::OpenProvider;
use crate::use_case::ports::{Clock, Randomness};
use crate::use_case::registrar::{Called, Failure, Managed};

/// What comes before a call, and the call, each have the provider's timeout; after a 401 to an access token of the
/// registry's own both are done once more.
pub struct Calls {
    issuers: Arc<Issuers>,
    authority: Authority,
    pub clock: Arc<dyn Clock>,
    /// The status of the latest answer, or 0.
    latest: AtomicU16,
}

/// Who authorizes a call.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// The provider's authorization, with a token of the pool.
    Registry(Option<&'a SecretString>),
    /// The client itself, by its registration token.
    Client(&'a SecretString),
}

/// A provider that is called.
pub struct Target<'a> {
    open: &'a OpenProvider,
    pub settings: &'a DcrSettings,
    pub issuer: Arc<Issuer>,
    pub endpoint: Url,
}

impl Calls {
    pub fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { issuers, authority: Authority::new(Arc::clone(&clock), randomness), clock, latest: AtomicU16::new(0) }
    }

    /// # Errors
    /// Nobody can be called.
    pub async fn target<'a>(&self, open: &'a OpenProvider) -> Result<Target<'a>, Called<Good>> {
        let (settings, issuer) = self.settled(open)?;
        let not_there = |why| Called::NotDone(failure("no_endpoint", why), None);
        let finding = timeout(open.provider.timeout.duration(), address::registration(settings, &issuer));
        let endpoint = finding.await.unwrap_or_else(|_| Err("the metadata did not come in time".to_owned()));
        Ok(Target { open, settings, issuer, endpoint: endpoint.map_err(not_there)? })
    }

    /// # Errors
    /// As [`Calls::target`].
    pub fn settled<'a>(&self, open: &'a OpenProvider) -> Result<(&'a DcrSettings, Arc<Issuer>), Called<Good>> {
        let cannot = || Called::Refused(failure("not_supported", "clients are not registered at this provider"));
        let settings = open.provider.registration.as_ref().ok_or_else(cannot)?;
        let issuer = self.issuers.of(&open.provider).map_err(|why| Called::NotDone(failure("no_client", why), None))?;
        Ok((settings, issuer.ok_or_else(cannot)?))
    }

    /// Of calls side by side, any.
    pub fn latest(&self) -> Option<u16> {
        Some(self.latest.load(Ordering::Relaxed)).filter(|status| *status != 0)
    }

    pub fn note(&self, status: Option<u16>) {
        self.latest.store(status.unwrap_or_default(), Ordering::Relaxed);
    }

    /// One call, and another after a 401 to a token that can be got anew.
    pub async fn called(
        &self,
        target: &Target<'_>,
        by: By<'_>,
        request: impl Fn() -> RequestBuilder,
        secrets: &mut Secrets,
    ) -> Called<Good> {
        let mut is_first = true;
        loop {
            let credential = match self.credential(target, by, secrets).await {
                Ok(credential) => credential,
                Err(ended) => return ended,
            };
            let mut request = request();
            if let Some((name, value)) = credential.header.clone() {
                request = request.header(name, value);
            }
            let ended = call(request, secrets, self.clock.now()).await;
            self.note(status_of(&ended));
            match (&ended, &credential.got_by) {
                (Called::NotDone(Failure { status: Some(401), .. }, _), Some(got_by)) if is_first => {
                    self.authority.forget(got_by, &credential);
                    is_first = false;
                }
                _ => return ended,
            }
        }
    }

    async fn credential(
        &self,
        target: &Target<'_>,
        by: By<'_>,
        secrets: &mut Secrets,
    ) -> Result<Credential, Called<Good>> {
        let one_time = match by {
            By::Registry(one_time) => one_time,
            By::Client(token) => return bearer(token, secrets).map_err(not_had),
        };
        let Target { open, settings, issuer, .. } = target;
        let getting = self.authority.credential(open, (settings, issuer), one_time, secrets);
        match timeout(open.provider.timeout.duration(), getting).await {
            Ok(credential) => credential.map_err(not_had),
            Err(_) => Err(not_had((failure("no_credential", "no access token for registrations came in time"), None))),
        }
    }

    /// A call about one client, where it is managed.
    pub async fn managed(
        &self,
        target: &Target<'_>,
        managed: &Managed,
        (method, body): (Method, Option<&Value>),
        secrets: &mut Secrets,
    ) -> Called<Good> {
        let refused = |why: &str| Called::Refused(failure("not_managed", why));
        let (url, by) = match (target.settings.management, &managed.uri, &managed.token) {
            (Management::None, ..) => return refused("clients of this provider cannot be managed"),
            (Management::Credential, ..) => match address::below(&target.endpoint, &managed.client_id) {
                Some(url) => (url, By::Registry(None)),
                None => return refused("the client's id is none that an address could end with"),
            },
            (Management::RegistrationToken, Some(uri), Some(token)) => match address::own(uri, &target.endpoint) {
                Some(url) => (url, By::Client(token)),
                None => return refused("the client's address is not at the origin of the registration endpoint"),
            },
            (Management::RegistrationToken, ..) => return refused("the client has no address, or no token for it"),
        };
        let request = || {
            let request =
                target.issuer.client().request(method.clone(), url.clone()).header("accept", "application/json");
            match body {
                Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                None => request,
            }
        };
        self.called(target, by, request, secrets).await
    }
}

impl Target<'_> {
    /// What an answer must have here.
    pub fn wanted(&self, secret: SecretWanted) -> Wanted<'_> {
        let is_own = self.settings.management == Management::RegistrationToken;
        Wanted { managed_at: is_own.then_some(&self.endpoint), secret }
    }
}

fn not_had((failure, pause): NoCredential) -> Called<Good> {
    Called::NotDone(failure, pause)
}
