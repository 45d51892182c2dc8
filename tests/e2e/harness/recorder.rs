//! An upstream that keeps every byte that reaches it, also of requests that never become whole, and answers those that do.

use std::fmt;
use std::io::{self, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::message::{self, Headers};
use crate::harness::port::ClosedPort;

/// A whole request as it arrived.
#[derive(Clone)]
pub struct Arrival {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, target, headers, body, trailers } = self;
        write!(out, "{method} {target} {headers:?}, {} bytes, {trailers:?}", body.len())
    }
}

#[derive(Default)]
struct Record {
    connections: Vec<Vec<u8>>,
    arrivals: Vec<Arrival>,
    /// What no server would take for a request.
    garbled: Vec<Vec<u8>>,
}

/// Every whole request is answered 200, without a body; one that asks for an upgrade gets it.
pub struct Recorder {
    port: u16,
    keeps_bytes: bool,
    record: Arc<Mutex<Record>>,
}

impl Recorder {
    pub fn start() -> Self {
        Self::with_bytes(true)
    }

    /// For so many requests that their bytes need not be kept.
    pub fn of_requests() -> Self {
        Self::with_bytes(false)
    }

    fn with_bytes(keeps_bytes: bool) -> Self {
        let port = ClosedPort::new();
        let number = port.number();
        let listener = port.listen();
        let record = Arc::new(Mutex::new(Record::default()));
        let recorder = Self { port: number, keeps_bytes, record: record.clone() };
        thread::spawn(move || accept(&listener, &record, keeps_bytes));
        recorder
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn arrivals(&self) -> Vec<Arrival> {
        self.record.lock().unwrap().arrivals.clone()
    }

    /// The requests since the last time.
    #[track_caller]
    pub fn take_arrivals(&self) -> Vec<Arrival> {
        let mut record = self.record.lock().unwrap();
        assert!(record.garbled.is_empty(), "{}", record.garbled[0].escape_ascii());
        std::mem::take(&mut record.arrivals)
    }

    /// Begins anew.
    pub fn forget(&self) {
        let mut record = self.record.lock().unwrap();
        record.arrivals.clear();
        record.connections.iter_mut().for_each(Vec::clear);
    }

    /// All bytes so far, connection by connection.
    pub fn bytes(&self) -> Vec<Vec<u8>> {
        assert!(self.keeps_bytes, "these bytes were not kept");
        self.record.lock().unwrap().connections.clone()
    }
}

/// The thread ends with the test's process.
fn accept(listener: &TcpListener, record: &Arc<Mutex<Record>>, keeps_bytes: bool) {
    for stream in listener.incoming().flatten() {
        let _ = stream.set_nodelay(true);
        let record = record.clone();
        let id = {
            let mut record = record.lock().unwrap();
            record.connections.push(Vec::new());
            record.connections.len() - 1
        };
        thread::spawn(move || serve(stream, id, &record, keeps_bytes));
    }
}

fn serve(mut stream: TcpStream, id: usize, record: &Mutex<Record>, keeps_bytes: bool) -> io::Result<()> {
    let (mut unread, mut upgraded) = (Vec::new(), false);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if keeps_bytes {
            record.lock().unwrap().connections[id].extend_from_slice(&buffer[..length]);
        }
        if upgraded {
            continue;
        }
        unread.extend_from_slice(&buffer[..length]);
        while let Some((arrival, used)) = whole_request(&unread).inspect_err(|_| {
            record.lock().unwrap().garbled.push(unread.clone());
        })? {
            unread.drain(..used);
            upgraded = !arrival.headers.all("upgrade").is_empty();
            record.lock().unwrap().arrivals.push(arrival);
            stream.write_all(match upgraded {
                true => b"HTTP/1.1 101 Upgraded\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
                false => b"HTTP/1.1 200 Recorded\r\ncontent-length: 0\r\n\r\n",
            })?;
        }
    }
}

/// The first request in `bytes`, and its length, if all of it is there.
fn whole_request(bytes: &[u8]) -> io::Result<Option<(Arrival, usize)>> {
    let mut reader = Cursor::new(bytes);
    let read = |reader: &mut Cursor<&[u8]>| -> io::Result<_> {
        let Some((start, headers)) = message::read_head(reader)? else { return Ok(None) };
        let upgrade = !headers.all("upgrade").is_empty();
        let content = if upgrade { <_>::default() } else { message::read_content(reader, &headers, false)? };
        let ((body, trailers), mut words) = (content, start.split(' ').map(str::to_owned));
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Ok(Some(Arrival { method, target, headers, body, trailers }))
    };
    match read(&mut reader) {
        Ok(arrival) => Ok(arrival.map(|arrival| (arrival, reader.position() as usize))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
