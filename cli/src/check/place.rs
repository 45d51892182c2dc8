//! Where in a configuration a path of the reader leads.

use crate::document::node::{Member, Node, Span};
use tessera_core::config::problem::{Code, element, member};

/// One step into a value.
#[derive(Clone, Copy)]
pub enum Hop<'a> {
    /// A member, and all those of its object.
    Member(&'a Member, &'a [Member]),
    Element(&'a Node),
}

/// What a path leads to, or the last value on the way that is there.
pub struct Destination<'a> {
    pub hops: Vec<Hop<'a>>,
    pub value: &'a Node,
}

impl<'a> Hop<'a> {
    fn value(self) -> &'a Node {
        match self {
            Self::Member(member, _) => &member.value,
            Self::Element(node) => node,
        }
    }

    /// The members of the same name, in their order.
    fn namesakes(self) -> Vec<&'a Member> {
        match self {
            Self::Member(member, all) => all.iter().filter(|other| other.key == member.key).collect(),
            Self::Element(_) => Vec::new(),
        }
    }

    pub fn is_repeated(self) -> bool {
        self.namesakes().len() > 1
    }

    pub fn key(self) -> Option<&'a str> {
        if let Self::Member(member, _) = self { Some(&member.key) } else { None }
    }
}

/// Follows a path as the reader writes it: names may hold dots and brackets, and long ones are cut.
pub fn follow<'a>(root: &'a Node, path: &str) -> Destination<'a> {
    let mut rest = path;
    loop {
        let mut hops = Vec::new();
        if leads(root, "", rest, &mut hops) {
            let value = hops.last().map_or(root, |hop| hop.value());
            return Destination { hops, value };
        }
        match rest.rfind(['.', '[']).and_then(|end| rest.get(..end)) {
            Some(shorter) => rest = shorter,
            None => return Destination { hops: Vec::new(), value: root },
        }
    }
}

fn leads<'a>(node: &'a Node, path: &str, target: &str, hops: &mut Vec<Hop<'a>>) -> bool {
    let members = node.members();
    let is_last = |index: usize, key: &str| !members.iter().skip(index + 1).any(|later| *later.key == *key);
    // Whether it is the last of its name is asked of few: there may be thousands of members.
    let named = members.iter().enumerate().map(|(index, one)| (index, member(path, &one.key), one));
    let named = named.filter(|(index, path, one)| target.starts_with(path.as_str()) && is_last(*index, &one.key));
    let named = named.map(|(_, path, one)| (path, Hop::Member(one, members)));
    let counted = node.elements().iter().enumerate().map(|(index, one)| (element(path, index), Hop::Element(one)));
    for (path, hop) in named.chain(counted) {
        let Some(rest) = target.strip_prefix(path.as_str()) else { continue };
        hops.push(hop);
        if rest.is_empty() || (rest.starts_with(['.', '[']) && leads(hop.value(), &path, target, hops)) {
            return true;
        }
        hops.pop();
    }
    false
}

impl Destination<'_> {
    /// Where a problem with this code stands; `earlier` of the same kind have been noted at the same path.
    pub fn span(&self, code: Code, earlier: usize) -> Span {
        let last = self.hops.last();
        let key = match code {
            Code::UnknownMember => last.and_then(|hop| hop.namesakes().pop()),
            Code::DuplicateMember => last.and_then(|hop| hop.namesakes().get(earlier + 1).copied()),
            _ => None,
        };
        key.map_or(self.value.span, |member| member.key_span)
    }
}
