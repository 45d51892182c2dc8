//! The certificate that a client has authenticated with in TLS (RFC 8705 §3), by its SHA-256.

use crate::base::fields::FieldReader;
use crate::token::confirmation::Thumbprint;

/// Who says which certificate the client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateSource {
    /// The host, of the connection that the request came on.
    #[default]
    Connection,
    /// A proxy before it, in `x-forwarded-client-cert`.
    Forwarded,
}

/// As the host gives it: hexadecimal digits.
pub fn digest(hex: &[u8]) -> Option<Thumbprint> {
    let (pairs, []) = hex.as_chunks::<2>() else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    bytes?.try_into().ok()
}

/// The `Hash` of the first element of `x-forwarded-client-cert`, which is what the outermost proxy saw. More than one
/// line, or a line that could be read in two ways, tells nothing.
pub fn forwarded<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<Thumbprint> {
    let mut reader = FieldReader::new(lines.next()?);
    if lines.next().is_some() {
        return None;
    }
    let first = element(&mut reader)?;
    while reader.take(b',') {
        reader.space();
        element(&mut reader)?;
    }
    first
}

/// Reads one element, up to the comma behind it or the end: pairs of a name and a value, each value plain or quoted.
/// Its `Hash`, if it has one; `None` when it has no such form, or has two.
fn element(reader: &mut FieldReader<'_>) -> Option<Option<Thumbprint>> {
    let mut hash = None;
    loop {
        let name = reader.token()?;
        if !reader.take(b'=') {
            return None;
        }
        let value = match reader.starts_with(b'"') {
            true => reader.quoted_string()?,
            false => reader.take_while(|byte| !matches!(byte, b';' | b',' | b'"')).to_vec(),
        };
        if name.eq_ignore_ascii_case(b"Hash") && hash.replace(digest(&value)?).is_some() {
            return None;
        }
        if !reader.take(b';') {
            return reader.ends_element().then_some(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AA: &str = "aAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const BB: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn of(lines: &[&str]) -> Option<u8> {
        let found = forwarded(lines.iter().map(|line| line.as_bytes()))?;
        assert!(found.iter().all(|byte| *byte == found[0]));
        Some(found[0])
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits_in_any_case() {
        assert_eq!(digest(AA.as_bytes()), Some([0xaa; 32]));
        for other in ["", &AA[1..], &AA[2..], &format!("{AA}aa"), &format!("g{}", &AA[1..]), &format!("+{}", &AA[1..])]
        {
            assert_eq!(digest(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_first_element_counts() {
        for line in [
            format!("Hash={AA}"),
            format!("hash={AA}"),
            format!("HASH=\"{AA}\""),
            format!("By=spiffe://a/b;Hash={AA};Subject=\"CN=x, O=\\\"y;z\\\"\";URI=spiffe://c/d;DNS=a.b"),
            format!("Hash={AA};By=,By=x;Hash={BB}"),
            format!("Hash={AA}, Hash={BB}"),
            format!("Subject=\",Hash={BB}\";Hash={AA},By=x"),
            format!("Subject=\"\\\";Hash={BB}\";Hash={AA}"),
        ] {
            assert_eq!(of(&[&line]), Some(0xaa), "{line}");
        }
    }

    #[test]
    fn what_is_missing_repeated_or_torn_tells_nothing() {
        let both = format!("Hash={AA}");
        for lines in [
            &[][..],
            &[&*both, &*both],
            &[""],
            &["By=x"],
            &[&*format!("By=x,Hash={AA}")],
            &[&*format!("Hash={AA};Hash={AA}")],
            &[&*format!("Hash={AA};hash={BB}")],
            &[&*format!("Hash={AA};")],
            &[&*format!("Hash={AA},")],
            &[&*format!(",Hash={AA}")],
            &[&*format!(";Hash={AA}")],
            &[&*format!("Hash= {AA}")],
            &[&*format!("Hash={AA}x")],
            &[&*format!("Hash={AA};Subject=\"a")],
            &[&*format!("Hash={AA};Subject=\"a\"b")],
            &[&*format!("Hash={AA};Subject=a\"b\"")],
            &[&*format!("Hash={AA};Subject")],
            &[&*format!("Hash={AA};=x")],
            &[&*format!("Hash={AA},Hash={BB};x")],
            &[&*format!("Hash={AA},Hash=bb")],
        ] {
            assert_eq!(of(lines), None, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(line: Vec<u8>, close in "(Hash=|[a-f0-9]{64}|By=|[\",;\\\\ =]){0,12}") {
            forwarded(std::iter::once(&*line));
            forwarded(std::iter::once(close.as_bytes()));
            digest(&line);
        }
    }
}
