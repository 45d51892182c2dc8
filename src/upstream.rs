//! What the upstream receives: trustworthy identity headers, and no others under their names.

use crate::base::header_text;
use crate::base::headers::{HeaderEdits, HostFailure, RequestHead};
use crate::decision::decide::Permit;
use crate::decision::policy::{Policy, ProviderIndex};
use crate::token::credential::{CookieToken, QueryToken};
use crate::token::extract::Source;
use std::borrow::Cow;

pub use reserved::ReservedNames;

mod reserved;

/// Where the value of an identity header comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Client the token was issued to.
    ClientId,
    /// `sub`.
    Subject,
    /// Scopes, separated by spaces.
    Scope,
    /// `username`.
    Username,
    /// `iss`.
    Issuer,
    /// Name of the provider that vouches for the token.
    Provider,
    /// Id of the API.
    Api,
    /// SLA tier of the contract.
    ContractTier,
    /// Name of the contract.
    ContractName,
    /// A member of the answer, by JSON pointer (RFC 6901).
    Claim(Box<str>),
}

/// The headers of one API's upstream.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Header names (lower case) and what they carry.
    pub headers: Vec<(Box<str>, Value)>,
    /// Every scalar member of the answer becomes a header of this prefix and its name.
    pub claims_prefix: Option<Box<str>>,
    /// Whether the credential stays in the request.
    pub forward_token: bool,
}

/// Names behind a permit's indices.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The APIs.
    pub policy: &'a Policy,
    /// The providers' names.
    pub providers: &'a [Box<str>],
}

impl Settings {
    /// Writes the identity headers of a permitted request. [`ReservedNames`] have been stripped from it.
    ///
    /// # Errors
    /// [`HostFailure`]: the request must not pass then.
    pub fn admit(&self, permit: &Permit, names: Names<'_>, request: &impl HeaderEdits) -> Result<(), HostFailure> {
        if let Some(prefix) = &self.claims_prefix {
            for (member, value) in permit.facts().claims.iter().filter(|(member, _)| !member.starts_with('/')) {
                let name = [prefix, &**member].concat();
                // No member of an answer stands in for a header that is named.
                let is_named = self.headers.iter().any(|(named, _)| header_text::are_twins(named, &name));
                if !value.is_empty() && !is_named {
                    request.set(&name, value.as_bytes())?;
                }
            }
        }
        for (name, value) in &self.headers {
            if let Some(text) = value.of(permit, names).filter(|text| !text.is_empty()) {
                request.set(name, text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Takes the credential out of a request with these headers.
    ///
    /// # Errors
    /// [`HostFailure`]: the request must not pass then.
    pub fn remove_credential(
        &self,
        sources: &[Source],
        head: &impl RequestHead,
        request: &impl HeaderEdits,
    ) -> Result<(), HostFailure> {
        for source in sources {
            match source {
                // A value of another scheme is no access token: it stays.
                Source::Header { name, scheme: Some(scheme) } => {
                    let value = head.first(name).unwrap_or_default();
                    if value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes())) {
                        request.remove(name.as_bytes())?;
                    }
                }
                Source::Header { name, scheme: None } => {
                    if head.first(name).is_some() {
                        request.remove(name.as_bytes())?;
                    }
                }
                Source::Query(name) => {
                    let path = head.first(":path").unwrap_or_default();
                    let query = QueryToken::named(name);
                    if query.values(path).next().is_some() {
                        request.set(":path", &query.cut_from(path))?;
                    }
                }
                Source::Cookie(name) => {
                    let cookies = head.joined("cookie").unwrap_or_default();
                    let cookie = CookieToken::named(name);
                    if cookie.values(&cookies).next().is_some() {
                        match cookie.cut_from(&cookies) {
                            Some(left) => request.set("cookie", &left)?,
                            None => request.remove(b"cookie")?,
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Value {
    /// As header text.
    fn of<'a>(&self, permit: &'a Permit, names: Names<'a>) -> Option<Cow<'a, str>> {
        let facts = permit.facts();
        let borrowed = match self {
            Self::ClientId => facts.client_id.as_deref(),
            Self::Subject => facts.subject.as_deref(),
            Self::Username => facts.username.as_deref(),
            Self::Issuer => facts.issuer.as_deref(),
            Self::Scope => return Some(header_text::list(&facts.scope, ' ').into()),
            Self::Provider => {
                let ProviderIndex(index) = permit.provider();
                names.providers.get(index).map(|name| &**name)
            }
            Self::Api => names.policy.apis().get(permit.api().0).map(|api| &*api.id),
            Self::ContractTier => permit.contract().and_then(|contract| contract.tier.as_deref()),
            Self::ContractName => permit.contract().and_then(|contract| contract.name.as_deref()),
            // Kept as header text.
            Self::Claim(pointer) => {
                let claim = facts.claims.iter().find(|(name, _)| name == pointer);
                return claim.map(|(_, value)| Cow::Borrowed(&**value));
            }
        };
        borrowed.map(header_text::value)
    }
}
