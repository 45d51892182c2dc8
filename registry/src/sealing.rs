//! Sealing of secrets at rest: XChaCha20-Poly1305, with the keys of the configuration.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};

use crate::use_case::ports::{Randomness, Sealing};

const NONCE_BYTES: usize = 24;

/// The first key seals, all open. What is sealed is `<key id>.<nonce and ciphertext, base64url>`.
pub struct SealingKeys {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl SealingKeys {
    /// `None` without a key: what is sealed could not be opened.
    pub fn new(keys: impl IntoIterator<Item = (String, [u8; 32])>) -> Option<Self> {
        let keys: Vec<_> = keys.into_iter().map(|(id, key)| (id, XChaCha20Poly1305::new(&key.into()))).collect();
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// Whether the first key sealed it.
    pub fn is_current(&self, sealed: &str) -> bool {
        let first = self.keys.first().map(|(id, _)| id.as_str());
        sealed.split_once('.').map(|(id, _)| id) == first
    }
}

impl Sealing for SealingKeys {
    fn seal(&self, plain: &[u8], associated: &str, randomness: &dyn Randomness) -> String {
        let Some((id, key)) = self.keys.first() else { return String::new() };
        let mut nonce = [0; NONCE_BYTES];
        randomness.fill(&mut nonce);
        // It fails for more than 256 GiB only; what then is empty opens to nothing.
        let Ok(sealed) = key.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: associated.as_bytes() }) else {
            return String::new();
        };
        format!("{id}.{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    fn open(&self, sealed: &str, associated: &str) -> Option<Vec<u8>> {
        let (id, sealed) = sealed.split_once('.')?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        key.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: associated.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Time;

    struct Zeros;

    impl Randomness for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }

        fn id(&self, _: Time) -> String {
            String::new()
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = SealingKeys::new([("old".to_owned(), [1; 32])]).unwrap();
        let both = SealingKeys::new([("new".to_owned(), [2; 32]), ("old".to_owned(), [1; 32])]).unwrap();
        let sealed = old.seal(b"s3cret", "row", &Zeros);
        assert!(sealed.starts_with("old.") && !sealed.contains("s3cret"));
        assert_eq!(both.open(&sealed, "row").as_deref(), Some(b"s3cret".as_slice()));
        assert!(!both.is_current(&sealed) && both.is_current(&both.seal(b"", "row", &Zeros)));
        assert_eq!(old.open(&both.seal(b"s3cret", "row", &Zeros), "row"), None);
        assert!(SealingKeys::new([]).is_none());
    }

    #[test]
    fn it_opens_only_unchanged_and_in_its_row() {
        let keys = SealingKeys::new([("k".to_owned(), [1; 32])]).unwrap();
        let sealed = keys.seal(b"s3cret", "row", &Zeros);
        let changed = sealed.replacen("k.A", "k.B", 1);
        assert_ne!(changed, sealed);
        for (text, row) in [(sealed.as_str(), "other"), (&changed, "row"), ("k.", "row"), ("", "row"), ("k.!", "row")] {
            assert_eq!(keys.open(text, row), None, "{text} {row}");
        }
    }
}
