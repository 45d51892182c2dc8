//! A server that answers what a test tells it to, over HTTP/1.1, each request on a connection of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.body.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

/// What it answers.
#[derive(Clone, Debug)]
pub enum Scripted {
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Its body ends before its length.
    Cut {
        status: u16,
        body: Vec<u8>,
    },
    /// The head of this status, and nothing more until the caller goes away.
    Stalled {
        status: u16,
    },
    /// Nothing, until the caller goes away.
    Silent,
    /// The connection is closed.
    Closed,
}

impl Scripted {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Whole { status, mut headers, body } => {
                headers.push((name, value.to_owned()));
                Self::Whole { status, headers, body }
            }
            other => other,
        }
    }
}

type Script = dyn Fn(&Asked, &str) -> Scripted + Send + Sync;

/// A server on a port of its own.
pub struct ScriptedServer {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedServer {
    /// The script is given each request, and the server's own URL.
    pub fn start(script: impl Fn(&Asked, &str) -> Scripted + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::default();
        let (own, script, noted): (_, Arc<Script>, _) = (url.clone(), Arc::new(script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (own, script, noted) = (own.clone(), Arc::clone(&script), Arc::clone(&noted));
                std::thread::spawn(move || serve(stream, &own, &*script, &noted));
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self, method: &str, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(method, path)).count()
    }
}

fn serve(mut stream: TcpStream, own: &str, script: &Script, noted: &Mutex<Vec<Asked>>) {
    let Some(asked) = read(&mut stream) else { return };
    noted.lock().unwrap().push(asked.clone());
    let (status, headers, length, body) = match script(&asked, own) {
        Scripted::Whole { status, headers, body } => (status, headers, body.len(), body),
        Scripted::Cut { status, body } => (status, Vec::new(), body.len() + 100, body),
        Scripted::Stalled { status } => {
            let _ = stream.write_all(format!("HTTP/1.1 {status} S\r\ncontent-length: 100\r\n\r\n").as_bytes());
            let _ = stream.read(&mut [0; 16]);
            return;
        }
        Scripted::Silent => {
            let _ = stream.read(&mut [0; 16]);
            return;
        }
        Scripted::Closed => return,
    };
    let mut head = format!("HTTP/1.1 {status} S\r\nconnection: close\r\n");
    if status != 204 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // Whoever has read enough goes away.
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&body));
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut part) = (Vec::new(), [0; 8192]);
    loop {
        let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.split("\r\n");
            let mut first = lines.next()?.split(' ');
            let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
            if let Some(body) = bytes.get(end + 4..end + 4 + length) {
                return Some(Asked { method, path, headers, body: String::from_utf8_lossy(body).into_owned() });
            }
        }
        match stream.read(&mut part) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&part[..count]),
            _ => return None,
        }
    }
}
