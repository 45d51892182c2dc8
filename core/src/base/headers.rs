//! The headers of a message, as the host passes them in and takes them back.

use crate::port::{HostFailure, RequestHead};

/// A byte of a header's name as CGI has it, and with it WSGI, Rack and PHP, which write each separator as `_`; here as
/// `-`.
#[inline]
pub fn fold_separator(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// Whether two (lower-case) names differ, but become the same in CGI.
#[inline]
pub fn is_twin(name: &[u8], other: &[u8]) -> bool {
    let fold = |byte: &u8| fold_separator(*byte);
    name.len() == other.len() && name != other && name.iter().map(fold).eq(other.iter().map(fold))
}

/// Headers as the Proxy-Wasm ABI serializes them, read in place: the number of lines, the sizes of each name and value,
/// then names and values, each with a NUL behind it. Numbers are little-endian and of 32 bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<u8>);

impl HeaderMap {
    pub const NONE: &[u8] = &[0; 4];

    /// Takes the host's bytes; none at all are a map without lines.
    ///
    /// # Errors
    /// [`HostFailure`] when they hold less, or more, than they announce: a line that is not seen would not be judged.
    pub fn new(serialized: Vec<u8>) -> Result<Self, HostFailure> {
        let map = Self(serialized);
        let mut lines = map.iter();
        while lines.next().is_some() {}
        (lines.sizes.is_empty() && lines.rest.is_empty()).then_some(map).ok_or(HostFailure)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    #[inline]
    pub fn iter(&self) -> Lines<'_> {
        let split = self.0.split_first_chunk::<4>().and_then(|(count, rest)| {
            let sizes = (u32::from_le_bytes(*count) as usize).checked_mul(8)?;
            rest.split_at_checked(sizes)
        });
        let (sizes, rest) = split.unwrap_or((&[], &self.0));
        Lines { sizes, rest }
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for HeaderMap {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(lines: T) -> Self {
        let (mut count, mut sizes, mut texts) = (0_u32, Vec::new(), Vec::new());
        for (name, value) in lines {
            count += 1;
            for text in [name.as_ref(), value.as_ref()] {
                sizes.extend_from_slice(&(text.len() as u32).to_le_bytes());
                texts.extend_from_slice(text);
                texts.push(0);
            }
        }
        Self([&count.to_le_bytes()[..], &sizes, &texts].concat())
    }
}

impl RequestHead for HeaderMap {
    #[inline]
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    #[inline]
    fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(|(name, _)| name)
    }
}

/// See [`HeaderMap::iter`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    sizes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    #[inline]
    fn text(&mut self) -> Option<&'a [u8]> {
        let (size, sizes) = self.sizes.split_first_chunk::<4>()?;
        let (text, rest) = self.rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
        (self.sizes, self.rest) = (sizes, rest.get(1..)?);
        Some(text)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.text()?, self.text()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_of_one_name_are_told_apart_and_joined() {
        let map: HeaderMap = [("cookie", "a=1"), ("x", ""), ("cookie", "b=2"), (":path", "/")].into_iter().collect();
        assert_eq!(map.lines("cookie").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
        assert_eq!(map.joined("cookie").as_deref(), Some(&b"a=1,b=2"[..]));
        assert_eq!((map.first("x"), map.first("y")), (Some(&b""[..]), None));
        assert_eq!((map.joined(":path").as_deref(), map.joined("y")), (Some(&b"/"[..]), None));
        assert_eq!(map.names().collect::<Vec<_>>(), [&b"cookie"[..], b"x", b"cookie", b":path"]);
    }

    proptest! {
        #[test]
        fn what_is_serialized_is_read(lines: Vec<(Vec<u8>, Vec<u8>)>) {
            let map: HeaderMap = lines.iter().map(|(name, value)| (name, value)).collect();
            let read: Vec<_> = map.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(read, lines);
        }

        #[test]
        fn any_bytes_are_read_whole_or_not_at_all(bytes: Vec<u8>) {
            if let Ok(map) = HeaderMap::new(bytes.clone()) {
                let again: HeaderMap = map.iter().collect();
                prop_assert!(again.0.len() == bytes.len() || bytes.is_empty());
            }
        }

        #[test]
        fn a_torn_or_padded_map_is_a_failure(lines: Vec<(Vec<u8>, Vec<u8>)>, keep: prop::sample::Index) {
            let map: HeaderMap = lines.iter().map(|(name, value)| (name, value)).collect();
            let torn = map.0.get(..keep.index(map.0.len())).unwrap();
            prop_assert!(torn.is_empty() || HeaderMap::new(torn.to_vec()) == Err(HostFailure));
            prop_assert_eq!(HeaderMap::new([&map.0[..], b"x"].concat()), Err(HostFailure));
            prop_assert_eq!(HeaderMap::new(map.0.clone()), Ok(map));
        }
    }
}
