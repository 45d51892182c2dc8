//! JSON (RFC 8259) with the place of each value, as strict as the filter's own reader.

use super::node::{Member, Node, Place, Span, Value};

/// Deeper than what the filter's reader takes, which says so itself.
const DEEPEST: usize = 200;

/// What is wrong with a text, and the index of the character where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonFault {
    pub index: usize,
    pub message: &'static str,
}

/// Reads a text that is one JSON value; `place` says where each of its characters stands, and what follows the last.
///
/// # Errors
/// [`JsonFault`] where it stops being JSON.
pub fn read(letters: &[char], place: &dyn Fn(usize) -> Place) -> Result<Node, JsonFault> {
    let mut reader = Reader { letters, index: 0, place, depth: 0 };
    reader.skip_whitespace();
    let node = reader.value()?;
    reader.skip_whitespace();
    if reader.index < letters.len() { Err(reader.fault("there is more behind the value")) } else { Ok(node) }
}

struct Reader<'a> {
    letters: &'a [char],
    index: usize,
    place: &'a dyn Fn(usize) -> Place,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node, JsonFault> {
        let start = self.index;
        let value = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => Value::Text(self.text()?.into()),
            Some('t') => self.word("true", Value::Boolean(true))?,
            Some('f') => self.word("false", Value::Boolean(false))?,
            Some('n') => self.word("null", Value::Null)?,
            Some('-' | '0'..='9') => self.number()?,
            _ => return Err(self.fault("a value is expected here")),
        };
        Ok(Node { value, span: self.span(start) })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonFault>) -> Result<Value, JsonFault> {
        if self.depth >= DEEPEST {
            return Err(self.fault("values are nested too deeply"));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, JsonFault> {
        let mut members = Vec::new();
        self.index += 1;
        self.skip_whitespace();
        if self.takes('}') {
            return Ok(Value::Object(members));
        }
        loop {
            let start = self.index;
            if self.peek() != Some('"') {
                return Err(self.fault("a name in double quotes is expected here"));
            }
            let key = self.text()?.into();
            let key_span = self.span(start);
            self.skip_whitespace();
            if !self.takes(':') {
                return Err(self.fault("\":\" is expected here"));
            }
            self.skip_whitespace();
            members.push(Member { key, key_span, value: self.value()? });
            self.skip_whitespace();
            match self.peek() {
                Some(',') => self.index += 1,
                Some('}') => break,
                _ => return Err(self.fault("\",\" or \"}\" is expected here")),
            }
            self.skip_whitespace();
        }
        self.index += 1;
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Result<Value, JsonFault> {
        let mut elements = Vec::new();
        self.index += 1;
        self.skip_whitespace();
        if self.takes(']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            self.skip_whitespace();
            match self.peek() {
                Some(',') => self.index += 1,
                Some(']') => break,
                _ => return Err(self.fault("\",\" or \"]\" is expected here")),
            }
            self.skip_whitespace();
        }
        self.index += 1;
        Ok(Value::Array(elements))
    }

    fn text(&mut self) -> Result<String, JsonFault> {
        let start = self.index;
        self.index += 1;
        loop {
            match self.peek() {
                Some('"') => break,
                Some('\\') => self.index += 2,
                Some(' '..) => self.index += 1,
                Some(_) => return Err(self.fault("a control character must be written as an escape")),
                None => return Err(JsonFault { index: start, message: "a string does not end" }),
            }
        }
        self.index += 1;
        serde_json::from_str(&self.written(start))
            .map_err(|_| JsonFault { index: start, message: "a string holds an escape that is none" })
    }

    fn number(&mut self) -> Result<Value, JsonFault> {
        let start = self.index;
        while matches!(self.peek(), Some('-' | '+' | '.' | 'e' | 'E' | '0'..='9')) {
            self.index += 1;
        }
        let number = serde_json::from_str(&self.written(start)).map(Value::Number);
        number.map_err(|_| JsonFault { index: start, message: "a number is not written as one, or is too large" })
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonFault> {
        if !word.chars().all(|letter| self.takes(letter)) {
            return Err(self.fault("a value is expected here"));
        }
        Ok(value)
    }

    /// What is written from there on, which the parser that the filter uses takes apart.
    fn written(&self, start: usize) -> String {
        self.letters.get(start..self.index).unwrap_or_default().iter().collect()
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.index += 1;
        }
    }

    fn takes(&mut self, letter: char) -> bool {
        let is_next = self.peek() == Some(letter);
        self.index += usize::from(is_next);
        is_next
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.index).copied()
    }

    fn span(&self, start: usize) -> Span {
        Span { start: (self.place)(start), end: (self.place)(self.index) }
    }

    fn fault(&self, message: &'static str) -> JsonFault {
        JsonFault { index: self.index, message }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Node, JsonFault> {
        let source = Source::new(text);
        read(source.letters(), &|index| source.place(index))
    }

    fn agrees(text: &str) -> bool {
        match (parse(text), serde_json::from_str::<serde_json::Value>(text)) {
            (Ok(node), Ok(value)) => node.to_json() == value,
            (Err(_), Err(_)) => true,
            _ => false,
        }
    }

    #[test]
    fn values_stand_where_they_are_written() {
        let node = parse("{\"a\": [1,\r\n  \"é\\\"\"] }").unwrap();
        let span = |line, column, end| Span { start: Place { line, column }, end: Place { line, column: end } };
        assert_eq!(node.members()[0].key_span, span(1, 2, 5));
        let list = node.get("a").unwrap();
        assert_eq!(list.elements()[0].span, span(1, 8, 9));
        assert_eq!(list.elements()[1].span, span(2, 3, 8));
        assert_eq!(list.span, Span { start: Place { line: 1, column: 7 }, end: Place { line: 2, column: 9 } });
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_stops() {
        for (text, index) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("[1 2]", 3),
            ("1 2", 2),
            ("\"a", 0),
            ("{\"a\" 1}", 5),
            ("tru", 3),
            ("01", 0),
            ("[\"\\x\"]", 1),
            ("[\"\\ud800\"]", 1),
            ("\"\t\"", 1),
            ("1e999", 0),
            ("'a'", 0),
            ("{} # x", 3),
            ("\"\\", 0),
        ] {
            assert_eq!(parse(text).unwrap_err().index, index, "{text}");
            assert!(agrees(text), "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().message, "values are nested too deeply");
    }

    proptest! {
        #[test]
        fn it_takes_what_the_filter_takes(text in "[\\[\\]{},:\"\\\\a1.e -]{0,12}|\\PC{0,6}") {
            prop_assert!(agrees(&text), "{}", text);
        }
    }
}
