//! Finding things by identity without building one.

use std::hash::{Hash, Hasher};

use hashbrown::Equivalent;

use crate::contract::row::Identity;

/// A map from identities, asked with [`IdentityRef`].
pub type IdentityMap<V> = hashbrown::HashMap<Identity, V, foldhash::fast::RandomState>;

/// A borrowed [`Identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityRef<'a> {
    /// The API.
    pub api: &'a str,
    /// The provider.
    pub provider: Option<&'a str>,
    /// The client application.
    pub client_id: &'a str,
}

impl Identity {
    /// This identity, borrowed.
    pub fn as_ref(&self) -> IdentityRef<'_> {
        IdentityRef { api: &self.api, provider: self.provider.as_deref(), client_id: &self.client_id }
    }
}

impl IdentityRef<'_> {
    /// An identity of its own.
    pub fn to_identity(self) -> Identity {
        Identity { api: self.api.into(), provider: self.provider.map(Into::into), client_id: self.client_id.into() }
    }
}

// Field by field in the order of `Identity`'s derived hash: the two must agree.
impl Hash for IdentityRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.api.hash(state);
        self.provider.hash(state);
        self.client_id.hash(state);
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
}
