//! Whether a provider takes registrations at once: some give clients then that never work.

use secrecy::ExposeSecret;
use tokio::join;

use crate::use_case::ports::Proof;
use crate::use_case::probe::client::{Tried, registration};
use crate::use_case::probe::trial::Trial;
use crate::use_case::registrar::{Called, ClientCredentials, Issued};

/// So many at once.
const AT_ONCE: u8 = 4;

/// Registers four, gets a token with each, and deletes them.
pub async fn at_once(trial: &mut Trial<'_>, first: &Tried) {
    let asked = |_: u8| {
        registration(trial, first.registration.auth_method, &first.registration.scopes, None).metadata().clone()
    };
    let [one, two, three, four] = [1, 2, 3, 4].map(asked);
    let (registrar, open) = (trial.ports.registrar, &trial.open);
    let begun = trial.begin();
    let (one, two, three, four) = join!(
        registrar.register(open, None, &one),
        registrar.register(open, None, &two),
        registrar.register(open, None, &three),
        registrar.register(open, None, &four),
    );
    let (mut work, mut failed) = (0, None);
    for called in [one, two, three, four] {
        match called {
            Called::Done(issued) => work += u8::from(works(trial, first, issued).await),
            Called::Refused(failure) | Called::NotDone(failure, _) | Called::Unknown(failure) => {
                trial.left_behind.extend(failure.client_id.clone());
                failed.get_or_insert(failure);
            }
        }
    }
    let called = failed.map_or(Called::Done(()), Called::Refused);
    let _ = trial.end("parallel", begun, called, Some(format!("{work} of {AT_ONCE} work")));
    let parallel = if work == AT_ONCE { AT_ONCE } else { 1 };
    if parallel == 1 {
        trial.warn(format!("of {AT_ONCE} clients that were registered at once, {work} work"));
    }
    trial.found.parallel = Some(parallel);
    trial.change(|settings| settings.parallel = parallel);
}

async fn works(trial: &mut Trial<'_>, first: &Tried, issued: Issued) -> bool {
    let credentials = ClientCredentials {
        client_id: issued.managed.client_id.clone(),
        method: first.registration.auth_method,
        secret: issued.secret,
    };
    let got = trial.ports.registrar.token(&trial.open, &credentials, &first.registration.scopes).await;
    let works = match got {
        Called::Done(token) => {
            matches!(trial.ports.judge.judge(&trial.open, token.expose_secret()).await, Proof::Of { .. })
        }
        _ => false,
    };
    trial.remove(issued.managed).await;
    works
}
