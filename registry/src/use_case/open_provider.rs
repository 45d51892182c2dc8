//! A provider as it is called: with its credentials in the clear.

use std::fmt;

use secrecy::SecretString;

use crate::domain::provider::{Provider, authorization_place, introspection_place};
use crate::use_case::ports::Sealing;

/// A provider of an organisation, and what it is shown.
#[derive(Clone)]
pub struct OpenProvider {
    pub organisation: String,
    pub provider: Provider,
    /// `None` where there is none, or no key opens it.
    pub authorization: Option<SecretString>,
    pub introspection: Option<SecretString>,
}

impl OpenProvider {
    pub fn new(organisation: &str, provider: Provider, sealing: &dyn Sealing) -> Self {
        let open = |sealed: &str, place: String| {
            let open = sealing.open(sealed, &sealed_place(organisation, &place))?;
            Some(SecretString::from(String::from_utf8(open).ok()?))
        };
        let settings = provider.registration.as_ref();
        let authorization = settings.and_then(|settings| settings.authorization.credential());
        let introspection = provider.introspection.as_ref().map(|introspection| &introspection.credential);
        Self {
            organisation: organisation.to_owned(),
            authorization: authorization.and_then(|sealed| open(sealed, authorization_place(&provider.id))),
            introspection: introspection.and_then(|sealed| open(sealed, introspection_place(&provider.id))),
            provider,
        }
    }
}

/// With what a secret of an organisation is sealed.
pub fn sealed_place(organisation: &str, place: &str) -> String {
    format!("{organisation}/{place}")
}

impl fmt::Debug for OpenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = (&self.organisation, &self.provider.id);
        f.debug_tuple("OpenProvider").field(&name).finish()
    }
}
