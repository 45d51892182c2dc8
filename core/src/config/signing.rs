//! What of the configuration depends on the host: who signs the assertions of clients.

use super::problem::{Code, Problem, element, member};
use crate::engine::settings::Settings;
use crate::jose::sign::Unsignable;
use crate::jose::verify::Implementation;
use crate::port::Signatures;
use crate::provider::client_auth::ClientAuth;

/// Chooses who signs, by a signature with each key; what was chosen, for the log.
///
/// # Errors
/// Every key that nobody can sign with.
pub fn choose_signers(settings: &Settings, host: &dyn Signatures) -> Result<Vec<String>, Vec<Problem>> {
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for (index, provider) in settings.providers.iter().enumerate() {
        let client = provider.introspection.as_ref().map(|introspection| &introspection.client);
        let Some(ClientAuth::Assertion(assertion)) = client else { continue };
        match assertion.signer.choose(host) {
            Ok(by) => {
                let (name, algorithm) = (&provider.name, assertion.signer.algorithm().name());
                let by = match by {
                    Implementation::Host => "the host",
                    Implementation::Module => "the module",
                };
                chosen.push(format!("provider {name:?}: {by} signs the assertions of the client with {algorithm}"));
            }
            Err(error) => {
                let (wrong, code) = match error {
                    Unsignable::NoHost(_) => ("algorithm", Code::BadValue),
                    Unsignable::KeyRefused(_) => ("key", Code::BadSecret),
                };
                let path = member(&element("providers", index), &format!("introspection.client.{wrong}"));
                problems.push(Problem { path, code, reason: error.to_string() });
            }
        }
    }
    if problems.is_empty() { Ok(chosen) } else { Err(problems) }
}
