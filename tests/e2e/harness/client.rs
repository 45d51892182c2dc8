//! An HTTP/1.1 client that sends exactly the bytes a test wants and shows exactly what comes back.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::harness::message::{self, Headers};

/// Less than the time limit of a call, where a test has a long one: nobody is answered by that.
const PATIENCE: Duration = Duration::from_secs(50);

/// A request to be written; nothing is added but `host` (unless given) and `content-length` for a body.
#[derive(Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// One more line; the name's case and the value's bytes are sent as they stand.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it to this port of 127.0.0.1 on a connection of its own.
    #[track_caller]
    pub fn send(&self, port: u16) -> Response {
        self.try_send(port).unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.target))
    }

    pub fn try_send(&self, port: u16) -> io::Result<Response> {
        let mut connection = Connection::open(port)?;
        // A server may refuse before it has read the body and close; its answer counts all the same.
        let written = connection.write(&self.encode());
        let answer = if self.method == "HEAD" { connection.read_bodiless() } else { connection.read_response() };
        answer.or_else(|error| written.and(Err(error)))
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            line("host", b"api.example.com");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !self.body.is_empty() {
            line("content-length", self.body.len().to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.encode();
        write!(out, "\"{}\"", head[..head.len() - self.body.len()].escape_ascii())
    }
}

/// A connection kept open over several requests; dropping it hangs up.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Of an answer whose body does not matter; nothing can be read after it.
    pub fn read_status(&mut self) -> io::Result<u16> {
        self.read_head().map(|(status, _)| status)
    }

    fn read_head(&mut self) -> io::Result<(u16, Headers)> {
        let (start, headers) = message::read_head(&mut self.reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = start.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        Ok((status, headers))
    }

    pub fn read_response(&mut self) -> io::Result<Response> {
        let (status, headers) = self.read_head()?;
        let body = if matches!(status, 204 | 304) {
            Vec::new()
        } else {
            message::read_body(&mut self.reader, &headers, true)?
        };
        Ok(Response { status, headers, body, trailers: Headers::default() })
    }

    /// An answer to `HEAD`, whatever it says of a body.
    fn read_bodiless(&mut self) -> io::Result<Response> {
        let (status, headers) = self.read_head()?;
        let mut body = Vec::new();
        // On a connection of its own, which is closed behind what must be the end.
        self.reader.get_mut().shutdown(Shutdown::Write)?;
        self.reader.read_to_end(&mut body)?;
        Ok(Response { status, headers, body, trailers: Headers::default() })
    }

    #[track_caller]
    pub fn send(&mut self, request: &Request) -> Response {
        self.write(&request.encode()).expect("write the request");
        self.read_response().expect("read the response")
    }
}

#[derive(Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// HTTP/2 only.
    pub trailers: Headers,
}

impl fmt::Debug for Response {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:?} \"{}\" {:?}", self.status, self.headers, self.body.escape_ascii(), self.trailers)
    }
}

impl Response {
    /// Nothing more comes on its connection.
    pub fn closes(&self) -> bool {
        message::closes(&self.headers)
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.only(name)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// From the headers (a trailers-only answer) or the trailers.
    #[track_caller]
    pub fn grpc_status(&self) -> Option<u32> {
        let status = self.headers.only("grpc-status").or_else(|| self.trailers.only("grpc-status"))?;
        Some(status.parse().expect("a number"))
    }
}
