//! The other methods by which clients may authenticate there.

use crate::domain::client::AuthMethod;
use crate::use_case::probe::client::{Tried, method_word, registration};
use crate::use_case::probe::trial::Trial;

/// Registers a client with each method that is offered and was not tried, and deletes it.
pub async fn others(trial: &mut Trial<'_>, first: &Tried) {
    for method in trial.settings().auth_methods {
        if method == first.registration.auth_method {
            continue;
        }
        let jwks = match method {
            AuthMethod::PrivateKeyJwt => trial.ports.inspector.public_keys(),
            _ => None,
        };
        let registration = registration(trial, method, &first.registration.scopes, jwks);
        let begun = trial.begin();
        let called = trial.ports.registrar.register(&trial.open, None, registration.metadata()).await;
        match trial.end("register", begun, called, Some(method_word(method).to_owned())) {
            Ok(issued) => {
                let judged = registration.compare(&issued.metadata);
                match judged.wider {
                    None => trial.found.auth_methods.get_or_insert_default().push(method),
                    Some(why) => trial.warn(format!("{}: clients would be refused: {why}", method_word(method))),
                }
                trial.remove(issued.managed).await;
            }
            Err(failure) => {
                trial.left_behind.extend(failure.client_id);
                trial.warn(format!("{}: no client is registered with it", method_word(method)));
            }
        }
    }
}
