//! The keys of all sections.

use super::apis::{self, API};
use super::cache::CACHE;
use super::client_auth::CLIENT;
use super::contracts::{CONTRACTS, ROW, SOURCE};
use super::discovery::DISCOVERY;
use super::dpop::DPOP;
use super::introspection::INTROSPECTION;
use super::jwt::{JWT, KEYS};
use super::key::KeyTable;
use super::operations::{self, OPERATION};
use super::providers::{CLAIMS, PROVIDER};
use super::replies::REPLIES;
use super::resource::RESOURCE;
use super::root::ROOT;
use super::rules::SCOPES;
use super::secret::VARIABLE;
use super::token::{self, TOKEN};
use super::upstream::UPSTREAM;

/// The keys of each section; those of a secret stand at `secret`.
pub fn key_tables() -> Vec<KeyTable> {
    vec![
        ROOT.table(),
        PROVIDER.table(),
        INTROSPECTION.table(),
        CLIENT.table(),
        JWT.table(),
        KEYS.table(),
        DISCOVERY.table(),
        CLAIMS.table(),
        API.table(),
        apis::MATCH.table(),
        SCOPES.table(),
        OPERATION.table(),
        operations::MATCH.table(),
        RESOURCE.table(),
        UPSTREAM.table(),
        TOKEN.table(),
        token::SOURCE.table(),
        DPOP.table(),
        CONTRACTS.table(),
        ROW.table(),
        SOURCE.table(),
        CACHE.table(),
        REPLIES.table(),
        VARIABLE.table(),
    ]
}
