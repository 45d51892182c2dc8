//! An object of the configuration whose keys are known.

use super::field::{Context, Field, repeated};
use super::key::{Key, Presence};
use super::kind::Kind;
use super::problem::{Code, element, member};
use crate::base::json::{Json, Object};
use std::cell::RefCell;
use std::fmt::Write;

/// An object that knows which of its members have been read.
pub(super) struct Section<'a> {
    path: String,
    members: &'a Object<'a>,
    known: RefCell<Vec<&'static str>>,
    context: Context<'a>,
}

impl<'a> Field<'a> {
    /// An object, read by `read`; members that `read` did not ask for are problems.
    pub(super) fn section<T>(&self, read: impl FnOnce(&Section<'a>) -> Option<T>) -> Option<T> {
        let Json::Object(members) = self.value else {
            self.refuse_type("an object");
            return None;
        };
        let known = RefCell::new(Vec::new());
        let section = Section { path: self.path.clone(), members, known, context: self.context };
        let read = read(&section);
        section.refuse_unknown();
        read
    }

    /// The text at `key` of each element of an array of objects, sound or not; for comparing elements.
    pub(super) fn texts<K>(&self, key: &Key<K>) -> Vec<Option<&'a str>> {
        self.values(key).into_iter().map(|value| value.and_then(Json::as_text)).collect()
    }

    /// The value at `key` of each element of an array of objects, sound or not.
    pub(super) fn values<K>(&self, key: &Key<K>) -> Vec<Option<&'a Json<'a>>> {
        self.elements().iter().map(|element| given(element, key)).collect()
    }

    /// Whether the element at `index` of an array has that key, with whatever value.
    pub(super) fn has_key<K>(&self, index: usize, key: &Key<K>) -> bool {
        self.elements().get(index).is_some_and(|element| given(element, key).is_some())
    }

    /// Notes that the value at `key` of the element at `index` of an array is wrong.
    pub(super) fn refuse_within<K>(&self, index: usize, key: &Key<K>, code: Code, reason: &str) {
        self.context.problems.add(&member(&element(&self.path, index), key.name()), code, reason);
    }

    /// Whether no two elements of an array have the same text at `key`. For each that has one of an earlier element,
    /// notes `reason`.
    pub(super) fn tells_apart<K>(&self, key: &Key<K>, reason: &str) -> bool {
        let texts = self.texts(key);
        let again = repeated(&texts, |one, other| one.is_some() && one == other);
        again.map(|index| self.refuse_within(index, key, Code::Conflict, reason)).count() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.elements().len()
    }

    fn elements(&self) -> &'a [Json<'a>] {
        if let Json::Array(elements) = self.value { elements } else { &[] }
    }
}

impl<'a> Section<'a> {
    /// The value of a key, or what its absence means.
    pub(super) fn get<K: Kind>(&self, key: &'static Key<K>) -> Option<K::Value> {
        match key.presence() {
            Presence::Optional if !self.has(key) => key.kind.absent(),
            _ => self.read(key, |field| key.kind.read(field)),
        }
    }

    /// The value of a key, or its default, read by `read`.
    pub(super) fn read<K, T>(&self, key: &'static Key<K>, read: impl FnOnce(&Field<'_>) -> Option<T>) -> Option<T> {
        let (mut read, mut value) = (Some(read), None);
        self.visit(key.name(), key.presence(), &mut |field| value = read.take().and_then(|read| read(field)));
        value
    }

    /// The value of a key, if there is one. `None` is a problem only where it is required.
    pub(super) fn field<K>(&self, key: &'static Key<K>) -> Option<Field<'a>> {
        self.given(key.name(), key.presence())
    }

    /// Whether the key is there.
    pub(super) fn has<K>(&self, key: &'static Key<K>) -> bool {
        self.know(key.name());
        self.members.get(key.name()).is_some()
    }

    /// Whether a member of that name is there, known or not.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.members.get(name).is_some()
    }

    /// Accepts the key without reading it.
    pub(super) fn pass_over<K>(&self, key: &'static Key<K>) {
        self.know(key.name());
    }

    // These know no types, so that they are compiled once.

    #[inline(never)]
    fn visit(&self, name: &'static str, presence: Presence, visit: &mut dyn FnMut(&Field<'_>)) {
        match (self.given(name, presence), presence) {
            (Some(field), _) => visit(&field),
            (None, Presence::Default(default)) => {
                if let Ok(value) = Json::read(default.as_bytes()) {
                    visit(&Field { path: member(&self.path, name), value: &value, context: self.context });
                }
            }
            (None, Presence::Required | Presence::Optional) => {}
        }
    }

    #[inline(never)]
    fn given(&self, name: &'static str, presence: Presence) -> Option<Field<'a>> {
        self.know(name);
        let path = member(&self.path, name);
        let value = self.members.get(name);
        if value.is_none() && presence == Presence::Required {
            self.context.problems.add(&path, Code::MissingMember, "is required");
        }
        Some(Field { path, value: value?, context: self.context })
    }

    #[inline(never)]
    fn know(&self, name: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&name) {
            known.push(name);
        }
    }

    /// Notes that a member is wrong, or missing; the object as a whole when `name` is empty.
    pub(super) fn refuse_member(&self, name: &str, code: Code, reason: impl Into<String>) {
        let path = if name.is_empty() { self.path.clone() } else { member(&self.path, name) };
        self.context.problems.add(&path, code, reason);
    }

    /// Notes that this object as a whole is wrong.
    pub(super) fn refuse(&self, code: Code, reason: impl Into<String>) {
        self.context.problems.add(&self.path, code, reason);
    }

    fn refuse_unknown(&self) {
        let known = self.known.borrow();
        for (name, _) in self.members.iter().filter(|(name, _)| !known.contains(name)) {
            let mut reason = "is not known here".to_owned();
            if !known.is_empty() {
                let _ = write!(reason, "; known are {}", known.join(", "));
            }
            self.context.problems.add(&member(&self.path, name), Code::UnknownMember, reason);
        }
    }
}

fn given<'a, K>(value: &'a Json<'a>, key: &Key<K>) -> Option<&'a Json<'a>> {
    if let Json::Object(members) = value { members.get(key.name()) } else { None }
}
