//! The MCP server and the MCP client of `tests/mcp`, both by npm's `@modelcontextprotocol/sdk`.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use crate::harness::eventually::{SOON, eventually};
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;

/// One of the scripts at work, ended when dropped.
struct Script {
    process: Child,
    scratch: Scratch,
}

impl Script {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let scratch = Scratch::new("mcp");
        let output = File::create(scratch.file("log")).expect("a log file");
        let mut command = Command::new("node");
        command.arg(prerequisites::mcp().join(name)).args(arguments);
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a second handle")).stderr(output);
        Self { process: command.spawn().expect("start node"), scratch }
    }

    fn output(&self) -> String {
        fs::read_to_string(self.scratch.file("log")).expect("what it has printed")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server with one tool.
pub struct McpServer {
    _script: Script,
    port: u16,
}

impl McpServer {
    #[track_caller]
    pub fn start() -> Self {
        let script = Script::start("server.mjs", &[]);
        let port = eventually(SOON, "the MCP server's ready line", || {
            let output = script.output();
            let ready = output.strip_prefix("ready http://127.0.0.1:")?;
            ready.trim_end().strip_suffix("/mcp")?.parse().ok()
        });
        Self { _script: script, port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// What a client prints that knows this URL only, line by line: its requests and what came of them.
#[track_caller]
pub fn call(url: &str) -> Vec<String> {
    let mut client = Script::start("client.mjs", &[url]);
    let status = eventually(SOON * 2, "the end of the MCP client", || client.process.try_wait().expect("its state"));
    assert!(status.success(), "{}", client.output());
    client.output().lines().map(str::to_owned).collect()
}
