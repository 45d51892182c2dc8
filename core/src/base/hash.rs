//! The hash for everything in shared data: SipHash-1-3, fixed, so that two versions of the module agree while one
//! drains.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Hashes bytes as they arrive. The key is a number that nobody outside can guess, or 0 to detect only accidents.
#[derive(Clone, Copy, Debug)]
pub struct SipHash(SipHasher13);

impl SipHash {
    pub fn new(key: u64) -> Self {
        Self(SipHasher13::new_with_keys(key, 0))
    }

    /// Adds these bytes. It does not matter how they are split.
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Adds this number, as eight bytes.
    pub fn write_u64(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_siphash_1_3_of_the_bytes() {
        // The test vectors of its definition (Aumasson and Bernstein, 2012), with one and three rounds.
        for (key, bytes, expected) in
            [(0, b"tessera".to_vec(), 0x2981_b02a_61f9_1e66), (7, (0..64).collect(), 0x5024_8b1c_026a_d1fe)]
        {
            let mut hash = SipHash::new(key);
            hash.write(&bytes);
            assert_eq!(hash.finish(), expected);
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_and_keys_do(bytes: Vec<u8>, at: prop::sample::Index, key: u64) {
            let (one, other) = bytes.split_at(at.index(bytes.len() + 1));
            let hashed = |key: u64, pieces: &[&[u8]]| {
                let mut hash = SipHash::new(key);
                pieces.iter().for_each(|piece| hash.write(piece));
                hash.finish()
            };
            prop_assert_eq!(hashed(key, &[one, other]), hashed(key, &[&bytes]));
            prop_assert_ne!(hashed(key, &[&bytes]), hashed(!key, &[&bytes]));
        }
    }
}
