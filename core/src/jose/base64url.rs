//! Base64url as JOSE has it (RFC 7515 §2): without padding, each text in one form only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The bytes; `None` also when the text is padded, or has bits behind the last byte.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_has_one_form() {
        assert_eq!(decode("AQAB"), Some(vec![1, 0, 1]));
        assert_eq!(decode("_-8"), Some(vec![255, 239]));
        assert_eq!(decode(""), Some(Vec::new()));
        for other in ["AQA=", "AQ==", "AR", "AQB", "A", "+/8", "A B", "AQ\n", "AQAB.", "é"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_encoded_to_the_same(text in "[A-Za-z0-9_=-]{0,9}", bytes: Vec<u8>) {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
