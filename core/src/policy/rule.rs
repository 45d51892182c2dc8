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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_will_do_up_to_the_age_that_is_allowed() {
        let rule = |max_age| Rule { max_age, ..Rule::default() };
        let seconds = Duration::from_secs;
        for (age, accepted) in [(0, true), (9, true), (10, true), (11, false)] {
            assert_eq!(rule(Some(seconds(10))).accepts_age(seconds(age)), accepted, "{age}");
        }
        assert!(rule(None).accepts_age(Duration::MAX));
        assert!(rule(Some(Duration::ZERO)).accepts_age(Duration::ZERO));
    }
}
