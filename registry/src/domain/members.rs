//! Reading of JSON objects: every fault at once, each with its pointer (RFC 6901).
//!
//! A thing reads its members into itself, whether it is made or changed: a creation starts from an empty one, where what
//! is required must be given and the rest has defaults; a merge patch (RFC 7396) starts from the thing as it is, where
//! what is not given stays and `null` brings the default back.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::fault::Fault;
use crate::domain::refusal::Refusal;

/// The body of a request.
pub type Object = Map<String, Value>;

/// What a reader makes of a value, or what is wrong with it; pointers begin at the value.
pub type Reading<T> = Result<T, Vec<Fault>>;

/// More than these say nothing new.
const MAX_FAULTS: usize = 100;

/// One object that is being read.
#[derive(Debug)]
pub struct Members<'a> {
    object: &'a Object,
    is_patch: bool,
    known: BTreeSet<&'static str>,
    leaves_rest: bool,
    faults: Vec<Fault>,
}

impl<'a> Members<'a> {
    /// Of a thing that is made, or of an action.
    pub fn of_new(object: &'a Object) -> Self {
        Self { object, is_patch: false, known: BTreeSet::new(), leaves_rest: false, faults: Vec::new() }
    }

    /// Of a merge patch.
    pub fn of_patch(object: &'a Object) -> Self {
        Self { is_patch: true, ..Self::of_new(object) }
    }

    pub fn is_patch(&self) -> bool {
        self.is_patch
    }

    /// The value as it was given, for what is not read by a reader.
    pub fn given(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.object.get(name)
    }

    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.push(Fault::new(format!("/{}", escaped(name)), detail));
    }

    /// Must be given on creation and is never `null`.
    pub fn required<T>(&mut self, name: &'static str, field: &mut T, reader: impl Fn(&Value) -> Reading<T>) {
        match self.given(name) {
            None if self.is_patch => {}
            None => self.fault(name, "is required"),
            Some(Value::Null) => self.fault(name, "must not be null"),
            Some(value) => self.keep(name, value, field, reader),
        }
    }

    /// As [`Self::required`], and a change can only repeat it.
    pub fn fixed<T: PartialEq>(&mut self, name: &'static str, field: &mut T, reader: impl Fn(&Value) -> Reading<T>) {
        if self.is_patch { self.unchanged(name, field, reader) } else { self.required(name, field, reader) }
    }

    /// A patch can only repeat it.
    pub fn unchanged<T: PartialEq>(&mut self, name: &'static str, field: &T, reader: impl Fn(&Value) -> Reading<T>) {
        if let Some(value) = self.given(name)
            && reader(value).as_ref() != Ok(field)
        {
            self.fault(name, "cannot be changed");
        }
    }

    /// Has a default.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        field: &mut T,
        default: T,
        reader: impl Fn(&Value) -> Reading<T>,
    ) {
        match self.given(name) {
            None if self.is_patch => {}
            Some(Value::Null) if !self.is_patch => self.fault(name, "must not be null"),
            None | Some(Value::Null) => *field = default,
            Some(value) => self.keep(name, value, field, reader),
        }
    }

    /// May be `null`, which is also its default.
    pub fn nullable<T>(&mut self, name: &'static str, field: &mut Option<T>, reader: impl Fn(&Value) -> Reading<T>) {
        match self.given(name) {
            None if self.is_patch => {}
            None | Some(Value::Null) => *field = None,
            Some(value) => self.keep(name, value, field, |value| reader(value).map(Some)),
        }
    }

    /// An object with members of its own, or `null`, which is also its default. A patch of one that is there is a patch
    /// of its members.
    pub fn part<T>(
        &mut self,
        name: &'static str,
        field: &mut Option<T>,
        blank: T,
        read: impl FnOnce(&mut Members<'_>, &mut T),
    ) {
        let object = match self.given(name) {
            None if self.is_patch => return,
            None | Some(Value::Null) => {
                *field = None;
                return;
            }
            Some(Value::Object(object)) => object,
            Some(_) => return self.fault(name, "must be an object or null"),
        };
        let mut members = Members { is_patch: self.is_patch && field.is_some(), ..Members::of_new(object) };
        read(&mut members, field.get_or_insert(blank));
        let part = members.finish_part();
        self.take(name, part);
    }

    /// An object of free form, with a default. A patch of it is merged into what it is (RFC 7396, 2).
    pub fn merged<T: Serialize>(
        &mut self,
        name: &'static str,
        field: &mut T,
        default: T,
        reader: impl Fn(&Value) -> Reading<T>,
    ) {
        match self.given(name) {
            Some(patch @ Value::Object(_)) if self.is_patch => {
                let mut value = serde_json::to_value(&*field).unwrap_or_default();
                merge(&mut value, patch);
                self.keep(name, &value, field, reader);
            }
            _ => self.optional(name, field, default, reader),
        }
    }

    /// Another thing takes the place of the one that is changed: what it needs has to be given.
    pub fn anew(&mut self) {
        self.is_patch = false;
    }

    /// What else there is cannot be judged: something that was read before does not say what it should be.
    pub fn leave_rest(&mut self) {
        self.leaves_rest = true;
    }

    /// Members that only the registry writes.
    pub fn made_here(&mut self, names: &[&'static str]) {
        for name in names {
            if self.given(name).is_some() {
                self.fault(name, "is made here and cannot be given");
            }
        }
    }

    /// Faults of an object within this one.
    pub fn take(&mut self, name: &str, part: Reading<()>) {
        if let Err(faults) = part {
            self.faults.extend(within(&escaped(name), faults));
        }
    }

    /// # Errors
    /// Every fault, those of members that nobody asked for last.
    pub fn finish(self) -> Result<(), Refusal> {
        self.finish_part().map_err(Refusal::Invalid)
    }

    /// As [`Self::finish`], for an object within another.
    ///
    /// # Errors
    /// Every fault.
    pub fn finish_part(mut self) -> Reading<()> {
        let object = self.object;
        let unknown = |name: &&String| !self.leaves_rest && !self.known.contains(name.as_str());
        for name in object.keys().filter(unknown).collect::<Vec<_>>() {
            self.fault(name, "there is no such member");
        }
        self.faults.truncate(MAX_FAULTS);
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }

    fn keep<T>(&mut self, name: &str, value: &Value, field: &mut T, reader: impl Fn(&Value) -> Reading<T>) {
        match reader(value) {
            Ok(read) => *field = read,
            Err(faults) => self.faults.extend(within(&escaped(name), faults)),
        }
    }
}

fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        value.clone_from(patch);
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Object::new());
    }
    let Value::Object(object) = value else { return };
    for (name, patch) in patch {
        if patch.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), patch);
        }
    }
}

/// Faults of a part, as those of the whole that has it under this name.
pub fn within(escaped_name: &str, faults: Vec<Fault>) -> impl Iterator<Item = Fault> {
    faults.into_iter().map(move |fault| Fault { pointer: format!("/{escaped_name}{}", fault.pointer), ..fault })
}

/// A name as a part of a JSON pointer. A long one is cut: it is there to be recognised.
fn escaped(name: &str) -> String {
    name.chars().take(200).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reader::{boolean, text};
    use serde_json::json;

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    /// A thing with a member of each sort.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Thing {
        id: String,
        name: String,
        flag: bool,
        note: Option<String>,
    }

    fn read(mut thing: Thing, mut members: Members<'_>) -> Result<Thing, Refusal> {
        members.fixed("id", &mut thing.id, text(1..=3));
        members.required("name", &mut thing.name, text(1..=3));
        members.optional("flag", &mut thing.flag, true, boolean);
        members.nullable("note", &mut thing.note, text(1..=3));
        members.made_here(&["at"]);
        members.finish().map(|()| thing)
    }

    fn pointers(read: Result<Thing, Refusal>) -> Vec<String> {
        match read {
            Err(Refusal::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_creation_needs_what_is_required_and_has_defaults_for_the_rest() {
        let made = read(Thing::default(), Members::of_new(&object(json!({"id": "a", "name": "b"})))).unwrap();
        assert_eq!(made, Thing { id: "a".to_owned(), name: "b".to_owned(), flag: true, note: None });
        let wrong = object(json!({"id": 1, "flag": null, "note": "long", "at": null, "a/~b": 1}));
        assert_eq!(
            pointers(read(Thing::default(), Members::of_new(&wrong))),
            ["/id", "/name", "/flag", "/note", "/at", "/a~1~0b"]
        );
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let thing = Thing { id: "a".to_owned(), name: "b".to_owned(), flag: false, note: Some("c".to_owned()) };
        let patched = |value| read(thing.clone(), Members::of_patch(&object(value)));
        assert_eq!(patched(json!({})), Ok(thing.clone()));
        assert_eq!(patched(json!({"id": "a"})), Ok(thing.clone()));
        assert_eq!(patched(json!({"flag": null, "note": null})), Ok(Thing { flag: true, note: None, ..thing.clone() }));
        assert_eq!(pointers(patched(json!({"id": "b", "name": null, "x": 1}))), ["/id", "/name", "/x"]);
    }

    /// The examples of RFC 7396, appendix A, that can be parts of a patch.
    #[test]
    fn an_object_of_free_form_is_merged() {
        for (value, patch, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let reader = |value: &Value| Ok(value.clone());
            let mut field = value.clone();
            let body = object(json!({"x": patch}));
            Members::of_patch(&body).merged("x", &mut field, json!({}), reader);
            assert_eq!(field, merged, "{patch}");
            Members::of_new(&body).merged("x", &mut field, json!({}), reader);
            assert_eq!(field, patch);
        }
    }

    #[test]
    fn the_answer_stays_small_whatever_the_body() {
        let many: Object = (0..1000).map(|n| (format!("{n}{}", "x".repeat(1000)), Value::Null)).collect();
        let faults = Members::of_new(&many).finish_part().unwrap_err();
        assert!(faults.len() == 100 && faults.iter().all(|fault| fault.pointer.len() <= 201));
    }
}
