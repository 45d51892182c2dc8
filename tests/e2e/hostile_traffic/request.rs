//! A hostile request, and how it is written over each protocol.

use std::fmt;

use crate::harness::http2_frames::{Field, field};

/// The header by which an arrival is known again.
pub const NUMBER: &str = "x-number";

/// One request as it is sent.
#[derive(Clone)]
pub struct Sent {
    pub number: usize,
    pub http2: bool,
    pub method: String,
    pub target: Vec<u8>,
    pub host: Vec<u8>,
    pub fields: Vec<Field>,
    pub body: Option<Vec<u8>>,
    /// Only with a body.
    pub trailers: Vec<Field>,
    /// Nothing was bent: it has to pass.
    pub is_good: bool,
}

impl fmt::Debug for Sent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.http2 { "HTTP/2" } else { "HTTP/1" };
        let (target, host) = (self.target.escape_ascii(), self.host.escape_ascii());
        write!(out, "{protocol} {} {target} at {host}", self.method)?;
        let mut line = |mark: &str, (name, value): &Field| {
            let shown = value[..value.len().min(200)].escape_ascii();
            write!(out, "{mark}{}: {shown}", name.escape_ascii())
        };
        self.fields.iter().try_for_each(|field| line(" | ", field))?;
        self.trailers.iter().try_for_each(|field| line(" || ", field))?;
        write!(out, " {:?}", self.body.as_ref().map(Vec::len))
    }
}

impl Sent {
    /// Behind what its query holds already.
    pub fn add_query(&mut self, parameters: &str) {
        self.target.push(if self.target.contains(&b'?') { b'&' } else { b'?' });
        self.target.extend_from_slice(parameters.as_bytes());
    }

    pub fn http1(&self) -> Vec<u8> {
        let mut bytes = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        let mut line = |name: &[u8], value: &[u8]| bytes.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
        line(b"host", &self.host);
        self.fields.iter().for_each(|(name, value)| line(name, value));
        match &self.body {
            None => bytes.extend_from_slice(b"\r\n"),
            Some(body) if self.trailers.is_empty() => {
                line(b"content-length", body.len().to_string().as_bytes());
                bytes.extend_from_slice(b"\r\n");
                bytes.extend_from_slice(body);
            }
            Some(body) => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for piece in body.chunks(1000) {
                    bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    bytes.extend_from_slice(&[piece, b"\r\n"].concat());
                }
                bytes.extend_from_slice(b"0\r\n");
                for (name, value) in &self.trailers {
                    bytes.extend_from_slice(&[name, &b": "[..], value, b"\r\n"].concat());
                }
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes
    }

    /// The block of headers for HTTP/2.
    pub fn http2(&self) -> Vec<Field> {
        let pseudo = [
            field(":method", &self.method),
            field(":scheme", "http"),
            field(":authority", &self.host),
            field(":path", &self.target),
        ];
        pseudo.into_iter().chain(self.fields.clone()).collect()
    }
}
