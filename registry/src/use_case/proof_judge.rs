//! Whoever says whose an access token is.

use async_trait::async_trait;

use crate::use_case::open_provider::OpenProvider;

/// What a provider says about an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is active, from the provider's issuer, and this client's.
    Of {
        client_id: String,
        /// `None` where nothing is said of them.
        scopes: Option<Vec<String>>,
    },
    /// It proves nothing, for this reason.
    Nothing(&'static str),
    /// The provider could not be asked.
    Unknown,
}

/// Asks providers about access tokens, which are not kept.
#[async_trait]
pub trait ProofJudge: Send + Sync {
    async fn judge(&self, provider: &OpenProvider, access_token: &str) -> Proof;
}
