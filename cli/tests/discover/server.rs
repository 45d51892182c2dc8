//! A server on loopback that answers each request with the bytes that it is told to.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

/// Bytes by the path of the request; other paths are answered with 404.
pub type Answers = BTreeMap<String, Vec<u8>>;

pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<Answers>>,
}

/// An authority of this test, and a certificate of `localhost` by it.
pub struct Authority {
    pub file: PathBuf,
    server: Arc<ServerConfig>,
}

impl Server {
    pub fn start(tls: Option<&Authority>) -> Self {
        Self::listen("127.0.0.1:0", tls)
    }

    pub fn listen(address: &str, tls: Option<&Authority>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), requests: Arc::default(), answers: Arc::default() };
        let (requests, answers) = (server.requests.clone(), server.answers.clone());
        let tls = tls.map(|authority| authority.server.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, answers, tls) = (requests.clone(), answers.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &requests, &answers),
                    Some(config) => {
                        serve(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &requests, &answers)
                    }
                });
            }
        });
        server
    }

    pub fn answer(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().insert(path.into(), bytes.into());
    }

    /// The requests so far: head and body of each.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        Self { file: temporary("pem", authority.pem().as_bytes()), server: Arc::new(server) }
    }

    pub fn file(&self) -> &str {
        self.file.to_str().unwrap()
    }
}

/// A file of this run.
pub fn temporary(extension: &str, content: &[u8]) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("discover-{}-{}.{extension}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, content).unwrap();
    file
}

/// An answer with that status and body.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", body)
}

fn serve(stream: impl Read + Write, requests: &Mutex<Vec<String>>, answers: &Mutex<Answers>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            return;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    requests.lock().unwrap().push(head + &String::from_utf8(body).unwrap());
    let found = answers.lock().unwrap().get(&path).cloned();
    let _ = stream.get_mut().write_all(&found.unwrap_or_else(|| answer("404 Not Found", "", "no")));
    let _ = stream.get_mut().flush();
    // Whoever reads to the end gets it, and whoever does not goes first.
    let _ = stream.read_to_end(&mut Vec::new());
}
