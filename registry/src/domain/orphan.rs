//! Orphans: clients at a provider, certain or possible, that are nobody's here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::time::Time;

/// Why there is one, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrphanCause {
    /// How a registration has ended is not known.
    Unknown,
    /// The answer came when nobody waited for it any more.
    Late,
    /// It was not to be deleted, or could not be.
    Kept,
}

/// As it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    pub id: String,
    pub provider: String,
    /// For which client it was registered.
    pub client: Option<String>,
    /// At the end of its name at the provider.
    pub marker: Option<String>,
    pub client_id: Option<String>,
    pub seen_at: Time,
    pub why: OrphanCause,
    /// Where it is managed, and by which sealed token.
    pub uri: Option<String>,
    pub token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrphanView {
    pub id: String,
    pub provider: String,
    pub client: Option<String>,
    pub marker: Option<String>,
    pub client_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Time,
    pub why: OrphanCause,
}

impl Orphan {
    pub fn view(&self) -> OrphanView {
        let Self { id, provider, client, marker, client_id, seen_at, why, .. } = self.clone();
        OrphanView { id, provider, client, marker, client_id, seen_at, why }
    }
}

/// Where the registration access token of an orphan is.
pub fn orphan_place(orphan: &str) -> String {
    format!("orphans/{orphan}/token")
}
