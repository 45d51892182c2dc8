//! An HTTP/2 client with prior knowledge (h2c), for plain requests and ones shaped like gRPC.

use std::error::Error;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::net::TcpStream;

use crate::harness::client::Response;
use crate::harness::message::Headers;

const PATIENCE: Duration = Duration::from_secs(50);

/// A request for the authority `api.example.com`.
pub struct Http2Request {
    request: http::Request<()>,
    body: Vec<u8>,
}

impl Http2Request {
    pub fn new(method: Method, target: &str) -> Self {
        let uri = format!("http://api.example.com{target}");
        let request = http::Request::builder().method(method).uri(uri).body(()).expect("a request");
        Self { request, body: Vec::new() }
    }

    /// A unary gRPC call with an empty message, such as `/orders.Orders/List`.
    pub fn grpc(method: &str) -> Self {
        Self::new(Method::POST, method)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(vec![0; 5])
    }

    /// One more line; HTTP/2 knows lower-case names only.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = http::HeaderValue::from_bytes(value.as_ref()).expect("a header value");
        self.request.headers_mut().append(name, value);
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
    pub fn send(self, port: u16) -> Response {
        send_all(port, [self]).remove(0)
    }

    /// Sends it, resets the stream once `moment` has returned, then sends `next` on the same connection.
    #[track_caller]
    pub fn abandon(self, port: u16, moment: impl FnOnce() + Send + 'static, next: Self) -> Response {
        run(async move {
            let mut sender = connect(port).await?;
            let (_response, mut sink) = sender.send_request(self.request, false)?;
            tokio::task::spawn_blocking(moment).await?;
            sink.send_reset(h2::Reason::CANCEL);
            next.exchange(sender).await
        })
    }

    async fn exchange(self, sender: Sender) -> Result<Response, Failure> {
        let (response, mut sink) = sender.ready().await?.send_request(self.request, self.body.is_empty())?;
        if !self.body.is_empty() {
            sink.send_data(Bytes::from(self.body), true)?;
        }
        let (head, mut stream) = response.await?.into_parts();
        let mut body = Vec::new();
        while let Some(data) = stream.data().await {
            let data = data?;
            stream.flow_control().release_capacity(data.len())?;
            body.extend_from_slice(&data);
        }
        let trailers = poll_fn(|context| stream.poll_trailers(context)).await?.unwrap_or_default();
        Ok(Response { status: head.status.as_u16(), headers: lines(&head.headers), body, trailers: lines(&trailers) })
    }
}

/// Sends them all at the same time, over as few connections as Envoy allows; the answers in the requests' order.
#[track_caller]
pub fn send_all(port: u16, requests: impl IntoIterator<Item = Http2Request>) -> Vec<Response> {
    let requests: Vec<_> = requests.into_iter().collect();
    run(async move {
        let mut exchanges = Vec::new();
        let mut sender = connect(port).await?;
        for (index, request) in requests.into_iter().enumerate() {
            if index > 0 && index % STREAMS == 0 {
                sender = connect(port).await?;
            }
            exchanges.push(tokio::spawn(request.exchange(sender.clone())));
        }
        let mut responses = Vec::new();
        for exchange in exchanges {
            responses.push(exchange.await??);
        }
        Ok(responses)
    })
}

/// Streams on one connection: what servers allow at least (RFC 9113 section 6.5.2).
const STREAMS: usize = 100;

type Sender = h2::client::SendRequest<Bytes>;
type Failure = Box<dyn Error + Send + Sync>;

#[track_caller]
fn run<T>(exchange: impl Future<Output = Result<T, Failure>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, exchange).await })
        .unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}"))
        .unwrap_or_else(|error| panic!("no answer: {error}"))
}

/// The connection ends with the runtime.
async fn connect(port: u16) -> Result<Sender, Failure> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    tokio::spawn(connection);
    Ok(sender.ready().await?)
}

fn lines(headers: &HeaderMap) -> Headers {
    Headers(headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect())
}
