//! The one codec for bytes in shared data and in messages between workers: written compactly, read as untrusted input.
//!
//! Numbers of a fixed width are little-endian, and a time is its milliseconds since the Unix epoch in a `u64`. A varint
//! is LEB128 in its shortest form. Bytes and text come after their length, the elements of a list after their number,
//! both as a varint. Nothing is allocated for what a length claims, only for what is there.

use std::fmt;

use super::time::Timestamp;

/// Bytes that were not written by this version of the layout that they are read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes do not have the expected layout")
    }
}

/// Takes values from the front of a byte string; [`Malformed`] where it does not contain them.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// # Errors
    /// [`Malformed`] when something has not been read.
    pub fn finish(self) -> Result<(), Malformed> {
        self.0.is_empty().then_some(()).ok_or(Malformed)
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| *byte)
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    pub fn time(&mut self) -> Result<Timestamp, Malformed> {
        self.u64().map(Timestamp::from_millis)
    }

    /// LEB128. Its last byte is not 0, unless it is the only one.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if byte < 0x80 {
                let is_shortest = byte > 0 || shift == 0;
                let fits = number >> shift == bits;
                return (is_shortest && fits).then_some(number).ok_or(Malformed);
            }
        }
        Err(Malformed)
    }

    /// As many bytes as the type says.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (found, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(found)
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        let (found, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(found)
    }

    /// A length and that many bytes of UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// A number and that many elements, each of which takes at least one byte.
    pub fn list<T>(&mut self, element: impl Fn(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let length = self.length()?;
        if length > self.0.len() {
            return Err(Malformed);
        }
        (0..length).map(|_| element(self)).collect()
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        self.varint()?.try_into().map_err(|_| Malformed)
    }
}

pub fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_u64(out, time.as_millis());
}

pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

pub fn put_list<T>(out: &mut Vec<u8>, list: &[T], element: impl Fn(&mut Vec<u8>, &T)) {
    put_varint(out, list.len() as u64);
    for one in list {
        element(out, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            number in prop_oneof![any::<u64>(), 0..300_u64, Just(u64::MAX)],
            time: u64,
            texts: Vec<String>,
            after: Vec<u8>,
        ) {
            let time = Timestamp::from_millis(time);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            put_u64(&mut bytes, number);
            put_time(&mut bytes, time);
            put_list(&mut bytes, &texts, |out, text| put_text(out, text));
            bytes.extend_from_slice(&after);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!((reader.varint(), reader.u64(), reader.time()), (Ok(number), Ok(number), Ok(time)));
            prop_assert_eq!(reader.list(|reader| reader.text().map(String::from)), Ok(texts));
            prop_assert_eq!(reader.rest(), &after);
            prop_assert_eq!(reader.finish().is_ok(), after.is_empty());
        }

        /// One number, one spelling: two workers never disagree about what bytes mean.
        #[test]
        fn a_varint_that_is_read_is_the_one_that_is_written(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Ok(number) = reader.varint() {
                let mut written = Vec::new();
                put_varint(&mut written, number);
                prop_assert_eq!(&[&written, reader.rest()].concat(), &bytes);
            }
        }
    }

    #[test]
    fn numbers_are_little_endian_and_of_their_width() {
        let bytes = [1, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0];
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.u8(), reader.u16(), reader.u64()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!((reader.u8(), reader.u16(), reader.u64()), (Err(Malformed), Err(Malformed), Err(Malformed)));
    }

    #[test]
    fn lengths_that_lie_are_noticed() {
        let lies: [&[u8]; 4] = [&[5, 1, 2], &[0x80, 0], &[0xff; 12], &[2]];
        for bytes in lies {
            assert_eq!(Reader::new(bytes).bytes(), Err(Malformed), "{bytes:?}");
            assert_eq!(Reader::new(bytes).list(Reader::text), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[0x80]).varint(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint(), Err(Malformed));
        assert_eq!(Reader::new(&[2, 0xff, 0xff]).text(), Err(Malformed));
    }
}
