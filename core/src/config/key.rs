//! The configuration keys as data: each once, with its name, type, default and meaning.

use super::shape::{Shape, Shaped};

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

/// Accepts what its content accepts, or no value at all.
pub struct Maybe<K>(pub K);

/// A value whose reading depends on other sections.
pub struct Elsewhere;

impl<K: Shaped> Shaped for Maybe<K> {
    fn shape(&self) -> Shape {
        self.0.shape()
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

/// The key as data; `meaning` as a doc comment has it.
pub fn described<K>(key: &Key<K>, shape: Shape, meaning: &'static str) -> KeyDescription {
    KeyDescription { name: key.name, presence: key.presence, shape, meaning: meaning.trim_start() }
}

/// The name of a field: `match` is a word of Rust, too.
pub const fn name_of(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares the keys of a section: `name: kind = required(…)`, `or(…, default)` or `optional(…)`, each below a comment
/// that says what it means. `as` says what shape its values have, where their type does not.
macro_rules! keys {
    (@shape $key:expr) => { $crate::config::shape::Shaped::shape(&$key.kind) };
    (@shape $key:expr, $shape:expr) => { $shape };
    (
        $(#[$doc:meta])*
        $table:ident: $type:ident at $($path:literal),+;
        $($(#[doc = $meaning:literal])+ $key:ident: $kind:ty = $how:ident($($argument:expr),+ $(,)?) $(as $shape:expr)?;)+
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
                    keys: vec![$($crate::config::key::described(
                        &self.$key, keys!(@shape self.$key $(, $shape)?), concat!($($meaning),+),
                    ),)+],
                }
            }
        }
    };
}
pub(super) use keys;
