//! A provider as it is called: with its credentials in the clear.

use std::fmt;

use secrecy::SecretString;

use crate::domain::provider::{Provider, authorization_place, entra_place, introspection_place};
use crate::use_case::ports::Sealing;

/// A provider of an organisation, and what it is shown.
#[derive(Clone)]
pub struct OpenProvider {
    pub organisation: String,
    pub provider: Provider,
    /// Of whoever makes clients there. `None` where there is none, or no key opens it.
    pub authorization: Option<SecretString>,
    pub introspection: Option<SecretString>,
}

impl OpenProvider {
    pub fn new(organisation: &str, provider: Provider, sealing: &dyn Sealing) -> Self {
        let open = |sealed: &str, place: String| {
            let open = sealing.open(sealed, &sealed_place(organisation, &place))?;
            Some(SecretString::from(String::from_utf8(open).ok()?))
        };
        let dcr = provider.registration.as_ref().and_then(|settings| settings.authorization.credential());
        let dcr = dcr.map(|sealed| (sealed, authorization_place(&provider.id)));
        let entra = provider.entra.as_ref().map(|settings| (&settings.credential, entra_place(&provider.id)));
        let introspection = provider.introspection.as_ref().map(|introspection| &introspection.credential);
        Self {
            organisation: organisation.to_owned(),
            authorization: dcr.or(entra).and_then(|(sealed, place)| open(sealed, place)),
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
