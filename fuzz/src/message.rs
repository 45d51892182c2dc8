//! Messages as inputs have them: a first line, a line for each header, an empty line, the body.

use tessera_core::base::http::{Body, HttpAnswer};

/// The lines of a header, as they stand.
pub type Lines = Vec<(Vec<u8>, Vec<u8>)>;

pub struct Message<'a> {
    pub first: &'a [u8],
    pub lines: Lines,
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    pub fn read(input: &'a [u8]) -> Self {
        let (head, body) = match input.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => (&input[..at], &input[at + 2..]),
            None => (input, &b""[..]),
        };
        let mut rows = head.split(|byte| *byte == b'\n');
        let first = rows.next().unwrap_or_default();
        let lines = rows.filter_map(|row| {
            let colon = row.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&row[..colon], &row[colon + 1..]);
            Some((name.to_ascii_lowercase(), value.strip_prefix(b" ").unwrap_or(value).to_vec()))
        });
        Self { first, lines: lines.collect(), body }
    }

    /// As a server's answer: its first line is the status, 200 if it is none.
    pub fn answer(&self) -> HttpAnswer {
        let status = std::str::from_utf8(self.first).ok().and_then(|text| text.trim().parse().ok());
        let headers =
            self.lines.iter().map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()));
        HttpAnswer { status: status.unwrap_or(200), headers: headers.collect(), body: Body::Whole(self.body.to_vec()) }
    }
}
