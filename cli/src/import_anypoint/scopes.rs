//! Scopes that policies ask for.

use crate::yaml_text::Yaml;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// Every one; with none, nothing is asked for.
    All(Vec<String>),
    /// At least one, of one or more.
    Any(Vec<String>),
}

/// The scopes in a text, separated by spaces or commas. `None` where one of them is none (RFC 6749 §3.3).
pub fn split(text: &str) -> Option<Vec<String>> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split([' ', ',', '\t', '\n', '\r']).filter(|scope| !scope.is_empty()) {
        if !scope.bytes().all(legal) {
            return None;
        }
        if !scopes.iter().any(|other| other == scope) {
            scopes.push(scope.into());
        }
    }
    Some(scopes)
}

impl Scopes {
    /// What asks for all that both ask for, and whether it asks for more: an "any of" beside another rule cannot be
    /// said exactly unless they share a scope.
    pub fn and(&self, other: &Self) -> (Self, bool) {
        let both =
            |one: &[String], other: &[String]| one.iter().filter(|scope| other.contains(scope)).cloned().collect();
        match (self, other) {
            (Self::All(one), Self::All(other)) => (Self::All(united(one, other)), false),
            (Self::All(all), Self::Any(any)) | (Self::Any(any), Self::All(all)) => {
                if all.is_empty() {
                    (Self::Any(any.clone()), false)
                } else if all.iter().any(|scope| any.contains(scope)) {
                    (Self::All(all.clone()), false)
                } else {
                    (Self::All(united(all, any)), true)
                }
            }
            (Self::Any(one), Self::Any(other)) => {
                let shared: Vec<String> = both(one, other);
                let is_one_of_them = shared.len() == one.len() || shared.len() == other.len();
                if shared.is_empty() {
                    (Self::All(united(one, other)), true)
                } else {
                    (Self::Any(shared), !is_one_of_them)
                }
            }
        }
    }

    pub fn to_yaml(&self) -> Yaml {
        match self {
            Self::All(scopes) => Yaml::object([("all", Yaml::texts(scopes))]),
            Self::Any(scopes) => Yaml::object([("any", Yaml::texts(scopes))]),
        }
    }
}

fn united(one: &[String], other: &[String]) -> Vec<String> {
    let more = other.iter().filter(|scope| !one.contains(scope));
    one.iter().chain(more).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        split(text).unwrap()
    }

    #[test]
    fn scopes_are_split_at_spaces_and_commas() {
        assert_eq!(list(" read, write,,admin\tread "), ["read", "write", "admin"]);
        assert!(list(" , ").is_empty());
        for bad in ["a\"b", "a b\\c", "é", "a\u{1}"] {
            assert_eq!(split(bad), None);
        }
    }

    #[test]
    fn two_rules_together_are_never_laxer_than_either() {
        let every = ["a", "b", "c"];
        let meets = |scopes: &Scopes, granted: &[&str]| match scopes {
            Scopes::All(wanted) => wanted.iter().all(|scope| granted.contains(&scope.as_str())),
            Scopes::Any(wanted) => wanted.iter().any(|scope| granted.contains(&scope.as_str())),
        };
        let subsets: Vec<Vec<&str>> = (0..8)
            .map(|bits| every.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, s)| *s).collect())
            .collect();
        let rules: Vec<Scopes> = subsets
            .iter()
            .flat_map(|set| {
                let set: Vec<String> = set.iter().map(|scope| (*scope).to_owned()).collect();
                let any = (!set.is_empty()).then(|| Scopes::Any(set.clone()));
                any.into_iter().chain([Scopes::All(set)])
            })
            .collect();
        for one in &rules {
            for other in &rules {
                let (together, asks_for_more) = one.and(other);
                for granted in &subsets {
                    let both = meets(one, granted) && meets(other, granted);
                    let met = meets(&together, granted);
                    assert!(!met || both, "{one:?} {other:?} {together:?} {granted:?}");
                    assert!(met == both || asks_for_more, "{one:?} {other:?} {together:?} {granted:?}");
                }
            }
        }
    }
}
