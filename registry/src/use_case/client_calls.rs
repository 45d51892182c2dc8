//! The calls of an attempt, outside of any transaction.

use std::time::Duration;

use crate::use_case::client_scene::Doing;
use crate::use_case::client_work::Taken;
use crate::use_case::ports::{Proof, ProofJudge};
use crate::use_case::registrar::{
    AddedSecret, Called, ClientCredentials, Failure, Issued, Managed, NOT_REPLICATED, Registrar,
};
use secrecy::ExposeSecret;

/// What became of the calls.
#[derive(Clone, Debug)]
pub enum Ended {
    Registered(Called<Issued>),
    Verified(Checked),
    AddedSecret(Called<AddedSecret>),
    KeptSecrets(Called<()>),
    Deleted(Called<()>),
    Updated(Called<Issued>),
    /// What a client is.
    Asked(Called<Issued>),
}

/// What a check with a token has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Tokens say that they are this client's.
    Good {
        gateway_client_id: String,
    },
    /// More than was asked for.
    Wider(Failure),
    /// The credentials do not work, or what they give proves nothing: perhaps not yet.
    Failed(Failure),
    /// The provider does not know everywhere yet what it has made.
    Late(Failure),
    /// It could not be checked.
    NotDone(Failure, Option<Duration>),
    Unknown(Failure),
}

/// Where providers are called.
#[derive(Clone, Copy)]
pub struct Callers<'a> {
    pub registrar: &'a dyn Registrar,
    pub judge: &'a dyn ProofJudge,
}

/// Does what was taken.
pub async fn call(callers: Callers<'_>, taken: &Taken) -> Ended {
    let (registrar, provider) = (callers.registrar, &taken.provider);
    match &taken.doing {
        Doing::Register(registration) => {
            let one_time = taken.one_time.as_ref().map(|taken| taken.token.clone());
            Ended::Registered(registrar.register(provider, one_time, registration.metadata()).await)
        }
        Doing::Verify { credentials, scopes } => Ended::Verified(check(callers, taken, credentials, scopes).await),
        Doing::AddSecret { client_id, number } => {
            Ended::AddedSecret(registrar.add_secret(provider, client_id, *number).await)
        }
        Doing::KeepSecrets { client_id, kept } => {
            Ended::KeptSecrets(registrar.keep_secrets(provider, client_id, kept).await)
        }
        Doing::Delete(managed) => Ended::Deleted(registrar.delete(provider, managed).await),
        Doing::Update(updating) => {
            let metadata = updating.registration.metadata();
            Ended::Updated(registrar.update(provider, &updating.managed, metadata).await)
        }
        Doing::Ask(managed) => Ended::Asked(registrar.read(provider, managed).await),
        Doing::Search { marker } => Ended::Deleted(search(callers, taken, marker).await),
    }
}

async fn check(callers: Callers<'_>, taken: &Taken, credentials: &ClientCredentials, scopes: &[String]) -> Checked {
    let token = match callers.registrar.token(&taken.provider, credentials, scopes).await {
        Called::Done(token) => token,
        Called::NotDone(failure, _) if failure.error.as_deref() == Some(NOT_REPLICATED) => {
            return Checked::Late(failure);
        }
        // What does not authenticate is no question of when the provider is asked, or only for a while.
        Called::Refused(failure) | Called::NotDone(failure @ Failure { status: Some(401 | 403), .. }, _) => {
            return Checked::Failed(failure);
        }
        Called::NotDone(failure, pause) => return Checked::NotDone(failure, pause),
        Called::Unknown(failure) => return Checked::Unknown(failure),
    };
    match callers.judge.judge(&taken.provider, token.expose_secret()).await {
        Proof::Unknown => Checked::Unknown(of("introspection", "the token could not be judged")),
        Proof::Nothing(why) => Checked::Failed(of("invalid_token", why)),
        Proof::Of { scopes: Some(got), .. } if got.iter().any(|scope| !scopes.contains(scope)) => {
            Checked::Wider(of("wider_scope", "a token of the client has scopes that were not asked for"))
        }
        Proof::Of { client_id, .. } => Checked::Good { gateway_client_id: client_id },
    }
}

fn of(error: &str, description: &str) -> Failure {
    let (error, description) = (Some(error.to_owned()), Some(description.to_owned()));
    Failure { status: None, error, description, client_id: None }
}

/// Where nothing is found, it is not known whether there ever was something.
async fn search(callers: Callers<'_>, taken: &Taken, marker: &str) -> Called<()> {
    let ids = match callers.registrar.find(&taken.provider, marker).await {
        Called::Done(ids) if ids.is_empty() => return Called::Refused(of("not_found", "no client has this marker")),
        Called::Done(ids) => ids,
        Called::Refused(failure) => return Called::Refused(failure),
        Called::NotDone(failure, pause) => return Called::NotDone(failure, pause),
        Called::Unknown(failure) => return Called::Unknown(failure),
    };
    for client_id in ids {
        let managed = Managed { client_id, uri: None, token: None };
        match callers.registrar.delete(&taken.provider, &managed).await {
            Called::Done(()) => {}
            ended => return ended,
        }
    }
    Called::Done(())
}
