//! What a test sees of a worker's streams and callouts, and what it starts one with.

use super::headers::Headers;
use proxy_wasm::types::LogLevel;
use std::time::Duration;

/// The plugin's settings as Envoy's configuration gives them.
#[derive(Clone, Debug, Default)]
pub struct Plugin {
    pub name: String,
    pub root_id: String,
    pub vm_id: String,
    pub vm_configuration: Vec<u8>,
    pub configuration: Vec<u8>,
    /// Whether `StopIteration` on headers holds back the headers only, and the rest takes them along.
    pub allow_on_headers_stop_iteration: bool,
}

impl Plugin {
    /// A plugin named `tessera` with this configuration and everything else empty.
    pub fn new(configuration: &str) -> Self {
        Self { name: "tessera".to_owned(), configuration: configuration.as_bytes().to_vec(), ..Self::default() }
    }
}

/// The module said no to its configuration.
#[derive(Debug)]
pub struct Refused {
    pub logs: Vec<(LogLevel, String)>,
}

/// One request's stream, by its context id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The filter holds it.
    Paused,
    /// It went on to the upstream, with these request headers.
    Continued(Headers),
    /// The filter answered.
    Replied(Reply),
    /// The caller hung up, or the filter reset it, before either.
    Closed,
}

impl Outcome {
    /// The filter's reply.
    #[track_caller]
    pub fn reply(&self) -> &Reply {
        match self {
            Self::Replied(reply) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    /// The headers that the upstream gets.
    #[track_caller]
    pub fn upstream(&self) -> &Headers {
        match self {
            Self::Continued(headers) => headers,
            other => panic!("not continued: {other:?}"),
        }
    }
}

/// A local reply as the filter asked for it; that to `HEAD` without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u32,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub grpc_status: Option<i32>,
    pub details: String,
}

/// A callout that the module sent.
#[derive(Clone, Debug)]
pub struct Callout {
    /// What [`Worker::answer`] and its like take.
    pub id: u32,
    pub cluster: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// Zero means none.
    pub timeout: Duration,
    pub sent_at: Duration,
    /// Whether the root was the active context. If not, the SDK drops the answer once that stream is gone.
    pub by_root: bool,
}
