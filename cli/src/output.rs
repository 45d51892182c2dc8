//! Where results go, and what keeps the command from working.

use std::io::{self, Write};

/// The two streams, and how to write to them.
pub struct Output {
    /// One JSON object instead of text.
    pub json: bool,
    /// Whether the text may be coloured.
    pub color: bool,
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
}

impl Output {
    pub fn new(json: bool, color: bool) -> Self {
        Self { json, color, stdout: Box::new(io::stdout().lock()), stderr: Box::new(io::stderr().lock()) }
    }

    /// Writes a part of the result. A reader that went away is nobody to report to.
    pub fn print(&mut self, text: &str) {
        let _ = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
    }

    /// Writes the only object of the result.
    pub fn print_json(&mut self, value: &serde_json::Value) {
        self.print(&format!("{value}\n"));
    }

    /// Says what keeps the command from working, in one line.
    pub fn complain(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "tessera: {text}").and_then(|()| self.stderr.flush());
    }

    /// Says something beside the result, in one line.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "{text}").and_then(|()| self.stderr.flush());
    }
}
