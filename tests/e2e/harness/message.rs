//! HTTP/1.1 messages as bytes: what the client reads and the fakes receive, nothing normalised.

use std::fmt;
use std::io::{self, BufRead};

/// Field lines in order, names as they were sent.
#[derive(Clone, Default)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice()).collect()
    }

    /// The only value of `name`; panics when there are several, which no assertion should overlook.
    #[track_caller]
    pub fn only(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "{} lines of {name}: {self:?}", values.len());
        values.first().map(|value| std::str::from_utf8(value).expect("a text header"))
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name).iter().any(|v| String::from_utf8_lossy(v).to_ascii_lowercase().contains(token))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|(n, v)| format!("{n}: {}", v.escape_ascii()))).finish()
    }
}

/// The start line, then the headers; `None` at the end of the connection.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let Some(start) = read_line(reader)? else { return Ok(None) };
    Ok(Some((String::from_utf8_lossy(&start).into_owned(), read_fields(reader)?)))
}

/// Field lines up to the empty line that ends them.
fn read_fields(reader: &mut impl BufRead) -> io::Result<Headers> {
    let mut fields = Headers::default();
    loop {
        let line = read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|&b| b == b':').ok_or(io::ErrorKind::InvalidData)?;
        let name = String::from_utf8_lossy(&line[..colon]).into_owned();
        fields.0.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}

/// The body that `headers` announce; `until_close` = a response without a length ends with its connection.
pub fn read_body(reader: &mut impl BufRead, headers: &Headers, until_close: bool) -> io::Result<Vec<u8>> {
    read_content(reader, headers, until_close).map(|(body, _)| body)
}

/// The body and the trailers after it.
pub fn read_content(reader: &mut impl BufRead, headers: &Headers, until_close: bool) -> io::Result<(Vec<u8>, Headers)> {
    let mut body = Vec::new();
    if headers.has_token("transfer-encoding", "chunked") {
        while read_chunk(reader, &mut body)? > 0 {}
        return Ok((body, read_fields(reader)?));
    } else if let Some(length) = headers.only("content-length") {
        body.resize(length.parse().map_err(|_| io::ErrorKind::InvalidData)?, 0);
        reader.read_exact(&mut body)?;
    } else if until_close {
        reader.read_to_end(&mut body)?;
    }
    Ok((body, Headers::default()))
}

pub fn closes(headers: &Headers) -> bool {
    headers.has_token("connection", "close")
}

fn read_chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<usize> {
    let line = read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let digits = String::from_utf8_lossy(&line);
    let digits = digits.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
    let start = body.len();
    body.resize(start + size, 0);
    reader.read_exact(&mut body[start..])?;
    // After the last chunk come the trailers.
    if size > 0 && !read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(size)
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}
