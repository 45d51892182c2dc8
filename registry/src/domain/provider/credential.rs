//! Credentials as they are given: in the clear, to be sealed at once.

use serde_json::Value;

use crate::domain::members::Reading;
use crate::domain::reader::wrong;

/// Longest credential, in bytes: a PEM key of 4096 bits has some 3,300.
const MAX_CREDENTIAL: usize = 16 << 10;

/// A secret as it is, not normalised.
pub(super) fn credential(value: &Value) -> Reading<&str> {
    match value.as_str() {
        Some(text) if (1..=MAX_CREDENTIAL).contains(&text.len()) && !text.contains('\0') => Ok(text),
        _ => wrong(format!("must be a string of 1 to {MAX_CREDENTIAL} bytes")),
    }
}

/// A secret that stands in a header (RFC 9110, 5.5), and is not blank.
pub(super) fn header_credential(value: &Value) -> Reading<&str> {
    let text = credential(value)?;
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) && text.trim() == text {
        return Ok(text);
    }
    wrong("must be printable ASCII characters, without spaces at its ends")
}

/// A secret that stands behind `Bearer` (RFC 6750, 2.1).
pub(super) fn bearer_credential(value: &Value) -> Reading<&str> {
    let text = credential(value)?;
    if text.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) {
        return Ok(text);
    }
    wrong("must be printable ASCII characters without spaces: what stands behind `Bearer`")
}
