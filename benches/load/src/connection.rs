//! One keep-alive HTTP/1.1 connection of the load generator.

use mio::net::TcpStream;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

/// A connection, and the request under way on it.
pub struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// From when the request under way counts.
    pub started: Option<Instant>,
}

impl Connection {
    /// Connects to a loopback port.
    pub fn open(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), inbox: Vec::new(), started: None })
    }

    /// What a poll registers.
    pub fn source(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends one request; it is far smaller than a socket's buffer, so it goes out whole or the connection is bad.
    pub fn send(&mut self, request: &[u8], started: Instant) -> io::Result<()> {
        self.started = Some(started);
        self.stream.write_all(request)
    }

    /// Reads what has come; the status once the whole answer is there, `None` while some of it is missing.
    pub fn receive(&mut self) -> io::Result<Option<u16>> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.inbox.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let Some((status, length)) = answer(&self.inbox)? else {
            return Ok(None);
        };
        if self.inbox.len() > length {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.inbox.clear();
        Ok(Some(status))
    }
}

/// Status and full length of a complete answer at the start of `bytes`.
fn answer(bytes: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut body = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
    }
    let length = end.saturating_add(4).saturating_add(body);
    Ok((bytes.len() >= length).then_some((status, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        let text = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
        for end in 0..text.len() {
            assert_eq!(answer(&text[..end]).unwrap(), None);
        }
        assert_eq!(answer(text).unwrap(), Some((403, text.len())));
    }

    #[test]
    fn chunked_answers_are_refused_rather_than_miscounted() {
        assert!(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
