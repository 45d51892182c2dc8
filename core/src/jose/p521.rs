//! P-521, as far as a key is checked: signatures with it are verified by the host.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

const SIZE: usize = 66;
/// 2^521 - 1.
const PRIME: [u8; SIZE] = {
    let mut prime = [0xff; SIZE];
    prime[0] = 1;
    prime
};
/// The constant of its equation (FIPS 186-4 §D.1.2.5).
const B: [u8; SIZE] = [
    0x00, 0x51, 0x95, 0x3e, 0xb9, 0x61, 0x8e, 0x1c, 0x9a, 0x1f, 0x92, 0x9a, 0x21, 0xa0, 0xb6, 0x85, 0x40, 0xee, 0xa2,
    0xda, 0x72, 0x5b, 0x99, 0xb3, 0x15, 0xf3, 0xb8, 0xb4, 0x89, 0x91, 0x8e, 0xf1, 0x09, 0xe1, 0x56, 0x19, 0x39, 0x51,
    0xec, 0x7e, 0x93, 0x7b, 0x16, 0x52, 0xc0, 0xbd, 0x3b, 0xb1, 0xbf, 0x07, 0x35, 0x73, 0xdf, 0x88, 0x3d, 0x2c, 0x34,
    0xf1, 0xef, 0x45, 0x1f, 0xd4, 0x6b, 0x50, 0x3f, 0x00,
];

/// Whether y² = x³ - 3x + b, for coordinates of the curve's size.
pub(super) fn is_point(x: &[u8], y: &[u8]) -> bool {
    if x >= &PRIME[..] || y >= &PRIME[..] {
        return false;
    }
    let Some(prime) = Odd::new(BoxedUint::from_be_slice_vartime(&PRIME)).into_option() else { return false };
    let params = BoxedMontyParams::new(prime);
    let number = |bytes| BoxedMontyForm::new(BoxedUint::from_be_slice_vartime(bytes), &params);
    let (x, y, b) = (number(x), number(y), number(&B));
    let three_x = &x.double() + &x;
    &y.square() + &three_x == &(&x.square() * &x) + &b
}
