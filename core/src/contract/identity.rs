//! Lookups by identity without building one.

use std::hash::{Hash, Hasher};

use hashbrown::Equivalent;

use crate::contract::row::Identity;

/// A map from identities, queried with [`IdentityRef`].
pub(super) type IdentityMap<V> = hashbrown::HashMap<Identity, V, foldhash::fast::RandomState>;

/// A borrowed [`Identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRef<'a> {
    pub api: &'a str,
    pub provider: Option<&'a str>,
    pub client_id: &'a str,
}

impl Identity {
    pub fn as_ref(&self) -> IdentityRef<'_> {
        IdentityRef { api: &self.api, provider: self.provider.as_deref(), client_id: &self.client_id }
    }
}

impl IdentityRef<'_> {
    /// Whether it is one of this API and client.
    pub fn is_of_pair(self, api: &str, client_id: &str) -> bool {
        self.api == api && self.client_id == client_id
    }

    pub fn to_identity(self) -> Identity {
        Identity { api: self.api.into(), provider: self.provider.map(Into::into), client_id: self.client_id.into() }
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

// Only the bytes: separators and numbers would go through the hasher's 128-bit buffer, which is slow in a
// 32-bit VM. Identities that differ in where one text ends and the next begins are told apart when they are compared.
impl Hash for IdentityRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.api.as_bytes());
        if let Some(provider) = self.provider {
            state.write(provider.as_bytes());
        }
        state.write(self.client_id.as_bytes());
    }
}

impl Equivalent<Identity> for IdentityRef<'_> {
    fn equivalent(&self, key: &Identity) -> bool {
        key.as_ref() == *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_identity_finds_its_owner() {
        let mut map = IdentityMap::default();
        for provider in [None, Some("p")] {
            let key = IdentityRef { api: "a", provider, client_id: "c" };
            map.insert(key.to_identity(), provider.is_some());
            assert_eq!(map.get(&key), Some(&provider.is_some()));
        }
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_borrowed_identity_is_no_other() {
        let key = IdentityRef { api: "a", provider: Some("p"), client_id: "c" };
        assert!(key.equivalent(&key.to_identity()));
        for other in [
            IdentityRef { api: "b", ..key },
            IdentityRef { client_id: "d", ..key },
            IdentityRef { provider: None, ..key },
            IdentityRef { provider: Some("q"), ..key },
            IdentityRef { api: "ap", provider: None, client_id: "c" },
        ] {
            assert!(!key.equivalent(&other.to_identity()), "{other:?}");
        }
    }
}
