//! Changes of clients: what is asked of one, beside what it is.

use crate::domain::client::{AppClient, ClientStatus, ClientWait};
use crate::domain::client_terms::ClientTerms;

impl AppClient {
    pub fn terms(&self) -> ClientTerms {
        ClientTerms {
            grants: self.grants.clone(),
            scopes: self.scopes.clone(),
            redirect_uris: self.redirect_uris.clone(),
            jwks: self.jwks.clone(),
        }
    }

    /// As somebody has asked for last.
    pub fn wanted_terms(&self) -> ClientTerms {
        self.requested.clone().unwrap_or_else(|| self.terms())
    }

    /// With these terms.
    #[must_use]
    pub fn with_terms(&self, terms: ClientTerms) -> Self {
        let ClientTerms { grants, scopes, redirect_uris, jwks } = terms;
        Self { grants, scopes, redirect_uris, jwks, ..self.clone() }
    }

    /// Nothing is registered that would have to follow: what was asked for is what it is.
    pub fn settle_terms(&mut self) {
        if let Some(terms) = self.requested.take() {
            *self = self.with_terms(terms);
        }
    }

    pub fn can_be_changed(&self) -> bool {
        matches!(self.status, ClientStatus::Pending | ClientStatus::Refused | ClientStatus::Live)
    }

    /// Whether the provider has it, to be read and changed there.
    pub fn is_there(&self) -> bool {
        let is_checked = self.waits_for(ClientWait::Verification) || self.waits_for(ClientWait::Proof);
        self.registered.is_some() && (self.status.holds_contracts() || is_checked)
    }

    /// Whether it is not there, nor on its way to be.
    pub fn is_nowhere(&self) -> bool {
        self.status == ClientStatus::Refused || self.waits_for(ClientWait::Approval)
    }
}
