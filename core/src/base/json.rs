//! Strict reading of foreign JSON (RFC 8259): it must be UTF-8, a member that is read must not be given twice, at
//! any depth, and a value of the wrong type is named.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;
use std::borrow::Cow;
use std::fmt;

/// A value. Strings are copied only where they are written with escapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Boolean(bool),
    /// A number, as an integer where it is written as one.
    Number(Number),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// As many members as most objects have.
const USUAL_MEMBERS: usize = 12;

/// Members, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Why a text cannot be read as an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    NotAnObject,
    /// A member that is read is given twice.
    GivenTwice,
}

/// The member of this name has an unusable type or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableMember(pub &'static str);

/// Where a text stops being JSON. The parser's own message is not kept: it may quote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1; 0 at the end of a line.
    pub column: usize,
}

impl<'a> Json<'a> {
    /// Reads one value. Its objects keep what is given twice, for [`Object::take_repeated`].
    ///
    /// # Errors
    /// [`SyntaxError`] when the text is not one JSON value.
    pub fn read(text: &'a [u8]) -> Result<Self, SyntaxError> {
        read(text, None).map_err(|error| SyntaxError { line: error.line(), column: error.column() })
    }

    /// Its type, as in "must be a string, got an array".
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// What a JSON pointer (RFC 6901) leads to.
    pub fn pointed(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let (token, rest) = first_token(pointer)?;
        let next = match self {
            Self::Object(object) => object.get(&token),
            Self::Array(list) if token == "0" || !token.starts_with(['0', '+']) => {
                list.get(token.parse::<usize>().ok()?)
            }
            _ => None,
        };
        next?.pointed(rest)
    }

    fn repeats_a_member(&mut self) -> bool {
        match self {
            Self::Array(list) => list.iter_mut().any(Self::repeats_a_member),
            Self::Object(object) => object.repeats_a_member(),
            _ => false,
        }
    }
}

impl<'a> Object<'a> {
    /// Reads those members of the one object in `text` that are `wanted`. The others are checked for syntax and
    /// dropped.
    ///
    /// # Errors
    /// [`ObjectError`] when it is something else, or gives a member twice that is read.
    pub fn read(text: &'a [u8], wanted: &dyn Fn(&str) -> bool) -> Result<Self, ObjectError> {
        // All of it must be UTF-8 (RFC 8259 §8.1), including what is skipped.
        std::str::from_utf8(text).map_err(|_| ObjectError::NotAnObject)?;
        let Ok(Json::Object(mut object)) = read(text, Some(wanted)) else { return Err(ObjectError::NotAnObject) };
        if object.repeats_a_member() { Err(ObjectError::GivenTwice) } else { Ok(object) }
    }

    pub fn new(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(members)
    }

    /// The member; `None` when it is absent.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        // Among few, names of another length are passed over at once; in a VM an ordering costs more than that.
        let found = match self.0.len() {
            ..=USUAL_MEMBERS => self.0.iter().find(|(key, _)| **key == *name),
            _ => self.0.get(self.0.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?),
        };
        found.map(|(_, value)| value)
    }

    /// The member, unless it is absent or null.
    pub fn present(&self, name: &str) -> Option<&Json<'a>> {
        self.get(name).filter(|value| !matches!(value, Json::Null))
    }

    /// The string, unless it is absent or null.
    ///
    /// # Errors
    /// [`UnusableMember`] when it is something else.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, UnusableMember> {
        let text = self.present(name).map(|value| value.as_text().ok_or(UnusableMember(name)));
        text.transpose()
    }

    /// What a JSON pointer other than that to the whole leads to.
    pub fn pointed(&self, pointer: &str) -> Option<&Json<'a>> {
        let (name, rest) = first_token(pointer)?;
        self.get(&name)?.pointed(rest)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Each member's value, by name, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Json<'a>)> {
        self.0.iter_mut().map(|(name, value)| (&**name, value))
    }

    /// Takes out what is given again, all but the last of each name; the names.
    pub fn take_repeated(&mut self) -> Vec<Cow<'a, str>> {
        let mut repeated = Vec::new();
        self.0.dedup_by(|later, earlier| {
            let again = later.0 == earlier.0;
            if again {
                repeated.push(later.0.clone());
                std::mem::swap(later, earlier);
            }
            again
        });
        repeated
    }

    /// Whether it, or what is in it, gives a member twice.
    pub fn repeats_a_member(&mut self) -> bool {
        !self.take_repeated().is_empty() || self.iter_mut().any(|(_, value)| value.repeats_a_member())
    }
}

/// The name of the member that a JSON pointer leads to first, and the pointer from there.
pub fn first_token(pointer: &str) -> Option<(Cow<'_, str>, &str)> {
    let tokens = pointer.strip_prefix('/')?;
    let (token, rest) = tokens.split_at(tokens.find('/').unwrap_or(tokens.len()));
    let token = if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() };
    Some((token, rest))
}

fn read<'a>(text: &'a [u8], wanted: Option<&dyn Fn(&str) -> bool>) -> serde_json::Result<Json<'a>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Reading(wanted).deserialize(&mut deserializer)?;
    deserializer.end().map(|()| value)
}

/// Reads a value; of an object, the wanted members.
struct Reading<'w>(Option<&'w dyn Fn(&str) -> bool>);

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(text.to_owned().into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(number.into())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'de>, E> {
        Ok(Json::Boolean(flag))
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(Reading(None))? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        // Nested ones may be many, and empty.
        let mut members = Vec::with_capacity(if self.0.is_some() { USUAL_MEMBERS } else { 0 });
        while let Some(name) = map.next_key_seed(Reading(None))? {
            let Json::Text(name) = name else { return Err(A::Error::custom("a name is a string")) };
            if self.0.is_some_and(|wanted| !wanted(&name)) {
                map.next_value::<IgnoredAny>()?;
            } else {
                members.push((name, map.next_value_seed(Reading(None))?));
            }
        }
        Ok(Json::Object(Object::new(members)))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(list) => serializer.collect_seq(list),
            Self::Object(object) => serializer.collect_map(object.iter()),
        }
    }
}

/// NaN and infinity become null, as in `JSON.stringify`.
impl From<f64> for Json<'_> {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnObject => "it is not a JSON object",
            Self::GivenTwice => "a member is given twice",
        })
    }
}

impl fmt::Display for UnusableMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" has a type or value of no use", self.0)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not valid JSON at line {} column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests;
