//! Where in a configuration a path of the reader leads.

use super::secret_places::Holds;
use crate::document::node::{Member, Node, Span};
use std::collections::HashMap;
use tessera_core::config::problem::{Code, element, member};

/// Every value of a configuration by its path as the reader writes it: names may hold dots and brackets, and long ones
/// are cut.
pub struct Places<'a> {
    root: &'a Node,
    /// In their order; more than one where a key is repeated.
    spots: HashMap<String, Vec<Spot<'a>>>,
}

#[derive(Clone, Copy)]
struct Spot<'a> {
    value: &'a Node,
    member: Option<&'a Member>,
    state: State,
}

#[derive(Clone, Copy)]
struct State {
    holds: Holds,
    /// Whether it, or what it is in, is there more than once.
    is_repeated: bool,
    /// Whether it counts: of a key that is repeated, the last one does.
    counts: bool,
}

/// What a path leads to, or the last value on the way that is there.
pub struct Destination<'p, 'a> {
    pub value: &'a Node,
    /// Its key, if it is a member.
    pub key: Option<&'a str>,
    /// Whether it is a secret, or in one.
    pub is_secret: bool,
    pub is_repeated: bool,
    /// All that are at this path.
    spots: &'p [Spot<'a>],
}

impl<'a> Places<'a> {
    pub fn of(root: &'a Node) -> Self {
        let mut places = Self { root, spots: HashMap::new() };
        places.add_within(root, "", State { holds: Holds::Other, is_repeated: false, counts: true });
        places
    }

    fn add_within(&mut self, node: &'a Node, path: &str, state: State) {
        for (index, value) in node.elements().iter().enumerate() {
            let state = State { holds: state.holds.within(), ..state };
            self.add(element(path, index), Spot { value, member: None, state });
        }
        let mut last: HashMap<&str, (usize, usize)> = HashMap::new();
        for (index, member) in node.members().iter().enumerate() {
            let (at, count) = last.entry(&member.key).or_default();
            (*at, *count) = (index, *count + 1);
        }
        for (index, inner) in node.members().iter().enumerate() {
            let (last, count) = last.get(&*inner.key).copied().unwrap_or_default();
            let state = State {
                holds: state.holds.at(&inner.key),
                is_repeated: state.is_repeated || count > 1,
                counts: state.counts && index == last,
            };
            self.add(member(path, &inner.key), Spot { value: &inner.value, member: Some(inner), state });
        }
    }

    fn add(&mut self, path: String, spot: Spot<'a>) {
        self.add_within(spot.value, &path, spot.state);
        self.spots.entry(path).or_default().push(spot);
    }

    /// Follows a path.
    pub fn follow(&self, path: &str) -> Destination<'_, 'a> {
        let mut rest = path;
        loop {
            if let Some(spots) = self.spots.get(rest)
                && let Some(spot) = spots.iter().rev().find(|spot| spot.state.counts).or(spots.last())
            {
                let State { holds, is_repeated, .. } = spot.state;
                let (is_secret, key) = (holds != Holds::Other, spot.member.map(|member| &*member.key));
                return Destination { value: spot.value, key, is_secret, is_repeated, spots };
            }
            match rest.rfind(['.', '[']).and_then(|end| rest.get(..end)) {
                Some(shorter) => rest = shorter,
                None => {
                    let (value, spots) = (self.root, &[][..]);
                    return Destination { value, key: None, is_secret: false, is_repeated: false, spots };
                }
            }
        }
    }
}

impl Destination<'_, '_> {
    /// Where a problem with this code stands; `earlier` of the same kind have been noted at the same path.
    pub fn span(&self, code: Code, earlier: usize) -> Span {
        let spot = match code {
            Code::UnknownMember => self.spots.last(),
            Code::DuplicateMember => self.spots.get(earlier + 1),
            _ => None,
        };
        spot.and_then(|spot| spot.member).map_or(self.value.span, |member| member.key_span)
    }
}
