//! The things of one kind: those that are there, and what a file wants them to be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::catalogue_file::problem;
use crate::domain::members::{Members, Object};
use crate::domain::refusal::Refusal;
use crate::use_case::context::Context;
use crate::use_case::keeping::{Catalogued, all, change, hold, make};
use crate::use_case::record::Kept;

/// Longer values are not shown with a difference.
const MAX_SHOWN: usize = 60;

pub struct Wanted<T> {
    there: BTreeMap<String, Kept<T>>,
    /// Each with the pointer to it in the file.
    wanted: Vec<(String, T)>,
    names: BTreeSet<String>,
    faults: Vec<String>,
}

impl<T: Catalogued> Wanted<T> {
    /// # Errors
    /// Those of the store.
    pub async fn of(cx: &mut Context<'_>) -> Result<Self, Refusal> {
        Ok(Self { there: all(cx).await?, wanted: Vec::new(), names: BTreeSet::new(), faults: Vec::new() })
    }

    /// Reads one of the file. What it does not say has its default, also where there is another value now.
    pub fn read(&mut self, at: &str, object: &Object, id: &str, blank: T, read: impl FnOnce(&mut Members<'_>, &mut T)) {
        let mut thing = self.there.get(id).map_or(blank, |kept| kept.thing.clone());
        let mut members = Members::of_new(object);
        read(&mut members, &mut thing);
        if !self.names.insert(id.to_owned()) {
            members.fault("id", "is there twice");
        }
        match members.finish_part() {
            Ok(()) => {}
            Err(faults) => {
                let problems = faults.iter().map(|fault| problem(&format!("{at}{}", fault.pointer), &fault.detail));
                self.faults.extend(problems);
            }
        }
        self.wanted.push((at.to_owned(), thing));
    }

    pub fn faults(&self) -> Vec<String> {
        self.faults.clone()
    }

    /// Whether the file names it.
    pub fn has(&self, id: &str) -> bool {
        self.names.contains(id)
    }

    pub fn there(&self) -> impl Iterator<Item = (&String, &Kept<T>)> {
        self.there.iter()
    }

    pub fn wanted(&self) -> impl Iterator<Item = (&String, &T)> {
        self.wanted.iter().map(|(at, thing)| (at, thing))
    }

    /// As it is there.
    pub fn before(&self, id: &str) -> Option<&T> {
        self.there.get(id).map(|kept| &kept.thing)
    }

    /// What is there and not in the file.
    pub fn unnamed(&self) -> impl Iterator<Item = &Kept<T>> {
        self.there.iter().filter(|(id, _)| !self.has(id)).map(|(_, kept)| kept)
    }

    /// Locks those that will be changed, or go, in the order of their identifiers.
    ///
    /// # Errors
    /// One of them is gone; those of the store.
    pub async fn hold(&self, cx: &mut Context<'_>, prune: bool) -> Result<(), Refusal> {
        let wanted: BTreeMap<String, &T> = self.wanted.iter().map(|(_, thing)| (thing.id(), thing)).collect();
        for (id, there) in &self.there {
            if wanted.get(id).map_or(prune, |thing| there.thing != **thing) {
                hold::<T>(cx, id).await?;
            }
        }
        Ok(())
    }

    /// Makes one that is wanted what it should be, says what that changes, and whether it is new.
    ///
    /// # Errors
    /// It changed since it was read; those of the store.
    pub async fn put(&self, cx: &mut Context<'_>, thing: &T, lines: &mut Vec<String>) -> Result<bool, Refusal> {
        let id = thing.id();
        let Some(there) = self.there.get(&id) else {
            make(cx, thing.clone()).await?;
            lines.push(format!("+ {} {id}", T::KIND));
            return Ok(true);
        };
        if there.thing != *thing {
            let mut kept = hold::<T>(cx, &id).await?;
            if kept.revision != there.revision {
                return Err(Refusal::Unavailable);
            }
            change(cx, &mut kept, thing.clone()).await?;
            lines.push(format!("~ {} {id}: {}", T::KIND, differences(&there.thing.audited()?, &thing.audited()?)));
        }
        Ok(false)
    }
}

/// Members that differ. What differs in secrets only is not seen in them.
fn differences(before: &Value, after: &Value) -> String {
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after) = (members(before), members(after));
    let of = |(name, now): (&String, &Value)| {
        let was = before.get(name)?;
        let [was_text, now_text] = [was, now].map(Value::to_string);
        let is_short = was_text.len().max(now_text.len()) <= MAX_SHOWN;
        (was != now).then(|| if is_short { format!("{name} {was_text} -> {now_text}") } else { name.clone() })
    };
    let differing: Vec<String> = after.iter().filter_map(of).collect();
    if differing.is_empty() { "credential".to_owned() } else { differing.join(", ") }
}
