//! HTTP/2 frame by frame (h2c, prior knowledge): thousands of streams at once, and header blocks that no library writes.
//! Of an answer's header block only the status is read.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(50);

/// A field of a header block.
pub type Field = (Vec<u8>, Vec<u8>);

/// What has been heard of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// 0 until it is known.
    pub status: u16,
    pub body: Vec<u8>,
    pub ended: bool,
    pub reset: bool,
}

impl Heard {
    pub fn is_over(&self) -> bool {
        self.ended || self.reset
    }
}

/// Dropping it hangs up.
pub struct Http2 {
    reader: BufReader<TcpStream>,
    out: Vec<u8>,
    next: u32,
    streams: BTreeMap<u32, Heard>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// What every peer takes in one frame (RFC 9113 section 4.2).
const FRAME: usize = 16_384;

impl Http2 {
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut opened =
            Self { reader: BufReader::with_capacity(1 << 16, stream), out, next: 1, streams: BTreeMap::new() };
        // No table for compressed fields, so that each block can be read by itself.
        opened.frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0]);
        opened.frame(WINDOW_UPDATE, 0, 0, &0x3fff_ffff_u32.to_be_bytes());
        opened.flush()?;
        Ok(opened)
    }

    /// Begins a stream; all of this is sent by the next `flush`.
    pub fn headers(&mut self, fields: &[Field], end: bool) -> u32 {
        let stream = self.next;
        self.next += 2;
        self.streams.insert(stream, Heard::default());
        self.block(stream, fields, end);
        stream
    }

    pub fn data(&mut self, stream: u32, data: &[u8], end: bool) {
        let parts = data.len().div_ceil(FRAME).max(1);
        for part in 0..parts {
            let flags = if end && part + 1 == parts { END_STREAM } else { 0 };
            let piece = &data[part * FRAME..data.len().min((part + 1) * FRAME)];
            self.frame(DATA, flags, stream, piece);
        }
    }

    /// Ends the stream.
    pub fn trailers(&mut self, stream: u32, fields: &[Field]) {
        self.block(stream, fields, true);
    }

    /// Nobody waits for its answer any more.
    pub fn reset(&mut self, stream: u32) {
        const CANCEL: u32 = 8;
        self.frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
        self.streams.remove(&stream);
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.reader.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Reads until every stream is over; what was heard since the last time, in the order in which they began. An error
    /// when the peer ends the connection before.
    pub fn await_all(&mut self) -> io::Result<BTreeMap<u32, Heard>> {
        self.flush()?;
        while self.streams.values().any(|heard| !heard.is_over()) {
            self.read_frame()?;
        }
        Ok(std::mem::take(&mut self.streams))
    }

    /// What has been heard so far, for a connection that has ended.
    pub fn heard(&mut self) -> BTreeMap<u32, Heard> {
        std::mem::take(&mut self.streams)
    }

    /// Reads until that stream is over.
    pub fn await_one(&mut self, stream: u32) -> io::Result<Heard> {
        self.flush()?;
        while self.streams.get(&stream).is_some_and(|heard| !heard.is_over()) {
            self.read_frame()?;
        }
        Ok(self.streams.remove(&stream).unwrap_or_default())
    }

    /// Reads until that stream's answer has begun.
    pub fn await_status(&mut self, stream: u32) -> io::Result<u16> {
        self.flush()?;
        loop {
            match self.streams.get(&stream) {
                Some(heard) if heard.status == 0 && !heard.is_over() => self.read_frame()?,
                heard => return Ok(heard.map_or(0, |heard| heard.status)),
            }
        }
    }

    fn block(&mut self, stream: u32, fields: &[Field], end: bool) {
        let block = encode(fields);
        let last = block.len().div_ceil(FRAME).max(1) - 1;
        for part in 0..=last {
            let kind = if part == 0 { HEADERS } else { CONTINUATION };
            let ends_stream = if end && part == 0 { END_STREAM } else { 0 };
            let ends_block = if part == last { END_HEADERS } else { 0 };
            let piece = block[part * FRAME..block.len().min((part + 1) * FRAME)].to_vec();
            self.frame(kind, ends_stream | ends_block, stream, &piece);
        }
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
        self.out.extend_from_slice(&length[1..]);
        self.out.extend_from_slice(&[kind, flags]);
        self.out.extend_from_slice(&stream.to_be_bytes());
        self.out.extend_from_slice(payload);
    }

    fn read_frame(&mut self) -> io::Result<()> {
        let mut head = [0; 9];
        self.reader.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        self.reader.read_exact(&mut payload)?;
        match kind {
            SETTINGS if flags & ACK == 0 => self.frame(SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => self.frame(PING, ACK, 0, &payload),
            // An orderly end lets what has begun go on.
            GOAWAY if payload.get(4..8) != Some(&[0; 4]) => return Err(io::ErrorKind::ConnectionReset.into()),
            _ => {}
        }
        if matches!(kind, SETTINGS | PING) {
            self.flush()?;
        }
        let Some(heard) = self.streams.get_mut(&stream) else { return Ok(()) };
        match kind {
            HEADERS if heard.status == 0 => heard.status = status(&payload),
            DATA => heard.body.extend_from_slice(&payload),
            RST_STREAM => heard.reset = true,
            _ => {}
        }
        heard.ended |= matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
        Ok(())
    }
}

/// A request's first fields, for the authority `api.example.com`.
pub fn request(method: &str, target: &str) -> Vec<Field> {
    let fields = [(":method", method), (":scheme", "http"), (":authority", "api.example.com"), (":path", target)];
    fields.map(|(name, value)| field(name, value)).to_vec()
}

pub fn field(name: &str, value: impl AsRef<[u8]>) -> Field {
    (name.as_bytes().to_vec(), value.as_ref().to_vec())
}

/// Every field literally, without indexing (RFC 7541 section 6.2.2).
fn encode(fields: &[Field]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(text.len(), &mut block);
            block.extend_from_slice(text);
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn length(length: usize, block: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(0x7f) else { return block.push(length as u8) };
    block.push(0x7f);
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// `:status`, which stands first; the size of the table may be told before.
fn status(block: &[u8]) -> u16 {
    const INDEXED: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap_or_default();
    match &block[start..] {
        [first, ..] if first & 0x80 != 0 => INDEXED[usize::from(first & 0x7f) - 8],
        // A literal under the name's index; as it stands, or in Huffman's code.
        [first, 3, digits @ ..] if first & 0x0f == 8 => digits[..3].iter().fold(0, |n, d| n * 10 + u16::from(d - b'0')),
        [first, size, code @ ..] if first & 0x0f == 8 && size & 0x80 != 0 => huffman(&code[..usize::from(size & 0x7f)]),
        other => panic!("no status: {other:02x?}"),
    }
}

/// Three digits (RFC 7541 appendix B): 0, 1 and 2 have five bits, the others six.
fn huffman(code: &[u8]) -> u16 {
    let bits = code.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (32 - 8 * code.len());
    let (mut number, mut at) = (0, 0);
    for _ in 0..3 {
        let five = bits << at >> 27;
        let (digit, width) = if five < 3 { (five, 5) } else { ((bits << at >> 26) - 0x16, 6) };
        number = number * 10 + digit as u16;
        at += width;
    }
    number
}

#[test]
fn a_status_is_read_however_it_is_written() {
    assert_eq!(status(&[0x88]), 200);
    assert_eq!(status(&[0x20, 0x8d]), 404);
    assert_eq!(status(b"\x08\x03401"), 401);
    // 401: 011010 00000 00001; 503: 011011 00000 011001; filled up with ones.
    assert_eq!(status(&[0x48, 0x82, 0x68, 0x01]), 401);
    assert_eq!(status(&[0x48, 0x83, 0x6c, 0x0c, 0xff]), 503);
}
