//! Bytes in shared data: written compactly, read as untrusted input.

use std::hash::{DefaultHasher, Hasher};

/// Version of everything written here. Part of the keys, and first byte of each value.
pub const FORMAT: u8 = 2;

/// Takes values off the front of a byte string; `None` as soon as it does not hold them.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A number in groups of seven bits, lowest first.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let moved = bits << shift;
            if moved >> shift != bits {
                return None;
            }
            number |= moved;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A byte string with its length before it.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A text with its length before it.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// Appends a number for [`Reader::number`].
pub fn put_number(to: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Appends a byte string for [`Reader::bytes`].
pub fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_number(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// Puts the checksum of all that is in `to` behind it.
pub fn seal(to: &mut Vec<u8>) {
    let sum = checksum(to);
    to.extend_from_slice(&sum.to_le_bytes());
}

/// What [`seal`] was applied to; `None` when the checksum does not fit.
pub fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk::<8>()?;
    (checksum(content) == u64::from_le_bytes(*sum)).then_some(content)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            prop_assert_eq!(Reader(&bytes).number(), Some(number));
        }

        #[test]
        fn a_changed_byte_breaks_the_seal(mut bytes: Vec<u8>, at: prop::sample::Index, flip in 1u8..) {
            seal(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(unseal(&bytes), None);
        }
    }

    #[test]
    fn lengths_that_lie_are_noticed() {
        assert_eq!(Reader(&[5, 1, 2]).bytes(), None);
        assert_eq!(Reader(&[0xff; 12]).number(), None);
        assert_eq!(Reader(&[0x80]).number(), None);
        assert_eq!(Reader(&[2, 0xff, 0xff]).text(), None);
    }
}
