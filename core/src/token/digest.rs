//! The name of a token in shared data, which does not reveal the token.

use hmac_sha256::Hash;
use std::fmt;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// Keeps these digests apart from every other use of SHA-256, and from other versions of this one.
const DOMAIN: &[u8] = b"tessera known token 2\0";

/// Bytes that SHA-256 takes at a time.
const BLOCK: usize = 64;

/// Names the tokens that one provider is asked about.
///
/// A name is the SHA-256 digest of a head and the exact token. The head fills whole blocks and is hashed once, so that
/// an opaque token costs one more block and no other.
#[derive(Clone)]
pub struct TokenNames(Hash);

impl TokenNames {
    /// Names of tokens at this provider, whose length is part of the head: no two pairs of provider and token share
    /// their bytes.
    pub fn new(provider: &str) -> Self {
        let mut head = [DOMAIN, &(provider.len() as u64).to_le_bytes(), provider.as_bytes()].concat();
        head.resize(head.len().next_multiple_of(BLOCK), 0);
        let mut hash = Hash::new();
        hash.update(head.as_slice());
        Self(hash)
    }

    pub fn name(&self, token: &[u8]) -> Digest {
        let mut hash = self.0;
        hash.update(token);
        hash.finalize()
    }
}

impl fmt::Debug for TokenNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenNames(…)")
    }
}

#[cfg(test)]
pub fn token_digest(provider: &str, token: &[u8]) -> Digest {
    TokenNames::new(provider).name(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_provider_and_token() {
        let digest = token_digest("main", b"token");
        assert_eq!(digest, token_digest("main", b"token"));
        assert_ne!(digest, token_digest("other", b"token"));
        assert_ne!(digest, token_digest("main", b"token2"));
    }

    #[test]
    fn the_border_between_provider_and_token_counts() {
        assert_ne!(token_digest("ab", b"c"), token_digest("a", b"bc"));
        // The head is padded with zero bytes, and may end at any position of a block.
        for length in 0..=BLOCK {
            let provider = "p".repeat(length);
            let digest = token_digest(&provider, b"\0t");
            assert_ne!(digest, token_digest(&provider, b"t"));
            assert_ne!(digest, token_digest(&format!("{provider}\0"), b"t"));
            assert_ne!(digest, token_digest(&format!("{provider}\0"), b"\0t"));
        }
    }

    #[test]
    fn is_the_digest_of_a_padded_head_and_the_token() {
        for (provider, zeros) in [("", 34), ("main", 30), (&"p".repeat(34), 0), (&"p".repeat(35), 63)] {
            let head = [b"tessera known token 2\0", &(provider.len() as u64).to_le_bytes()[..], provider.as_bytes()];
            let whole = [&head.concat()[..], &vec![0; zeros], b"token"].concat();
            assert_eq!(token_digest(provider, b"token"), Hash::hash(&whole), "{provider}");
        }
    }

    #[test]
    fn what_names_are_made_from_is_not_shown() {
        assert_eq!(format!("{:?}", TokenNames::new("main")), "TokenNames(…)");
    }

    #[test]
    fn is_not_the_bare_digest_of_the_token() {
        assert_ne!(token_digest("", b"token"), Hash::hash(b"token"));
    }
}
