//! The tokens that the registry gives out: a prefix and 256 bits. Only their hash is kept.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Of registry tokens.
pub const REGISTRY_PREFIX: &str = "trt_";
/// Of gateway tokens.
pub const GATEWAY_PREFIX: &str = "trg_";

/// The token with these bits.
pub fn token_of(prefix: &str, bits: [u8; 32]) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits))
}

/// What is kept of a token; `None` for a text that is no token with this prefix.
pub fn hash_of(prefix: &str, token: &str) -> Option<String> {
    let bits = URL_SAFE_NO_PAD.decode(token.strip_prefix(prefix)?).ok()?;
    (bits.len() == 32).then(|| hexadecimal(&Sha256::digest(token.as_bytes())))
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_prefix() {
        let token = token_of(GATEWAY_PREFIX, [7; 32]);
        assert_eq!(token.len(), 4 + 43);
        assert_eq!(hash_of(GATEWAY_PREFIX, &token).unwrap().len(), 64);
        for wrong in ["", "trg_", &token[..46], &format!("{token}A"), &format!("{token}=")] {
            assert_eq!(hash_of(GATEWAY_PREFIX, wrong), None, "{wrong}");
        }
        assert_eq!(hash_of(REGISTRY_PREFIX, &token), None);
    }
}
