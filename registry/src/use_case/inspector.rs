//! Whoever looks closer at a provider than is needed to use it.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::use_case::open_provider::OpenProvider;
use crate::use_case::registrar::Called;

/// Asks a provider what only somebody wants to know who is about to set it up.
#[async_trait]
pub trait Inspector: Send + Sync {
    /// What its issuer publishes (RFC 8414).
    async fn metadata(&self, provider: &OpenProvider) -> Called<Map<String, Value>>;

    /// What introspection says of a token (RFC 7662); `None` of one that is not active.
    async fn introspect(&self, provider: &OpenProvider, access_token: &str) -> Called<Option<Map<String, Value>>>;

    /// The status of the latest answer to a registrar that nobody else uses meanwhile.
    fn latest_status(&self) -> Option<u16>;

    /// A set with the public half of a key whose private half nobody has; `None` where none can be made.
    fn public_keys(&self) -> Option<Value>;
}
