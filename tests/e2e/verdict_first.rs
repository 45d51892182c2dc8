//! Nothing of a request reaches the upstream before the verdict: no header, no byte of a body, no trailer, whichever way
//! the request comes and whatever Envoy's option says about pausing. After it, all of it does, or nothing.

use std::io::Write;

use serde_json::json;

use crate::harness::answer::Answer;
use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::gate::Gate;
use crate::harness::gateway::{introspection, provider};
use crate::harness::http2_frames::{Field, Http2, field, request};
use crate::harness::recorder::Recorder;
use crate::harness::secrecy;

/// How a request goes on after its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    /// With its length.
    Body,
    /// Piece by piece, without a length.
    Streamed,
    StreamedWithTrailers,
    /// An empty body, and trailers after it.
    Trailers,
    /// A WebSocket, on which the caller speaks before it has been let in.
    Upgrade,
}

const CONTENTS: [Content; 6] = [
    Content::Nothing,
    Content::Body,
    Content::Streamed,
    Content::StreamedWithTrailers,
    Content::Trailers,
    Content::Upgrade,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

impl Content {
    fn has_trailers(self) -> bool {
        matches!(self, Self::Trailers | Self::StreamedWithTrailers)
    }

    /// More than one frame, and within what every HTTP/2 peer takes unasked (RFC 9113 section 6.9.2).
    fn body(self) -> Vec<u8> {
        match self {
            Self::Nothing | Self::Trailers => Vec::new(),
            _ => (0..60_000_u32).map(|index| index.to_le_bytes()[index as usize % 3]).collect(),
        }
    }
}

const TRAILER: (&str, &str) = ("x-checksum", "4711");
const CLAIMED: &str = "claimed-by-the-caller";

/// One worker, so that a request that is answered shows that all before it have been dealt with.
struct Scene {
    envoy: Envoy,
    server: AuthorizationServer,
    upstream: Recorder,
    known: String,
}

/// A request that has been sent to its end.
enum Sent {
    Http1(Connection),
    Http2(Http2, u32),
}

impl Scene {
    #[track_caller]
    fn start(allow: bool) -> Self {
        let (server, upstream) = (AuthorizationServer::start(), Recorder::start());
        let configuration = json!({"providers": [provider("main", json!({
            "introspection": introspection("idp", json!({"timeout": "10s"})),
        }))], "apis": [{"id": "all"}]});
        let builder = Envoy::builder().workers(1).plugin(configuration).cluster("idp", server.port());
        let builder = builder.route_to(upstream.port()).trailers().connection_manager_has(json!({
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "http2_protocol_options": {"allow_connect": true},
        }));
        let builder = if allow { builder.allow_on_headers_stop_iteration() } else { builder };
        let scene = Self { envoy: builder.start(), server, upstream, known: secrecy::secret("token") };
        scene.server.activate(&scene.known, json!({}));
        scene.barrier();
        scene
    }

    /// A request after which all that was sent before has been dealt with.
    #[track_caller]
    fn barrier(&self) {
        assert_eq!(Request::get("/barrier").bearer(&self.known).send(self.envoy.port()).status, 200);
    }

    /// Sends the whole request, and knows that Envoy has read it.
    #[track_caller]
    fn send(&self, protocol: Protocol, content: Content, token: &str) -> Sent {
        let read = || self.envoy.stat("http.ingress.downstream_cx_rx_bytes_total").unwrap_or_default();
        let before = read();
        let (sent, length) = match protocol {
            Protocol::Http1 => {
                let bytes = http1(content, token);
                let mut connection = Connection::open(self.envoy.port()).unwrap();
                connection.write(&bytes).unwrap();
                (Sent::Http1(connection), bytes.len())
            }
            Protocol::Http2 => {
                let mut connection = Http2::open(self.envoy.port()).unwrap();
                let stream = http2(&mut connection, content, token);
                connection.flush().unwrap();
                (Sent::Http2(connection, stream), content.body().len())
            }
        };
        eventually(SOON, "Envoy having read it all", || (read() - before >= length as u64).then_some(()));
        sent
    }

    fn bytes(&self) -> Vec<u8> {
        self.upstream.bytes().concat()
    }

    /// Requests that are no barriers.
    fn whole_requests(&self) -> usize {
        self.upstream.arrivals().iter().filter(|arrival| arrival.target != "/barrier").count()
    }

    #[track_caller]
    fn check(&self, protocol: Protocol, content: Content, passes: bool) {
        let (gate, token) = (Gate::default(), secrecy::secret("token"));
        let answer = json!({"active": passes, "client_id": "portal"});
        self.server.answer_for(&token, Answer::json(answer).held_by(&gate));
        let before = self.whole_requests();
        let sent = self.send(protocol, content, &token);
        gate.await_arrivals(1);
        self.barrier();
        let told = self.bytes();
        assert!(!shows(&told, CLAIMED.as_bytes()), "headers before the verdict");
        assert!(!shows(&told, TRAILER.0.as_bytes()), "trailers before the verdict");
        assert!(content.body().is_empty() || !shows(&told, &content.body()[1000..1100]), "a body before the verdict");
        assert_eq!(self.whole_requests(), before, "a request before the verdict");
        gate.open();
        let status = sent.status();
        if !passes {
            assert_eq!(status, 401);
            self.barrier();
            assert_eq!(self.bytes().len() - told.len(), self.barrier_length(), "more than the barrier's bytes");
            return;
        }
        assert_eq!(
            status,
            match (protocol, content) {
                (Protocol::Http1, Content::Upgrade) => 101,
                _ => 200,
            }
        );
        let arrivals = self.upstream.arrivals();
        let arrival = arrivals.iter().rfind(|arrival| arrival.target != "/barrier").expect("an arrival");
        assert_eq!(self.whole_requests(), before + 1);
        assert_eq!(arrival.headers.all("x-client-id"), [b"portal"]);
        if content == Content::Upgrade {
            let body = content.body();
            eventually(SOON, "what was said early", || shows(&self.bytes(), &body).then_some(()));
        } else {
            assert!(arrival.body == content.body(), "{} bytes arrived", arrival.body.len());
        }
        let trailer = arrival.trailers.only(TRAILER.0);
        assert_eq!(trailer, content.has_trailers().then_some(TRAILER.1));
        self.upstream.forget();
    }

    /// Of the last of them, which came alone.
    fn barrier_length(&self) -> usize {
        let before = self.bytes().len();
        self.barrier();
        self.bytes().len() - before
    }
}

impl Sent {
    #[track_caller]
    fn status(self) -> u16 {
        match self {
            Self::Http1(mut connection) => connection.read_status().unwrap(),
            Self::Http2(mut connection, stream) => connection.await_status(stream).unwrap(),
        }
    }
}

fn http1(content: Content, token: &str) -> Vec<u8> {
    let method = if content == Content::Nothing || content == Content::Upgrade { "GET" } else { "POST" };
    let mut bytes = format!(
        "{method} /orders HTTP/1.1\r\nhost: api.example.com\r\nauthorization: Bearer {token}\r\nx-client-id: {CLAIMED}\r\n"
    )
    .into_bytes();
    let body = content.body();
    match content {
        Content::Nothing => bytes.extend_from_slice(b"\r\n"),
        Content::Body => bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes()),
        Content::Upgrade => bytes.extend_from_slice(
            b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AQIDBA==\r\n\r\n",
        ),
        _ => bytes.extend_from_slice(b"transfer-encoding: chunked\r\ntrailer: x-checksum\r\n\r\n"),
    }
    if matches!(content, Content::Body | Content::Upgrade) {
        bytes.extend_from_slice(&body);
    } else if content != Content::Nothing {
        for piece in body.chunks(10_000) {
            write!(bytes, "{:x}\r\n", piece.len()).unwrap();
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n");
        if content.has_trailers() {
            write!(bytes, "{}: {}\r\n", TRAILER.0, TRAILER.1).unwrap();
        }
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn http2(connection: &mut Http2, content: Content, token: &str) -> u32 {
    let method = match content {
        Content::Nothing => "GET",
        Content::Upgrade => "CONNECT",
        _ => "POST",
    };
    let mut fields: Vec<Field> = request(method, "/orders");
    let body = content.body();
    match content {
        // RFC 8441.
        Content::Upgrade => {
            fields.push(field(":protocol", "websocket"));
            fields.push(field("sec-websocket-version", "13"));
        }
        Content::Body => fields.push(field("content-length", body.len().to_string())),
        _ => {}
    }
    fields.push(field("authorization", format!("Bearer {token}")));
    fields.push(field("x-client-id", CLAIMED));
    let stream = connection.headers(&fields, content == Content::Nothing);
    match content {
        Content::Nothing => {}
        Content::Trailers => connection.trailers(stream, &[field(TRAILER.0, TRAILER.1)]),
        Content::StreamedWithTrailers => {
            connection.data(stream, &body, false);
            connection.trailers(stream, &[field(TRAILER.0, TRAILER.1)]);
        }
        _ => connection.data(stream, &body, content != Content::Upgrade),
    }
    stream
}

fn shows(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[track_caller]
fn check_all(allow: bool) {
    let scene = Scene::start(allow);
    let mut failures = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for content in CONTENTS {
            for passes in [true, false] {
                let case = format!("{protocol:?} {content:?}, {}", if passes { "allowed" } else { "refused" });
                let check = || scene.check(protocol, content, passes);
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
                if outcome.is_err() {
                    failures.push(case);
                }
                scene.upstream.forget();
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    scene.envoy.assert_no_vm_reload();
}

#[test]
fn nothing_reaches_the_upstream_before_the_verdict() {
    check_all(false);
}

#[test]
fn nor_does_it_where_pausing_on_headers_is_for_headers_alone() {
    check_all(true);
}
