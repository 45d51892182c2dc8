//! What an operation requires of a token.

use super::claims::ClaimRule;
use super::scopes::ScopeRule;
use std::time::Duration;

/// What is required of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Whether there must be a token at all.
    pub token: TokenRule,
    /// Claims, each of which must be met.
    pub claims: Vec<ClaimRule>,
    pub scopes: ScopeRule,
    pub contract: ContractRule,
    pub max_age: Option<Duration>,
}

impl Rule {
    /// Whether facts of this age will do.
    pub fn accepts_age(&self, age: Duration) -> bool {
        self.max_age.is_none_or(|max_age| age <= max_age)
    }
}

/// Whether a request needs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenRule {
    #[default]
    Required,
    /// Without one it passes without an identity; with one the token is judged.
    Optional,
}

/// Whether the token's client needs a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContractRule {
    Required,
    /// None, but its tier is used if there is one.
    Optional,
    #[default]
    None,
}
