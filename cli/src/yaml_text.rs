//! YAML that is written: block style, members in the order given, comments where they help.

use serde_json::{Map, Value};
use std::fmt::Write;

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yaml {
    content: Content,
    comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Boolean(bool),
    Number(i64),
    Text(String),
    Array(Vec<Yaml>),
    Object(Vec<(String, Yaml)>),
}

impl Yaml {
    pub fn text(text: impl Into<String>) -> Self {
        Content::Text(text.into()).into()
    }

    pub fn number(number: impl Into<i64>) -> Self {
        Content::Number(number.into()).into()
    }

    pub fn boolean(value: bool) -> Self {
        Content::Boolean(value).into()
    }

    pub fn array(elements: impl IntoIterator<Item = Self>) -> Self {
        Content::Array(elements.into_iter().collect()).into()
    }

    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::array(texts.into_iter().map(Self::text))
    }

    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Content::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect()).into()
    }

    /// Stands at the end of the value's line, or of its key's, or before it where it is an element of an array.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Boolean(value) => Value::from(*value),
            Content::Number(number) => Value::from(*number),
            Content::Text(text) => Value::from(text.as_str()),
            Content::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Content::Object(members) => {
                let members = members.iter().map(|(key, value)| (key.clone(), value.to_json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// What stands in one line, behind a key.
    fn inline(&self) -> Option<String> {
        match &self.content {
            Content::Boolean(value) => Some(value.to_string()),
            Content::Number(number) => Some(number.to_string()),
            Content::Text(text) => Some(scalar(text)),
            Content::Array(elements) if elements.is_empty() => Some("[]".into()),
            Content::Object(members) if members.is_empty() => Some("{}".into()),
            Content::Array(_) | Content::Object(_) => None,
        }
    }
}

impl From<Content> for Yaml {
    fn from(content: Content) -> Self {
        Self { content, comment: None }
    }
}

/// The lines of the value in YAML 1.2, each indented by `indent` spaces and ended by a line feed.
pub fn block(value: &Yaml, indent: usize) -> String {
    let mut text = String::new();
    write_block(value, &" ".repeat(indent), &mut text);
    text
}

fn write_block(value: &Yaml, indent: &str, text: &mut String) {
    match &value.content {
        Content::Array(elements) if !elements.is_empty() => {
            for element in elements {
                write_element(element, indent, text);
            }
        }
        Content::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                write_member(key, member, indent, text);
            }
        }
        _ => line(indent, &value.inline().unwrap_or_default(), value.comment.as_deref(), text),
    }
}

fn write_member(key: &str, member: &Yaml, indent: &str, text: &mut String) {
    let key = scalar(key);
    let comment = member.comment.as_deref();
    if let Some(inline) = member.inline() {
        return line(indent, &format!("{key}: {inline}"), comment, text);
    }
    line(indent, &format!("{key}:"), comment, text);
    // Elements stand below the first letter of their key, as Kubernetes writes them.
    let deeper = if matches!(member.content, Content::Array(_)) { indent.to_owned() } else { format!("{indent}  ") };
    write_block(member, &deeper, text);
}

fn write_element(element: &Yaml, indent: &str, text: &mut String) {
    let comment = element.comment.as_deref();
    if let Some(inline) = element.inline() {
        return line(indent, &format!("- {inline}"), comment, text);
    }
    if let Some(comment) = comment {
        line(indent, &format!("# {}", one_line(comment)), None, text);
    }
    let mut inner = String::new();
    write_block(element, &format!("{indent}  "), &mut inner);
    // The dash takes the place of the first line's indentation: the dash of an element, or a comment of one, is there.
    let first = inner.get(indent.len() + 2..).unwrap_or_default();
    let _ = write!(text, "{indent}- {first}");
}

fn line(indent: &str, content: &str, comment: Option<&str>, text: &mut String) {
    let _ = match comment {
        Some(comment) => writeln!(text, "{indent}{content}  # {}", one_line(comment)),
        None => writeln!(text, "{indent}{content}"),
    };
}

/// A comment ends with its line.
fn one_line(comment: &str) -> String {
    comment.chars().map(|letter| if is_printable(letter) { letter } else { '\u{fffd}' }).collect()
}

/// The text in a form that every reader of YAML, old and new, takes for this text.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.into() } else { quoted(text) }
}

/// Words that YAML 1.1 or 1.2 reads as something else than text.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && !text.ends_with(':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:-".contains(&byte))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        let _ = match letter {
            '"' | '\\' => write!(quoted, "\\{letter}"),
            '\n' => write!(quoted, "\\n"),
            '\t' => write!(quoted, "\\t"),
            letter if is_printable(letter) => write!(quoted, "{letter}"),
            letter => write!(quoted, "\\U{:08X}", u32::from(letter)),
        };
    }
    quoted.push('"');
    quoted
}

/// YAML 1.2 §5.1 and §5.4, less line separators of YAML 1.1 and what is not seen.
fn is_printable(letter: char) -> bool {
    matches!(letter,
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{1fff}' | '\u{2030}'..='\u{205e}' | '\u{2070}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests;
