//! HTTP calls out and their answers, as plain values.

use std::time::Duration;

/// One request to an Envoy cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// Name of the Envoy cluster that reaches the server.
    pub cluster: Box<str>,
    /// Request headers, the pseudo-headers `:method`, `:path`, `:authority`, `:scheme` first.
    pub headers: Vec<(String, String)>,
    /// Request body; empty for none.
    pub body: Vec<u8>,
    /// How long Envoy waits for the whole answer.
    pub timeout: Duration,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpResult {
    /// The server answered.
    Answered(HttpAnswer),
    /// No answer: not sent, connection lost, or timed out.
    Failed,
}

/// What the server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code; 0 when the host gave none that can be read.
    pub status: u16,
    /// Response headers as they came, names in lower case, pseudo-headers left out.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, or how long it was when that is over the limit of the reader.
    pub body: Body,
}

/// An answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The whole body.
    Whole(Vec<u8>),
    /// More bytes than the reader takes; none of them were copied.
    TooLarge(usize),
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

impl HttpAnswer {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }
}
