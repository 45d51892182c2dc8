//! An HTTP/2 client with prior knowledge (h2c), for plain requests and ones shaped like gRPC.

use std::error::Error;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::net::TcpStream;

use crate::client::Response;
use crate::message::Headers;

const PATIENCE: Duration = Duration::from_secs(20);

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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let target = self.request.uri().path().to_owned();
        runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.exchange(port)).await })
            .unwrap_or_else(|_| panic!("{target}: no answer within {PATIENCE:?}"))
            .unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    async fn exchange(self, port: u16) -> Result<Response, Box<dyn Error>> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (sender, connection) = h2::client::handshake(stream).await?;
        let connection = tokio::spawn(connection);
        let mut sender = sender.ready().await?;
        let (response, mut sink) = sender.send_request(self.request, self.body.is_empty())?;
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
        connection.abort();
        Ok(Response { status: head.status.as_u16(), headers: lines(&head.headers), body, trailers: lines(&trailers) })
    }
}

fn lines(headers: &HeaderMap) -> Headers {
    Headers(headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect())
}
