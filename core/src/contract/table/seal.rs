//! The checksum of values in shared data, against what other versions or accidents have left there.

use crate::base::hash::SipHash;

/// Version of everything written here. Part of the keys, and first byte of each value.
pub(crate) const FORMAT: u8 = 3;

/// Puts the checksum of all that is in `to` behind it.
pub(crate) fn seal(to: &mut Vec<u8>) {
    let sum = checksum(to);
    to.extend_from_slice(&sum.to_le_bytes());
}

/// What [`seal`] was applied to; `None` when the checksum does not match.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk::<8>()?;
    (checksum(content) == u64::from_le_bytes(*sum)).then_some(content)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = SipHash::new(0);
    hash.write(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_changed_byte_breaks_the_seal(mut bytes: Vec<u8>, at: prop::sample::Index, flip in 1u8..) {
            seal(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(unseal(&bytes), None);
        }
    }
}
