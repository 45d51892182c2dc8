//! Foreign text in a log line.

use std::fmt::{self, Write};

/// Shows a text so that it stays what it is, a part of one line: control characters, line separators, and what turns
/// the direction of writing or is not seen are escaped; what is longer than a limit is cut.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a> {
    pub text: &'a str,
    /// Most characters of it that are shown.
    pub limit: usize,
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.text.chars();
        for letter in letters.by_ref().take(self.limit) {
            match letter {
                ' '..='~' => f.write_char(letter)?,
                _ => write!(f, "{}", letter.escape_debug())?,
            }
        }
        if letters.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        Printable { text, limit: 20 }.to_string()
    }

    #[test]
    fn what_is_seen_stays_and_what_is_not_is_escaped() {
        for text in ["", "a \"b\" 'c' \\", "é…漢"] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("a\r\nb\t\u{1b}[31m\0\u{7f}"), "a\\r\\nb\\t\\u{1b}[31m\\0\\u{7f}");
        for hidden in ["\u{85}", "\u{9b}", "\u{2028}", "\u{2029}", "\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}"] {
            assert!(shown(hidden).is_ascii(), "{hidden:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shown(&"x".repeat(20)), "x".repeat(20));
        assert_eq!(shown(&"é".repeat(21)), format!("{}…", "é".repeat(20)));
    }

    proptest! {
        #[test]
        fn any_text_stays_one_line_of_bounded_length(text: String) {
            let shown = shown(&text);
            prop_assert!(!shown.contains(char::is_control) && shown.chars().count() <= 20 * 10 + 1);
        }
    }
}
