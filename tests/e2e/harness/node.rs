//! Node.js programs that a test talks to by lines.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::harness::certificates::Certificate;
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;

/// Ended when dropped.
struct Node {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    fn start(script: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new("node")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start node");
        let (input, output) = (process.stdin.take().expect("its input"), process.stdout.take().expect("its output"));
        Self { process, input, output: BufReader::new(output) }
    }

    #[track_caller]
    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        assert!(line.ends_with('\n'), "node said nothing");
        line.trim_end().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client with a key of its own that makes DPoP proofs with npm's `dpop`.
pub struct DpopClient(Node);

impl DpopClient {
    pub fn start(algorithm: &str) -> Self {
        Self(Node::start(&prerequisites::oidc_provider().join("dpop.mjs"), &[algorithm]))
    }

    /// For a request of this method to this URL, shown with this token if there is one.
    #[track_caller]
    pub fn proof(&mut self, method: &str, url: &str, token: Option<&str>) -> String {
        let asked = json!({"method": method, "url": url, "token": token});
        writeln!(self.0.input, "{asked}").expect("ask");
        let proof = self.0.read_line();
        secrecy::register(&proof);
        proof
    }
}

/// A port of its own that leads to another over TLS, showing this certificate or none.
pub struct TlsTunnel {
    port: u16,
    _node: Node,
    _scratch: Scratch,
}

impl TlsTunnel {
    pub fn start(port: u16, certificate: Option<&Certificate>) -> Self {
        let scratch = Scratch::new("tls");
        let mut arguments = vec![port.to_string()];
        if let Some(certificate) = certificate {
            for (name, text) in [("certificate.pem", &certificate.pem), ("key.pem", &certificate.key)] {
                let file = scratch.file(name);
                fs::write(&file, text).expect("write a file");
                arguments.push(file.display().to_string());
            }
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/harness/tls_tunnel.mjs");
        let mut node = Node::start(&script, &arguments);
        let port = node.read_line().parse().expect("a port");
        Self { port, _node: node, _scratch: scratch }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}
