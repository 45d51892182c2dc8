//! What the upstream of a request that passes receives.

use super::request::Request;
use super::secrecy::{HIDDEN, Secrets};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use tessera_core::engine::effect::Verdict;
use tessera_core::engine::settings::Settings;
use tessera_core::policy::api::Api;
use tessera_core::policy::upstream::IdentitySource;
use tessera_core::port::{HeaderEdits, HostFailure};
use tessera_core::upstream::{remove_credential, write_identity};

/// What becomes of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    None,
    Forwarded,
    Removed,
}

/// What the filter makes of the request's headers; nothing secret is in it.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub path: String,
    pub set: BTreeMap<String, String>,
    pub removed: BTreeSet<String>,
    pub credential: Credential,
}

/// Edits, written down.
#[derive(Default)]
struct Edits {
    set: RefCell<BTreeMap<String, Vec<u8>>>,
    removed: RefCell<BTreeSet<String>>,
}

impl HeaderEdits for Edits {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.removed.borrow_mut().insert(String::from_utf8_lossy(name).into_owned());
        Ok(())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.set.borrow_mut().insert(name.to_owned(), value.to_vec());
        Ok(())
    }
}

impl Upstream {
    /// As the filter carries out a verdict; `None` where the request does not pass.
    pub fn of(verdict: &Verdict, settings: &Settings, request: &Request, secrets: &Secrets) -> Option<Self> {
        let head = request.head();
        let (stripped, identity, credential) = (Edits::default(), Edits::default(), Edits::default());
        let forged = settings.reserved.strip(&head, &stripped).ok()?;
        let api: Option<&Api> = match verdict {
            Verdict::Admit(permit) => {
                write_identity(permit, forged, &identity).ok()?;
                Some(permit.api())
            }
            Verdict::AdmitWithout(_, api) => Some(api),
            Verdict::AdmitUnmatched => None,
            Verdict::Describe(_) | Verdict::Refuse(..) => return None,
        };
        remove_credential(&settings.token.sources, &head, &credential).ok()?;
        let (moved, mut gone) = (credential.set.into_inner(), credential.removed.into_inner());
        let hides = api.is_some_and(|api| !api.upstream.forward_token);
        let carried = match (moved.is_empty() && gone.is_empty(), hides) {
            (true, _) => Credential::None,
            (false, true) => Credential::Removed,
            (false, false) => Credential::Forwarded,
        };
        if !hides {
            gone.clear();
        }
        let path = moved.get(":path").filter(|_| hides).map_or(&*request.path, |path| path);
        let answer_in = |name: &str| api.is_some_and(|api| carries_answer(api, name));
        let set: BTreeMap<String, String> = identity
            .set
            .into_inner()
            .into_iter()
            .map(|(name, value)| {
                let value = if answer_in(&name) {
                    HIDDEN.into()
                } else {
                    secrets.without(&String::from_utf8_lossy(&value)).into_owned()
                };
                (name, value)
            })
            .collect();
        gone.extend(stripped.removed.into_inner());
        gone.retain(|name| !set.contains_key(name));
        Some(Self { path: secrets.path(path), set, removed: gone, credential: carried })
    }
}

/// Whether the header carries a signed answer, which is as good as a token to some.
fn carries_answer(api: &Api, name: &str) -> bool {
    api.upstream.headers.iter().any(|(named, source)| **named == *name && *source == IdentitySource::IntrospectionJwt)
}

impl Credential {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Forwarded => "forwarded",
            Self::Removed => "removed",
        }
    }
}
