//! The client ids under which a client is known, and which are therefore nobody else's.

use crate::domain::client::{AppClient, ClientStatus};

impl AppClient {
    /// What nobody else in the organisation may have meanwhile. Providers are slugs: the first `/` ends theirs.
    pub fn holding(&self) -> Option<String> {
        let client_id = self.client_id.as_ref().filter(|_| self.status != ClientStatus::Deleted)?;
        Some(format!("{}/{client_id}", self.provider))
    }

    /// The same for what its tokens name, where that is another client id than its own.
    pub fn tokens_of(&self) -> Option<String> {
        let named = self.gateway_client_id.as_ref().filter(|named| Some(*named) != self.client_id.as_ref())?;
        (self.status != ClientStatus::Deleted).then(|| format!("{}/{named}", self.provider))
    }

    /// Whether the registry has registered it under this identifier.
    pub fn is_at_provider(&self, client_id: &str) -> bool {
        self.registered.as_ref().is_some_and(|registered| registered.client_id == client_id)
    }

    /// Whether somebody only says that it is his.
    pub fn is_claim(&self) -> bool {
        self.registered.is_none() && self.waits_for_proof()
    }
}
