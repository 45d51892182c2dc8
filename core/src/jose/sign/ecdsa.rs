//! ECDSA signatures: from DER, as hosts make them, to the two numbers side by side, as JWS has them (RFC 7518 §3.4).

use crate::jose::curve::EcCurve;
use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};

/// `None` when it is not DER of two numbers that fit the curve.
pub(super) fn joined(signature: &[u8], curve: EcCurve) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(signature).ok()?;
    let numbers = reader.sequence(|inner| Ok::<_, der::Error>([UintRef::decode(inner)?, UintRef::decode(inner)?]));
    let numbers = numbers.ok()?;
    reader.finish().ok()?;
    let size = curve.size();
    let mut joined = Vec::with_capacity(2 * size);
    for number in numbers {
        let number = number.as_bytes();
        let missing = size.checked_sub(number.len())?;
        if number.iter().all(|byte| *byte == 0) {
            return None;
        }
        joined.resize(joined.len() + missing, 0);
        joined.extend_from_slice(number);
    }
    Some(joined)
}
