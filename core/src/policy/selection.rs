//! Which rule of which API a request matches.

use super::api::{Access, Api, ApiSettings, Choice, Choices, Guard, Operation};
use super::hosts;
use super::methods;
use super::paths::{self, Certainty, Path};
use crate::provider::Provider;
use std::fmt;
use std::rc::Rc;

/// All APIs, and what happens to requests that match none.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    apis: Vec<Rc<Api>>,
    unmatched: Unmatched,
    ambiguous_paths: AmbiguousPaths,
    /// Every method that some operation names.
    methods: Vec<Box<str>>,
    reads: Reads,
    always: Option<Selection>,
}

/// What happens to a request that no API matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    #[default]
    Refuse,
    Pass,
}

/// What happens to a request whose path is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AmbiguousPaths {
    #[default]
    Refuse,
    /// Its path is compared as it stands, but it opens nothing, as a doubtful one.
    Literal,
}

/// What a request matches.
#[derive(Clone, Debug)]
pub enum Selection {
    Guarded(Guard),
    /// Under a public operation of this API.
    Public(Rc<Api>),
    /// Under no API, and such requests pass.
    Unmatched,
    /// Under no API, and such requests are refused.
    Unknown,
    /// Nowhere for certain: its method, host or path is ambiguous.
    Ambiguous,
}

/// The API and the operation that a request falls under.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    pub api: &'p Rc<Api>,
    /// `None`: the API's own rule holds.
    pub operation: Option<&'p Operation>,
    /// Whether the path is certain enough for the rule to open something.
    pub opens: bool,
}

/// A part of a request that upstreams could read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtfulPart {
    Host,
    Method,
    Path,
}

/// The parts of a request used for selection. A part that [`Policy::reads`] does not name may be empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    pub method: &'a [u8],
    pub authority: &'a [u8],
    pub path: &'a [u8],
}

/// The parts of a request that selection needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    pub method: bool,
    pub authority: bool,
    pub path: bool,
}

/// The lists of providers of all APIs together are longer than keys can number, or one is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyChoices;

impl fmt::Display for TooManyChoices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("has more different lists of providers than are supported")
    }
}

impl Policy {
    /// A policy over `apis`, which are tried in this order; the first match wins.
    ///
    /// # Errors
    /// [`TooManyChoices`].
    pub fn new(
        apis: Vec<ApiSettings>,
        providers: &[Rc<Provider>],
        unmatched: Unmatched,
        ambiguous_paths: AmbiguousPaths,
    ) -> Result<Self, TooManyChoices> {
        let choices = choices(&apis, providers).ok_or(TooManyChoices)?;
        let apis: Vec<Rc<Api>> = apis
            .into_iter()
            .zip(choices)
            .enumerate()
            .map(|(slot, (settings, choices))| Rc::new(Api::new(slot, settings, choices)))
            .collect();
        let mut methods: Vec<Box<str>> = Vec::new();
        for method in apis.iter().flat_map(|api| &api.operations).flat_map(|operation| &operation.methods) {
            if !methods.contains(method) {
                methods.push(method.clone());
            }
        }
        let reads = Reads {
            method: !methods.is_empty(),
            authority: apis.iter().any(|api| api.reads_authority()),
            path: apis.iter().any(|api| api.reads_path()),
        };
        let mut policy = Self { apis, unmatched, ambiguous_paths, methods, reads, always: None };
        policy.always = (reads == Reads::default()).then(|| policy.select(Target::default()));
        Ok(policy)
    }

    /// Where every request falls, if no part of a request matters.
    pub fn always(&self) -> Option<Selection> {
        self.always.clone()
    }

    /// Which parts of a request matter to this policy.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The APIs, in order.
    pub fn apis(&self) -> &[Rc<Api>] {
        &self.apis
    }

    /// Where the request falls. The query takes no part.
    #[inline]
    pub fn select(&self, target: Target<'_>) -> Selection {
        let Ok(path) = self.read(target) else { return Selection::Ambiguous };
        let Some(Place { api, operation, opens }) = self.place(target, &path) else {
            return match self.unmatched {
                Unmatched::Pass if path.certainty == Certainty::Plain => Selection::Unmatched,
                _ => Selection::Unknown,
            };
        };
        let rule = match operation.map(|operation| &operation.access) {
            Some(Access::Public) => return Selection::Public(Rc::clone(api)),
            Some(Access::Guarded(rule)) => rule,
            None => &api.rule,
        };
        Selection::Guarded(Guard { api: Rc::clone(api), rule: Rc::clone(rule), opens })
    }

    /// The path, as it is compared.
    ///
    /// # Errors
    /// The first part of the request that is ambiguous, of those that matter.
    #[inline]
    pub fn read<'t>(&self, target: Target<'t>) -> Result<Path<'t>, DoubtfulPart> {
        if self.reads.authority && hosts::is_ambiguous(target.authority) {
            return Err(DoubtfulPart::Host);
        }
        if self.reads.method && methods::is_ambiguous(target.method, &self.methods) {
            return Err(DoubtfulPart::Method);
        }
        let path = if self.reads.path { Path::read(paths::without_query(target.path)) } else { Path::irrelevant() };
        match path.certainty {
            Certainty::Ambiguous if self.ambiguous_paths == AmbiguousPaths::Refuse => Err(DoubtfulPart::Path),
            _ => Ok(path),
        }
    }

    /// The API and the operation of a request with this path.
    #[inline]
    pub fn place(&self, target: Target<'_>, path: &Path<'_>) -> Option<Place<'_>> {
        let host = hosts::name(target.authority);
        let api = self.apis.iter().find(|api| api.matches(host, &path.compared))?;
        // What grants access must match the undecoded path too: not every upstream decodes it.
        let matches_as_written = |operation: Option<&Operation>| {
            api.matches(host, &path.written)
                && operation.is_none_or(|operation| operation.matches(target.method, &path.written))
        };
        let is_plain = path.certainty == Certainty::Plain;
        let opens = |operation: Option<&Operation>| is_plain && (!path.has_escapes() || matches_as_written(operation));
        let holds = |operation: &&Operation| {
            operation.matches(target.method, &path.compared)
                && (matches!(operation.access, Access::Guarded(_)) || opens(Some(*operation)))
        };
        let operation = api.operations.iter().find(holds);
        Some(Place { api, operation, opens: opens(operation) })
    }
}

/// The choices of each API; `None` when keys run out, or an API has no choice.
fn choices(apis: &[ApiSettings], providers: &[Rc<Provider>]) -> Option<Vec<Choices>> {
    let mut lists: Vec<(&[usize], Choices)> = Vec::new();
    let mut last_key = 0_u16;
    let mut all = Vec::with_capacity(apis.len());
    for api in apis {
        let known = lists.iter().find(|(list, _)| *list == api.providers).map(|(_, choices)| choices.clone());
        let choices = match known {
            Some(choices) => choices,
            None => {
                let mut choice = |index: &usize| {
                    last_key = last_key.checked_add(1)?;
                    Some(Choice { provider: Rc::clone(providers.get(*index)?), key: last_key })
                };
                let list = api.providers.iter().map(&mut choice).collect::<Option<Vec<_>>>()?;
                let choices = Choices::new(list)?;
                lists.push((&api.providers, choices.clone()));
                choices
            }
        };
        all.push(choices);
    }
    Some(all)
}

#[cfg(test)]
mod tests;
