//! A value of a document, and where it stands.

/// A place in a file; line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// From the first character to the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: Place,
    pub end: Place,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// As JSON has them.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(Box<str>),
    Array(Vec<Node>),
    /// In the order of the document; a key that is repeated is there as often.
    Object(Vec<Member>),
}

#[derive(Clone, Debug)]
pub struct Member {
    pub key: Box<str>,
    pub key_span: Span,
    pub value: Node,
}

impl Node {
    /// The value of a member, the last one where the key is repeated.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|member| &*member.key == key).map(|member| &member.value)
    }

    /// A field of a protobuf message, by its name or in camel case: the JSON of protobuf takes both.
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.get(name).or_else(|| self.get(&camel_case(name)))
    }

    pub fn members(&self) -> &[Member] {
        if let Value::Object(members) = &self.value { members } else { &[] }
    }

    pub fn elements(&self) -> &[Self] {
        if let Value::Array(elements) = &self.value { elements } else { &[] }
    }

    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &initial.into_iter().chain(letters).collect::<String>()
    })
}
