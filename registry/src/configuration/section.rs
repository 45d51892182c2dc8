//! Tables of the configuration, read key by key: what nobody asks for is unknown.

use std::cell::RefCell;
use std::env::VarError;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

use crate::domain::text::Span;

/// A fault, and where it is. Never quotes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub path: String,
    pub problem: String,
}

impl Wrong {
    /// The text is no TOML. Its message may quote the text, so only the place is told.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        Self { path: format!("line {line}"), problem: "is not TOML, or a key is given twice".to_owned() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A key is anything that can be quoted, also what moves a cursor.
        write!(f, "{}: {}", self.path.escape_debug(), self.problem)
    }
}

/// The variables of an environment.
pub type Environment = dyn Fn(&str) -> Result<String, VarError>;

/// The faults so far, and where secrets are looked for.
pub(super) struct Reading<'a> {
    faults: RefCell<Vec<Wrong>>,
    environment: &'a Environment,
}

impl<'a> Reading<'a> {
    pub fn new(environment: &'a Environment) -> Self {
        Self { faults: RefCell::default(), environment }
    }

    pub fn faults(self) -> Vec<Wrong> {
        self.faults.into_inner()
    }
}

/// A table and its path.
pub(super) struct Section<'a> {
    reading: &'a Reading<'a>,
    path: String,
    left: Table,
    is_there: bool,
}

impl<'a> Section<'a> {
    pub fn root(reading: &'a Reading<'a>, table: Table) -> Self {
        Self { reading, path: String::new(), left: table, is_there: true }
    }

    pub fn environment(&self) -> &Environment {
        self.reading.environment
    }

    /// Whether the configuration has it.
    pub fn is_there(&self) -> bool {
        self.is_there
    }

    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A fault of a key; an empty one is the table itself.
    pub fn fault(&self, key: &str, problem: impl Into<String>) {
        let path = if key.is_empty() { self.path.clone() } else { self.path_of(key) };
        self.reading.faults.borrow_mut().push(Wrong { path, problem: problem.into() });
    }

    pub fn value(&mut self, key: &str) -> Option<Value> {
        self.left.remove(key)
    }

    /// A table that may be absent; it is empty then.
    pub fn section(&mut self, key: &str) -> Section<'a> {
        let (left, is_there) = match self.value(key) {
            Some(Value::Table(table)) => (table, true),
            Some(_) => {
                self.fault(key, "must be a table");
                (Table::new(), true)
            }
            None => (Table::new(), false),
        };
        Section { reading: self.reading, path: self.path_of(key), left, is_there }
    }

    /// Tables of an array that may be absent.
    pub fn sections(&mut self, key: &str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.fault(key, "must be an array of tables");
            return Vec::new();
        };
        let path = self.path_of(key);
        let tables = values.into_iter().enumerate().filter_map(|(index, value)| {
            let path = format!("{path}[{index}]");
            if let Value::Table(left) = value {
                return Some(Section { reading: self.reading, path, left, is_there: true });
            }
            self.reading.faults.borrow_mut().push(Wrong { path, problem: "must be a table".to_owned() });
            None
        });
        tables.collect()
    }

    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if text.is_empty() => {
                self.fault(key, "must not be empty");
                None
            }
            Value::String(text) => Some(text),
            _ => {
                self.fault(key, "must be a string");
                None
            }
        }
    }

    /// As [`Self::text`], and there must be one.
    pub fn required(&mut self, key: &str) -> Option<String> {
        if !self.left.contains_key(key) {
            self.fault(key, "is required");
        }
        self.text(key)
    }

    pub fn integer(&mut self, key: &str, default: u32, bounds: RangeInclusive<u32>) -> u32 {
        let Some(value) = self.value(key) else { return default };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|n| bounds.contains(n));
        number.unwrap_or_else(|| {
            self.fault(key, format!("must be an integer from {} to {}", bounds.start(), bounds.end()));
            default
        })
    }

    pub fn boolean(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.fault(key, "must be true or false");
            default
        })
    }

    pub fn duration(&mut self, key: &str, default: Duration, bounds: RangeInclusive<Duration>) -> Duration {
        let Some(value) = self.value(key) else { return default };
        let duration = value
            .as_str()
            .and_then(Span::parse)
            .map(|span| span.duration())
            .filter(|duration| bounds.contains(duration));
        duration.unwrap_or_else(|| {
            let [least, most] = [bounds.start(), bounds.end()].map(|bound| bound.as_secs());
            self.fault(key, format!("must be a duration such as \"15s\", from {least} s to {most} s"));
            default
        })
    }

    pub fn word(&mut self, key: &str, default: &'static str, words: &[&'static str]) -> &'static str {
        let Some(text) = self.text(key) else { return default };
        words.iter().find(|word| **word == text).copied().unwrap_or_else(|| {
            self.fault(key, format!("must be one of {}", words.join(", ")));
            default
        })
    }

    /// Strings of an array; `None` when it is absent.
    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let texts = value.as_array().and_then(|values| {
            values.iter().map(|value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)).collect()
        });
        if texts.is_none() {
            self.fault(key, "must be an array of strings that are not empty");
        }
        texts
    }

    /// What is left was not asked for.
    pub fn finish(self) {
        for key in self.left.keys() {
            self.fault(key, "is unknown");
        }
    }
}
