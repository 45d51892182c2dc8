//! Numbered shared keys.

/// `prefix` and `number` in hexadecimal, without the machinery of `format!`: keys are made on the way of a request.
pub fn numbered(prefix: &str, number: u64) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut key = String::with_capacity(prefix.len() + 16);
    key.push_str(prefix);
    let length = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for position in (0..length).rev() {
        let digit = usize::try_from(number >> (4 * position) & 0xf).unwrap_or_default();
        key.push(DIGITS.get(digit).copied().unwrap_or_default());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_written_as_format_writes_it(number in prop_oneof![any::<u64>(), 0..300_u64]) {
            prop_assert_eq!(numbered("p/", number), format!("p/{number:x}"));
        }
    }
}
