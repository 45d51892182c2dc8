//! Messages of Protocol Buffers: fields as they come, whatever they mean.

use super::wire;

/// Adds a field of bytes or text.
pub fn put_bytes(message: &mut Vec<u8>, number: u8, value: &[u8]) {
    wire::put_varint(message, u64::from(number) << 3 | 2);
    wire::put_bytes(message, value);
}

/// One field's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32,
}

/// The fields of a message, each with its number; `None` and then nothing more where the bytes are not a message.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Content<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Content<'a>)> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(self.take(8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Content::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Content::Fixed32)?,
            _ => return None,
        };
        Some((tag >> 3, content))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_it_was_put() {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, b"sha256");
        put_bytes(&mut message, 4, &[7; 300]);
        let fields: Option<Vec<_>> = Fields(&message).collect();
        assert_eq!(fields, Some(vec![(1, Content::Bytes(b"sha256")), (4, Content::Bytes(&[7; 300]))]));
    }

    #[test]
    fn a_message_that_breaks_off_ends_with_nothing() {
        for message in [b"\x08".as_slice(), b"\x08\x01\x12", b"\x12\x02a", b"\x0b", b"\x80"] {
            let fields: Option<Vec<_>> = Fields(message).collect();
            assert_eq!(fields, None, "{message:?}");
        }
    }
}
