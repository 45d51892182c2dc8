//! The HTTP/1.1 server under every fake: records what arrives, answers as told, misbehaves on demand.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::SockRef;

use crate::gate::Gate;
use crate::message::{self, Headers};
use crate::port::ClosedPort;

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// When its last byte had arrived.
    pub at: Instant,
}

/// What a fake does with a request; built up like `Answer::json(…).after(delay).held_by(&gate)`.
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
    /// The same, with a TCP reset.
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

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.response().body = body.into();
        self
    }

    /// Cut off in the middle of the body by an orderly close.
    pub fn truncated(mut self) -> Self {
        self.manner = Manner::Truncated(self.response().clone());
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

    fn of(manner: Manner) -> Self {
        Self { delay: Duration::ZERO, gate: None, manner }
    }

    fn response(&mut self) -> &mut Response {
        match &mut self.manner {
            Manner::Whole(response) | Manner::Truncated(response) | Manner::ResetInBody(response) => response,
            _ => panic!("this answer has no headers or body"),
        }
    }
}

/// Decides on each request; called on the connection's thread.
type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server on a port of its own. Dropping it closes everything and waits for the accepting thread.
pub struct HttpServer {
    port: u16,
    handler: Arc<Handler>,
    presence: Mutex<Presence>,
}

enum Presence {
    /// Held to be dropped: that closes it.
    Here {
        _listening: Listening,
    },
    Gone(ClosedPort),
    Ended,
}

impl HttpServer {
    pub fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let port = ClosedPort::new();
        let handler: Arc<Handler> = Arc::new(handler);
        Self {
            port: port.number(),
            presence: Mutex::new(Presence::Here { _listening: Listening::start(port, handler.clone()) }),
            handler,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections and refuses new ones; the port stays ours.
    pub fn go_away(&self) {
        let mut presence = self.presence.lock().unwrap();
        if matches!(*presence, Presence::Here { .. }) {
            drop(std::mem::replace(&mut *presence, Presence::Ended));
            *presence = Presence::Gone(ClosedPort::reclaim(self.port));
        }
    }

    pub fn come_back(&self) {
        let mut presence = self.presence.lock().unwrap();
        *presence = match std::mem::replace(&mut *presence, Presence::Ended) {
            Presence::Gone(port) => Presence::Here { _listening: Listening::start(port, self.handler.clone()) },
            here => here,
        };
    }
}

struct Listening {
    port: u16,
    connections: Arc<Connections>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Connections {
    ended: AtomicBool,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Listening {
    fn start(port: ClosedPort, handler: Arc<Handler>) -> Self {
        let number = port.number();
        let listener = port.listen();
        let connections = Arc::new(Connections::default());
        let acceptor = thread::spawn({
            let connections = connections.clone();
            move || accept(&listener, &connections, &handler)
        });
        Self { port: number, connections, acceptor: Some(acceptor) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.connections.ended.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees the flag and closes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in self.connections.open.lock().unwrap().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, connections: &Arc<Connections>, handler: &Arc<Handler>) {
    for (id, stream) in (0..).zip(listener.incoming()) {
        if connections.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let _ = stream.set_nodelay(true);
        connections.open.lock().unwrap().insert(id, stream.try_clone().expect("a second handle"));
        let (connections, handler) = (connections.clone(), handler.clone());
        thread::spawn(move || {
            // An error is the peer's end of the connection, which a test asked for or will notice.
            let _ = serve(stream, &connections, &*handler);
            connections.open.lock().unwrap().remove(&id);
        });
    }
}

fn serve(mut stream: TcpStream, connections: &Connections, handler: &Handler) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((start, headers)) = message::read_head(&mut reader)? {
        let body = message::read_body(&mut reader, &headers, false)?;
        let mut words = start.split(' ').map(str::to_owned);
        let request = Request {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            at: Instant::now(),
            body,
            headers,
        };
        let answer = handler(&request);
        thread::sleep(answer.delay);
        let ended = || connections.ended.load(Ordering::SeqCst);
        if answer.gate.as_ref().is_some_and(|gate| !gate.pass(ended)) {
            return Ok(());
        }
        match perform(&mut stream, answer.manner)? {
            Next::Request if !message::closes(&request.headers) => {}
            Next::Request | Next::Close => return stream.shutdown(Shutdown::Both),
            // Every handle is closed when this returns; with no time to linger that sends a RST.
            Next::Reset => return SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        }
    }
    Ok(())
}

/// What becomes of the connection after an answer.
enum Next {
    Request,
    Close,
    Reset,
}

fn perform(stream: &mut TcpStream, manner: Manner) -> std::io::Result<Next> {
    match manner {
        Manner::Whole(response) => {
            stream.write_all(&encode(&response, response.body.len()))?;
            return Ok(Next::Request);
        }
        Manner::Truncated(response) => stream.write_all(&encode(&response, response.body.len() / 2))?,
        Manner::ResetInBody(response) => {
            stream.write_all(&encode(&response, response.body.len() / 2))?;
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

/// The whole head, announcing the whole body, and the first `sent` bytes of it.
fn encode(response: &Response, sent: usize) -> Vec<u8> {
    let mut message = format!("HTTP/1.1 {} Scripted\r\n", response.status).into_bytes();
    for (name, value) in &response.headers {
        message.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    // RFC 9110 section 8.6: these two never carry a body, so neither its length.
    if !matches!(response.status, 204 | 304) {
        message.extend_from_slice(format!("content-length: {}\r\n", response.body.len()).as_bytes());
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(&response.body[..sent]);
    message
}
