//! The name of a token in shared data, from which the token cannot be learned.

use hmac_sha256::Hash;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// Keeps these digests apart from every other use of SHA-256, and from other versions of this one.
const DOMAIN: &[u8] = b"tessera known token 1\0";

/// SHA-256 over the provider that was asked and the exact token.
///
/// The provider's length is part of the input: no two pairs share their bytes.
pub fn token_digest(provider: &str, token: &[u8]) -> Digest {
    let mut hash = Hash::new();
    hash.update(DOMAIN);
    hash.update((provider.len() as u64).to_le_bytes());
    hash.update(provider.as_bytes());
    hash.update(token);
    hash.finalize()
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
    }

    #[test]
    fn is_not_the_bare_digest_of_the_token() {
        assert_ne!(token_digest("", b"token"), Hash::hash(b"token"));
    }
}
