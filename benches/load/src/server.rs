//! A small HTTP/1.1 server: keep-alive, one thread for each connection, bodies with a length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

const BODY_LIMIT: u64 = 1 << 20;

/// A request as it came in.
pub struct Request {
    /// Path and query.
    pub target: String,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, decoded from nothing: lengths only.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// What goes back.
pub struct Reply {
    /// Status and reason, such as `200 OK`.
    pub status: &'static str,
    /// Beside `content-length`, which is always sent.
    pub headers: Vec<(&'static str, String)>,
    /// The body, possibly empty.
    pub body: Vec<u8>,
}

impl Reply {
    /// A 200 with a JSON text.
    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", headers: vec![("content-type", "application/json".into())], body: text.into() }
    }

    /// An answer without a body.
    pub fn empty(status: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }
}

/// Listens on a free loopback port, prints it on one line, and serves until standard input closes.
pub fn serve<H>(handler: H) -> Result<(), String>
where
    H: Fn(&Request) -> Reply + Send + Sync + 'static,
{
    println!("{}", listen(handler)?);
    io::copy(&mut io::stdin(), &mut io::sink()).map(|_| ()).map_err(|error| format!("standard input: {error}"))
}

/// Serves on a free loopback port, from threads of its own; the port.
pub fn listen<H>(handler: H) -> Result<u16, String>
where
    H: Fn(&Request) -> Reply + Send + Sync + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("bind: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("local address: {error}"))?;
    let handler = Arc::new(handler);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            std::thread::spawn(move || converse(stream, handler.as_ref()));
        }
    });
    Ok(address.port())
}

/// Serves one connection until the peer closes it or sends what this server does not understand.
fn converse(stream: TcpStream, handler: &impl Fn(&Request) -> Reply) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        let reply = handler(&request);
        let mut head = format!("HTTP/1.1 {}\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&reply.body);
        writer.write_all(&bytes)?;
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.split(' ').nth(1).ok_or(io::ErrorKind::InvalidData)?.to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { target, headers, body: Vec::new() };
    if request.header("transfer-encoding").is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let length = match request.header("content-length") {
        Some(text) => text.parse().map_err(|_| io::ErrorKind::InvalidData)?,
        None => 0,
    };
    if length > BODY_LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let read = reader.take(length).read_to_end(&mut request.body)?;
    if u64::try_from(read) != Ok(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(request))
}
