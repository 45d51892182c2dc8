//! The configuration keys as data: each once, with its name, type, default and meaning.

use std::time::Duration;

/// A key of a section. [`keys!`](super::keys) declares them, and only what it declares can be read.
pub struct Key<K> {
    name: &'static str,
    presence: Presence,
    pub kind: K,
}

/// What the absence of a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// The same as this value, in JSON.
    Default(&'static str),
}

/// The values that a key accepts, as far as data can describe them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Boolean,
    /// A whole number between the two, inclusive.
    Integer(u32, u32),
    Duration(Duration, Duration),
    Word(Vec<&'static str>),
    Text,
    /// A string, or the name of an environment variable.
    Secret,
    Array,
    Object,
}

/// A key without the code that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    pub name: &'static str,
    pub presence: Presence,
    pub shape: Shape,
    pub meaning: &'static str,
}

/// The keys of one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTable {
    /// Where the section stands, such as `apis[].match`; in some cases in several places.
    pub paths: &'static [&'static str],
    pub keys: Vec<KeyDescription>,
}

/// Something that accepts values of a certain shape.
pub trait Shaped {
    fn shape(&self) -> Shape;
}

/// Accepts what its content accepts, or no value at all.
pub struct Maybe<K>(pub K);

/// A value whose reading depends on other sections.
pub struct Part(pub Shape);

impl<K: Shaped> Shaped for Maybe<K> {
    fn shape(&self) -> Shape {
        self.0.shape()
    }
}

impl Shaped for Part {
    fn shape(&self) -> Shape {
        self.0.clone()
    }
}

impl<K> Key<K> {
    pub const fn required(name: &'static str, kind: K) -> Self {
        Self { name, presence: Presence::Required, kind }
    }

    /// A key with a default, in JSON.
    pub const fn or(name: &'static str, kind: K, default: &'static str) -> Self {
        Self { name, presence: Presence::Default(default), kind }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn presence(&self) -> Presence {
        self.presence
    }
}

impl<K> Key<Maybe<K>> {
    /// A key whose absence means something that no value could say.
    pub const fn optional(name: &'static str, kind: K) -> Self {
        Self { name, presence: Presence::Optional, kind: Maybe(kind) }
    }
}

impl<K: Shaped> Key<K> {
    /// The key as data; `meaning` as a doc comment has it.
    pub fn described(&self, meaning: &'static str) -> KeyDescription {
        let (name, presence) = (self.name, self.presence);
        KeyDescription { name, presence, shape: self.kind.shape(), meaning: meaning.trim_start() }
    }
}

/// The name of a field: `match` is a word of Rust, too.
pub const fn name_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares the keys of a section: `name: kind = required(…)`, `or(…, default)` or `optional(…)`, each below a comment
/// that says what it means.
macro_rules! keys {
    (
        $(#[$doc:meta])*
        $table:ident: $type:ident at $($path:literal),+;
        $($(#[doc = $meaning:literal])+ $key:ident: $kind:ty = $how:ident($($argument:expr),+ $(,)?);)+
    ) => {
        $(#[$doc])*
        pub(crate) static $table: $type =
            $type { $($key: $crate::config::key::Key::$how($crate::config::key::name_of(stringify!($key)), $($argument),+),)+ };

        $(#[$doc])*
        pub(crate) struct $type {
            $($(#[doc = $meaning])+ pub $key: $crate::config::key::Key<$kind>,)+
        }

        impl $type {
            pub(crate) fn table(&self) -> $crate::config::key::KeyTable {
                $crate::config::key::KeyTable {
                    paths: &[$($path),+],
                    keys: vec![$(self.$key.described(concat!($($meaning),+)),)+],
                }
            }
        }
    };
}
pub(super) use keys;
