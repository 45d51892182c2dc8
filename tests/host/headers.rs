//! Header lines as Envoy keeps them: lower-case names, arbitrary bytes, some names merged on arrival.

/// Names that Envoy stores in a single slot, so that a second line is appended to the first with a comma.
/// (`:method` and its like are here for completeness: a codec refuses them twice.)
const MERGED: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    ":status",
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "keep-alive",
    "origin",
    "pragma",
    "proxy-connection",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// Header lines in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// The lines as Envoy holds them after the codec has read them.
    pub fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(lines: &[(N, V)]) -> Self {
        let mut headers = Self::default();
        for (name, value) in lines {
            headers.add(&lower(name.as_ref()), value.as_ref());
        }
        headers
    }

    /// The value of the first line of that name, as the getter hostcall returns it.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.lines(name).next()
    }

    /// As [`Headers::get`], for values that are text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|value| std::str::from_utf8(value).expect("a header value that is UTF-8"))
    }

    /// Every line of that name.
    pub fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let name = lower(name.as_bytes());
        self.0.iter().filter(move |line| line.0 == name).map(|line| line.1.as_slice())
    }

    /// Every line, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Adds a line; a name that Envoy keeps once gets the value appended.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let name = match name.to_ascii_lowercase().as_str() {
            "host" => ":authority".to_owned(),
            other => other.to_owned(),
        };
        let slot = self.0.iter_mut().find(|line| MERGED.contains(&name.as_str()) && line.0 == name);
        match slot {
            Some(line) => {
                line.1.push(b',');
                line.1.extend_from_slice(value);
            }
            None => self.0.push((name, value.to_vec())),
        }
    }

    /// Replaces every line of that name by one.
    pub fn replace(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes every line of that name.
    pub fn remove(&mut self, name: &str) {
        let name = lower(name.as_bytes());
        self.0.retain(|line| line.0 != name);
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The lines in the ABI's form: count, sizes, then NUL-terminated names and values.
    pub(super) fn serialize(&self) -> Vec<u8> {
        let size = |length: usize| u32::try_from(length).expect("a size that fits").to_le_bytes();
        let mut bytes = size(self.0.len()).to_vec();
        for (name, value) in &self.0 {
            bytes.extend(size(name.len()));
            bytes.extend(size(value.len()));
        }
        for (name, value) in &self.0 {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(value);
            bytes.push(0);
        }
        bytes
    }

    /// Reads the ABI's form; `None` if it is torn.
    pub(super) fn deserialize(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let count = number(0)?;
        let mut at = 4 + count * 8;
        let mut take = |length: usize| {
            let part = bytes.get(at..at + length);
            at += length + 1;
            part
        };
        let mut headers = Self::default();
        for index in 0..count {
            let name = take(number(4 + index * 8)?)?;
            let value = take(number(8 + index * 8)?)?;
            headers.add(&lower(name), value);
        }
        Some(headers)
    }
}

fn lower(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    if name == "host" { ":authority".to_owned() } else { name }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.0.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)));
        f.debug_map().entries(lines).finish()
    }
}
