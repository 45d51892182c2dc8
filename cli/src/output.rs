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
        self.print(&format!("{}\n", escaped(&value.to_string())));
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

/// JSON whose control characters above ASCII are escaped, too: terminals obey some of them.
fn escaped(json: &str) -> String {
    let escape = |letter: char| match letter {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            format!("\\u{:04x}", u32::from(letter))
        }
        letter => letter.to_string(),
    };
    json.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_control_character() {
        let value = serde_json::json!("a\u{9b}\u{202e}\n\u{7f}é");
        let json = escaped(&value.to_string());
        assert!(!json.contains(char::is_control) && !json.contains('\u{202e}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
