//! The HTTP/1.1 server under every fake: records what arrives, answers as told, misbehaves on demand.

use std::collections::HashMap;
use std::io::BufReader;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::harness::answer::{Answer, Next};
use crate::harness::message::{self, Headers};
use crate::harness::port::ClosedPort;

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

/// Decides on each request; called on the connection's thread.
type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server on a port of its own. Dropping it closes everything and waits for the accepting thread.
pub struct HttpServer {
    port: AtomicU16,
    handler: Arc<Handler>,
    presence: Mutex<Presence>,
    /// Where it has been: nobody else listens there.
    left: Mutex<Vec<ClosedPort>>,
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
            port: port.number().into(),
            left: Mutex::default(),
            presence: Mutex::new(Presence::Here { _listening: Listening::start(port, handler.clone()) }),
            handler,
        }
    }

    pub fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }

    /// Ends all connections and refuses new ones; the port stays ours.
    pub fn go_away(&self) {
        let mut presence = self.presence.lock().unwrap();
        if matches!(*presence, Presence::Here { .. }) {
            drop(std::mem::replace(&mut *presence, Presence::Ended));
            *presence = Presence::Gone(ClosedPort::reclaim(self.port()));
        }
    }

    pub fn come_back(&self) {
        let mut presence = self.presence.lock().unwrap();
        *presence = match std::mem::replace(&mut *presence, Presence::Ended) {
            Presence::Gone(port) => Presence::Here { _listening: Listening::start(port, self.handler.clone()) },
            here => here,
        };
    }

    /// Goes away, and comes back at another port, which this is.
    pub fn move_elsewhere(&self) -> u16 {
        self.go_away();
        let mut presence = self.presence.lock().unwrap();
        let port = ClosedPort::new();
        let number = port.number();
        self.port.store(number, Ordering::SeqCst);
        let here = Presence::Here { _listening: Listening::start(port, self.handler.clone()) };
        if let Presence::Gone(left) = std::mem::replace(&mut *presence, here) {
            self.left.lock().unwrap().push(left);
        }
        number
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
        match answer.perform(&mut stream, || connections.ended.load(Ordering::SeqCst))? {
            Next::Request if !message::closes(&request.headers) => {}
            Next::Request | Next::Close => return stream.shutdown(Shutdown::Both),
            // Every handle is closed when this returns; with no time to linger that sends a RST.
            Next::Reset => return SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        }
    }
    Ok(())
}
