//! Scopes that an operation requires (RFC 6749 §3.3).

/// Scopes that a token must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScopeRule {
    #[default]
    None,
    All(Vec<Box<str>>),
    /// At least one of these.
    Any(Vec<Box<str>>),
}

impl ScopeRule {
    /// Whether `granted` satisfies the rule. Scopes are compared byte by byte.
    #[inline]
    pub fn is_met_by(&self, granted: &[Box<str>]) -> bool {
        match self {
            Self::None => true,
            Self::All(wanted) => wanted.iter().all(|scope| granted.contains(scope)),
            Self::Any(wanted) => wanted.iter().any(|scope| granted.contains(scope)),
        }
    }

    /// Those that it names.
    pub fn named(&self) -> &[Box<str>] {
        match self {
            Self::None => &[],
            Self::All(wanted) | Self::Any(wanted) => wanted,
        }
    }

    /// The scopes of a challenge (RFC 6750 §3): what the rule asks for, separated by spaces; empty for none.
    pub fn wanted(&self) -> String {
        self.named().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_any_mean_what_they_say() {
        let scopes = |names: &[&str]| -> Vec<Box<str>> { names.iter().map(|name| (*name).into()).collect() };
        let all = ScopeRule::All(scopes(&["a", "b"]));
        let any = ScopeRule::Any(scopes(&["a", "b"]));
        assert!(all.is_met_by(&scopes(&["b", "c", "a"])));
        assert!(!all.is_met_by(&scopes(&["a"])));
        assert!(any.is_met_by(&scopes(&["b"])));
        assert!(!any.is_met_by(&scopes(&["ab", "A"])));
        assert!(!any.is_met_by(&[]));
        assert!(ScopeRule::None.is_met_by(&[]));
        assert_eq!(all.wanted(), "a b");
    }
}
