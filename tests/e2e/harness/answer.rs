//! What a fake does with a request: an honest HTTP answer, a late one, or one of the ways to go wrong.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::gate::Gate;

/// Built up like `Answer::json(…).after(delay).held_by(&gate)`.
#[derive(Clone)]
pub struct Answer {
    delay: Duration,
    gate: Option<Gate>,
    manner: Manner,
}

#[derive(Clone)]
enum Manner {
    Whole(Response),
    /// Announces the whole body, sends half of it, then ends the connection.
    Truncated(Response),
    /// Announces the whole body, sends half of it, then says nothing more.
    Stalled(Response),
    /// Announces the whole body, sends half of it, then resets the connection.
    ResetInBody(Response),
    Reset,
    /// Keeps the connection open and says nothing.
    Silence,
    /// These bytes instead of an HTTP response, then the end of the connection.
    Bytes(Vec<u8>),
}

#[derive(Clone)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self::of(Manner::Whole(Response { status, headers: Vec::new(), body: Vec::new() }))
    }

    /// 200 with this document and its content type.
    pub fn json(document: Value) -> Self {
        Self::status(200).header("content-type", "application/json").body(document.to_string())
    }

    pub fn reset() -> Self {
        Self::of(Manner::Reset)
    }

    pub fn silence() -> Self {
        Self::of(Manner::Silence)
    }

    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(Manner::Bytes(bytes.into()))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.response().headers.push((name.into(), value.into()));
        self
    }

    /// The header, unless the answer has one of that name or is none in HTTP.
    pub fn or_header(mut self, name: &str, value: &str) -> Self {
        let (Manner::Whole(response)
        | Manner::Truncated(response)
        | Manner::Stalled(response)
        | Manner::ResetInBody(response)) = &mut self.manner
        else {
            return self;
        };
        if !response.headers.iter().any(|(given, _)| given == name) {
            response.headers.push((name.into(), value.into()));
        }
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.response().body = body.into();
        self
    }

    /// Cut off in the middle of the body by an orderly close.
    pub fn truncated(mut self) -> Self {
        self.manner = Manner::Truncated(self.response().clone());
        self
    }

    /// Stops in the middle of the body and keeps the connection open.
    pub fn stalled(mut self) -> Self {
        self.manner = Manner::Stalled(self.response().clone());
        self
    }

    /// Cut off in the middle of the body by a TCP reset.
    pub fn reset_in_body(mut self) -> Self {
        self.manner = Manner::ResetInBody(self.response().clone());
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits until the test opens the gate.
    pub fn held_by(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Carries it out; `ended` says that the server is gone.
    pub fn perform(self, stream: &mut TcpStream, ended: impl Fn() -> bool) -> io::Result<Next> {
        thread::sleep(self.delay);
        if self.gate.is_some_and(|gate| !gate.pass(ended)) {
            return Ok(Next::Close);
        }
        self.manner.perform(stream)
    }

    fn of(manner: Manner) -> Self {
        Self { delay: Duration::ZERO, gate: None, manner }
    }

    fn response(&mut self) -> &mut Response {
        match &mut self.manner {
            Manner::Whole(response)
            | Manner::Truncated(response)
            | Manner::Stalled(response)
            | Manner::ResetInBody(response) => response,
            _ => panic!("this answer has no headers or body"),
        }
    }
}

/// What becomes of the connection after an answer.
pub enum Next {
    Request,
    Close,
    Reset,
}

impl Manner {
    fn perform(self, stream: &mut TcpStream) -> io::Result<Next> {
        match self {
            Manner::Whole(response) => {
                stream.write_all(&response.encode(response.body.len()))?;
                return Ok(Next::Request);
            }
            Manner::Truncated(response) => stream.write_all(&response.encode(response.body.len() / 2))?,
            Manner::Stalled(response) => {
                stream.write_all(&response.encode(response.body.len() / 2))?;
                let _ = stream.read(&mut [0])?;
            }
            Manner::ResetInBody(response) => {
                stream.write_all(&response.encode(response.body.len() / 2))?;
                return Ok(Next::Reset);
            }
            Manner::Reset => return Ok(Next::Reset),
            Manner::Silence => {
                // Until the peer gives up or the server is dropped.
                let _ = stream.read(&mut [0])?;
            }
            Manner::Bytes(bytes) => stream.write_all(&bytes)?,
        }
        Ok(Next::Close)
    }
}

impl Response {
    /// The whole head, announcing the whole body, and the first `sent` bytes of it.
    fn encode(&self, sent: usize) -> Vec<u8> {
        let mut message = format!("HTTP/1.1 {} Scripted\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            message.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        // RFC 9110 section 8.6: these two never carry a body, so neither its length.
        if !matches!(self.status, 204 | 304) {
            message.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(&self.body[..sent]);
        message
    }
}
