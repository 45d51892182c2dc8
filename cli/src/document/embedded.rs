//! JSON text that a string of a document holds, with places in the file where they can be told.

use super::json;
use super::node::{Node, Place, Span};
use super::source::Source;

/// Reads the JSON text in `node`, a string of `source`. In a literal block, and in a string of one line, each place is
/// where the character stands in the file; in any other string it is where the string begins.
///
/// # Errors
/// Where it is no JSON, and why.
pub fn read_text(node: &Node, source: &Source) -> Result<Node, (Place, &'static str)> {
    let letters: Vec<char> = node.text().unwrap_or_default().chars().collect();
    let places = places(&letters, node.span, source).unwrap_or_default();
    let place = |index: usize| places.get(index).copied().unwrap_or(node.span.start);
    json::read(&letters, &place).map_err(|fault| (place(fault.index), fault.message))
}

/// Where each character of the text stands, and what follows the last one. `None` where that cannot be told.
fn places(letters: &[char], span: Span, source: &Source) -> Option<Vec<Place>> {
    let (start, end) = (source.index(span.start), source.index(span.end));
    match source.get(start)? {
        '|' => block(letters, span.start.line, source),
        _ if span.start.line != span.end.line => None,
        '"' => line(letters, start + 1, end.checked_sub(1)?, source, escape),
        '\'' => {
            line(letters, start + 1, end.checked_sub(1)?, source, |rest| if rest.starts_with("''") { 2 } else { 1 })
        }
        _ => line(letters, start, end, source, |_| 1),
    }
}

/// Each line of the text is the end of the line of the file below that of the `|`.
fn block(letters: &[char], header: usize, source: &Source) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for (offset, line) in letters.split(|letter| *letter == '\n').enumerate() {
        let number = header + 1 + offset;
        let raw = source.line(number);
        let indent = if line.is_empty() { raw.len() } else { raw.len().checked_sub(line.len())? };
        if !raw.ends_with(line) {
            return None;
        }
        places.extend((0..=line.len()).map(|index| Place { line: number, column: indent + index + 1 }));
    }
    Some(places)
}

/// Characters of one line; `width` says how many characters of the file write the next one of the text.
fn line(letters: &[char], start: usize, end: usize, source: &Source, width: fn(&str) -> usize) -> Option<Vec<Place>> {
    let (mut index, mut places) = (start, Vec::new());
    for letter in letters {
        places.push(source.place(index));
        // The longest escape of a character has twelve.
        let rest: String = source.between(index, end.min(index + 12)).iter().collect();
        let width = width(&rest);
        if width == 1 && !rest.starts_with(*letter) {
            return None;
        }
        index += width;
    }
    places.push(source.place(index));
    (index == end).then_some(places)
}

/// Escapes of JSON and of YAML.
fn escape(rest: &str) -> usize {
    let Some(escape) = rest.strip_prefix('\\') else { return 1 };
    match escape.chars().next() {
        Some('x') => 4,
        Some('u') if is_high_surrogate(escape) => 12,
        Some('u') => 6,
        Some('U') => 10,
        _ => 2,
    }
}

fn is_high_surrogate(escape: &str) -> bool {
    let code = escape.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| (0xd800..0xdc00).contains(&code))
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::super::read::documents;
    use super::*;

    /// Where the value of `b` in the JSON text at `a` stands, and where the text stops being JSON.
    fn place(text: &str) -> Result<(usize, usize), (usize, usize)> {
        let file = File { name: "x".to_owned(), text: text.to_owned() };
        let (documents, faults) = documents(0, &file);
        assert!(faults.is_empty(), "{faults:?}");
        let read = read_text(documents[0].root.get("a").unwrap(), &Source::new(text));
        let start = |place: Place| (place.line, place.column);
        read.map(|node| start(node.get("b").unwrap().span.start)).map_err(|(place, _)| start(place))
    }

    #[test]
    fn places_are_exact_where_they_can_be() {
        for (text, is) in [
            ("a: '{\"b\": 1}'", (1, 11)),
            ("a: '{\"x''y\": 1, \"b\": 1}'", (1, 22)),
            ("a: \"{\\\"x\\\": \\\"\\u00e9\\x41\\\", \\\"b\\\": 1}\"", (1, 36)),
            ("{\"a\": \"{\\\"\\ud83d\\ude00\\\": 0, \\\"b\\\": 1}\"}", (1, 37)),
            ("a: |\n  {\n    \"x\": 1,\n\n    \"b\": 1\n  }\n", (5, 10)),
            ("a: |2-\n    {\"b\":\n     1}\n", (3, 6)),
            ("a: !!str |+ # c\r\n  {\"b\":\r\n   1}\r\n\r\n", (3, 4)),
            // Only the beginning can be told.
            ("a: >\n  {\"b\":\n  1}\n", (1, 4)),
            ("a: \"{\\\"b\\\":\n  1}\"\n", (1, 4)),
            ("a: '{\"b\":\n\n  1}'\n", (1, 4)),
        ] {
            assert_eq!(place(text), Ok(is), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_stops_somewhere() {
        for (text, is) in [
            ("a: '{\"b\": }'", (1, 11)),
            ("a: |\n  {\n    b: 1\n  }\n", (3, 5)),
            ("a: |\n  {\n", (3, 1)),
            ("a: ''", (1, 5)),
        ] {
            assert_eq!(place(text), Err(is), "{text}");
        }
    }
}
