//! Providers as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::provider::dcr::DcrView;
use crate::domain::provider::entra::EntraView;
use crate::domain::provider::introspection::IntrospectionView;
use crate::domain::text::Span;
use crate::domain::time::Time;

/// How clients come to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Somebody makes them there and brings them.
    #[default]
    Manual,
    /// The registry registers them (RFC 7591), or somebody brings them.
    Dcr,
    /// The registry makes them through Microsoft Graph, or somebody brings them.
    Entra,
}

/// A provider as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderBrief {
    pub id: String,
    pub title: String,
    pub environments: Option<Vec<String>>,
}

/// A provider in full. Those of a kind have more members beside these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderView {
    pub id: String,
    pub title: String,
    pub kind: ProviderKind,
    pub environments: Option<Vec<String>>,
    pub issuer: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub registration: Option<DcrView>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub entra: Option<EntraView>,
    pub introspection: Option<IntrospectionView>,
    pub client_id_claims: Vec<String>,
    #[schema(value_type = String)]
    pub timeout: Span,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime, read_only)]
    pub updated_at: Time,
}
