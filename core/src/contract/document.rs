//! Reads a contract document incrementally from its bytes.
//!
//! The document is one JSON object with an array `contracts` or `changes`, and perhaps a `cursor`. Each step reads
//! one element of the array or passes over one other member, so that a reader can pause anywhere.

use crate::contract::entry::{Entry, RawRow};
use crate::contract::scan::{BROKEN, DocumentError, Scan, Scanned};

/// Longest cursor, in bytes.
pub(super) const MAX_CURSOR: usize = 2048;

/// What a document's entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// `contracts`: all of them.
    Snapshot,
    /// `changes`: what is different since a cursor.
    Delta,
}

const TWO_ARRAYS: DocumentError = DocumentError("the document has more than one array of contracts");
const NO_ARRAY: DocumentError = DocumentError("the document has neither contracts nor changes");
const NOT_AN_ARRAY: DocumentError = DocumentError("contracts or changes is not an array");
const BAD_CURSOR: DocumentError = DocumentError("the cursor is not a string, or too long, or given twice");

/// One step through a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An element, what the array is, and the element's number in it, from 0.
    Entry(DocumentKind, usize, Entry),
    Passed,
    End,
}

/// A document that is being read.
#[derive(Debug)]
pub(super) struct Document {
    body: Vec<u8>,
    at: usize,
    position: Position,
    kind: Option<DocumentKind>,
    cursor: Option<Box<str>>,
    entries: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Start,
    FirstMember,
    NextMember,
    FirstElement(DocumentKind),
    NextElement(DocumentKind),
    End,
}

impl Document {
    /// Nothing of `body` has been read yet.
    pub(super) fn new(body: Vec<u8>) -> Self {
        // RFC 8259 §8.1 lets a reader ignore a byte order mark.
        let at = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { body, at, position: Position::Start, kind: None, cursor: None, entries: 0 }
    }

    /// Number of bytes that have been read.
    pub(super) fn read(&self) -> usize {
        self.at
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &[u8] {
        self.body.get(from..to).unwrap_or_default()
    }

    /// What the entries are, as soon as the array has been reached.
    pub(super) fn kind(&self) -> Option<DocumentKind> {
        self.kind
    }

    /// The cursor, if it has been passed.
    pub(super) fn take_cursor(&mut self) -> Option<Box<str>> {
        self.cursor.take()
    }

    /// Goes one step on.
    ///
    /// # Errors
    /// [`DocumentError`] when it is not a contract document; it is of no use then, including what was read before.
    pub(super) fn step(&mut self) -> Result<Step, DocumentError> {
        match self.position {
            Position::Start => {
                let mut scan = Scan::new(&self.body, self.at);
                scan.take(b'{')?;
                self.at = scan.at;
                self.position = Position::FirstMember;
            }
            Position::FirstMember | Position::NextMember => return self.member(),
            Position::FirstElement(kind) | Position::NextElement(kind) => return self.element(kind),
            Position::End => return Ok(Step::End),
        }
        Ok(Step::Passed)
    }

    fn member(&mut self) -> Result<Step, DocumentError> {
        let mut scan = Scan::new(&self.body, self.at);
        if scan.peek()? == b'}' {
            self.at = scan.at + 1;
            return self.end();
        }
        if self.position == Position::NextMember {
            scan.take(b',')?;
        }
        self.position = Position::NextMember;
        let name = scan.name()?;
        let name = if let Scanned::Text(name) = &name { name } else { "" };
        match name {
            "contracts" => return self.open(DocumentKind::Snapshot, scan.at),
            "changes" => return self.open(DocumentKind::Delta, scan.at),
            "cursor" => {
                let cursor = match scan.value()? {
                    Scanned::Null => None,
                    Scanned::Text(text) if text.len() <= MAX_CURSOR => Some(text.as_ref().into()),
                    _ => return Err(BAD_CURSOR),
                };
                if self.cursor.is_some() {
                    return Err(BAD_CURSOR);
                }
                self.at = scan.at;
                self.cursor = cursor;
            }
            _ => {
                scan.pass_over()?;
                self.at = scan.at;
            }
        }
        Ok(Step::Passed)
    }

    fn open(&mut self, kind: DocumentKind, at: usize) -> Result<Step, DocumentError> {
        if self.kind.is_some() {
            return Err(TWO_ARRAYS);
        }
        let mut scan = Scan::new(&self.body, at);
        if scan.peek()? != b'[' {
            return Err(NOT_AN_ARRAY);
        }
        self.at = scan.at + 1;
        self.kind = Some(kind);
        self.position = Position::FirstElement(kind);
        Ok(Step::Passed)
    }

    fn element(&mut self, kind: DocumentKind) -> Result<Step, DocumentError> {
        let mut scan = Scan::new(&self.body, self.at);
        if scan.peek()? == b']' {
            self.at = scan.at + 1;
            self.position = Position::NextMember;
            return Ok(Step::Passed);
        }
        if self.position == Position::NextElement(kind) {
            scan.take(b',')?;
        }
        let entry = match scan.peek()? {
            b'{' => RawRow::read(&mut scan)?.entry(),
            _ => {
                scan.pass_over()?;
                Entry::no_object()
            }
        };
        self.at = scan.at;
        self.position = Position::NextElement(kind);
        let number = self.entries;
        self.entries += 1;
        Ok(Step::Entry(kind, number, entry))
    }

    fn end(&mut self) -> Result<Step, DocumentError> {
        if !Scan::new(&self.body, self.at).is_at_end() {
            return Err(BROKEN);
        }
        if self.kind.is_none() {
            return Err(NO_ARRAY);
        }
        self.position = Position::End;
        Ok(Step::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::scan::{MAX_VALUE, TOO_LARGE, TRUNCATED};
    use proptest::prelude::*;

    struct Read {
        kind: Option<DocumentKind>,
        held: Vec<String>,
        bad: Vec<usize>,
        removed: usize,
        cursor: Option<Box<str>>,
    }

    fn read(text: impl AsRef<[u8]>) -> Result<Read, DocumentError> {
        let mut document = Document::new(text.as_ref().to_vec());
        let (mut held, mut bad, mut removed) = (Vec::new(), Vec::new(), 0);
        loop {
            match document.step()? {
                Step::Entry(_, _, Entry::Holds(row)) => held.push(row.identity.client_id.into()),
                Step::Entry(_, _, Entry::Removed(_)) => removed += 1,
                Step::Entry(_, at, Entry::Unreadable(_)) => bad.push(at),
                Step::Passed => {}
                Step::End => break,
            }
        }
        let (kind, cursor) = (document.kind(), document.take_cursor());
        Ok(Read { kind, held, bad, removed, cursor })
    }

    fn fails(text: impl AsRef<[u8]>, error: DocumentError) {
        let shown = String::from_utf8_lossy(text.as_ref()).into_owned();
        assert_eq!(read(text).err(), Some(error), "{shown}");
    }

    const ROW: &str = r#"{"api":"a","client_id":"c"}"#;

    #[test]
    fn members_come_in_any_order_and_unknown_ones_are_passed() {
        let text = format!(
            "\u{feff} {{\"x\": [1, {{\"contracts\": [{{}}]}}, -1e5], \"cursor\" : \"7\" ,\n\"contracts\":[ {ROW} , {ROW}] , \"y\":5,\"z\":null }} \n"
        );
        let read = read(text).unwrap();
        assert_eq!(read.kind, Some(DocumentKind::Snapshot));
        assert_eq!(read.held, ["c", "c"]);
        assert_eq!(read.cursor.as_deref(), Some("7"));
    }

    #[test]
    fn deltas_have_changes_and_removals() {
        let text = format!(r#"{{"changes":[{ROW},{{"api":"a","client_id":"d","status":"removed"}}],"cursor":null}}"#);
        let read = read(text).unwrap();
        assert_eq!((read.kind, read.removed), (Some(DocumentKind::Delta), 1));
        assert_eq!(read.cursor, None);
    }

    #[test]
    fn a_bad_row_costs_no_other() {
        for bad in [
            "5",
            "null",
            "\"x\"",
            "[]",
            r#"["a",null,"c"]"#,
            "{}",
            r#"{"api":"a","client_id":"c","api":"b"}"#,
            r#"{"api":"a","client_id":"\ud800"}"#,
            r#"{"api":"a","client_id":"c","expires_at":1e999}"#,
        ] {
            let read = read(format!(r#"{{"contracts":[{ROW},{bad},{ROW}]}}"#)).unwrap();
            assert_eq!((read.held.len(), read.bad), (2, vec![1]), "{bad}");
        }
        let text = [&b"{\"contracts\":[{\"api\":\"a\",\"client_id\":\"\xff\"},"[..], ROW.as_bytes(), b"]}"].concat();
        let read = read(text).unwrap();
        assert_eq!((read.held.len(), read.bad), (1, vec![0]));
    }

    #[test]
    fn what_is_not_a_contract_document_fails_as_a_whole() {
        for text in ["[]", "5", "<html></html>", "{\"contracts\":[}]", "{\"contracts\" []}", "{,}"] {
            fails(text, BROKEN);
        }
        fails(format!(r#"{{"contracts":[{ROW}]}} x"#), BROKEN);
        fails(format!(r#"{{"contracts":[{ROW} {ROW}]}}"#), BROKEN);
        fails(r#"{"contracts":[{"api":"a"]}"#, BROKEN);
        fails("", TRUNCATED);
        fails("{}", NO_ARRAY);
        fails(r#"{"error":"x"}"#, NO_ARRAY);
        fails(r#"{"contracts":{}}"#, NOT_AN_ARRAY);
        fails(r#"{"contracts":null}"#, NOT_AN_ARRAY);
        fails(r#"{"contracts":[],"changes":[]}"#, TWO_ARRAYS);
        fails(r#"{"contracts":[],"cursor":7}"#, BAD_CURSOR);
        fails(r#"{"cursor":"a","contracts":[],"cursor":"b"}"#, BAD_CURSOR);
        let cursor = |bytes: usize| format!(r#"{{"contracts":[],"cursor":"{}"}}"#, "x".repeat(bytes));
        assert_eq!(read(cursor(MAX_CURSOR)).unwrap().cursor.map(|cursor| cursor.len()), Some(MAX_CURSOR));
        fails(cursor(MAX_CURSOR + 1), BAD_CURSOR);
        let huge = "x".repeat(MAX_VALUE);
        fails(format!(r#"{{"contracts":[{{"api":"{huge}"}},{ROW}]}}"#), TOO_LARGE);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let text = format!(r#"{{"x":"y","contracts":[{ROW},{ROW}],"cursor":"7","n":12}}"#);
        for end in 0..text.len() {
            assert!(read(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(start in "(\\{\"contracts\":\\[)?", bytes: Vec<u8>) {
            let _ = read([start.as_bytes(), &bytes].concat());
        }

        #[test]
        fn no_json_like_text_does_harm(text in "[\\[\\]{}:,\"ac0 ]{0,40}") {
            let _ = read(format!("{{\"contracts\":[{text}"));
        }
    }
}
