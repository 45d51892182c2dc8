//! JSON paths such as `providers[0].introspection.timeout`.

use super::node::Node;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Member(Box<str>),
    Element(usize),
}

/// The steps of a path of names that hold neither `.` nor `[`; none for an empty path.
pub fn parse_path(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|name| !name.is_empty()).map(|name| Step::Member(name.into())));
        steps.extend(pieces.filter_map(|piece| piece.strip_suffix(']')?.parse().ok()).map(Step::Element));
    }
    steps
}

impl Node {
    pub fn at(&self, steps: &[Step]) -> Option<&Self> {
        steps.iter().try_fold(self, |node, step| node.step(step))
    }

    /// The last value on the way that is there.
    pub fn nearest(&self, steps: &[Step]) -> &Self {
        let mut node = self;
        for step in steps {
            match node.step(step) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    fn step(&self, step: &Step) -> Option<&Self> {
        match step {
            Step::Member(name) => self.get(name),
            Step::Element(index) => self.elements().get(*index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_steps() {
        assert_eq!(parse_path(""), []);
        let [a, b] = ["a", "b-c"].map(|name| Step::Member(name.into()));
        assert_eq!(parse_path("a[0][12].b-c"), [a, Step::Element(0), Step::Element(12), b.clone()]);
        assert_eq!(parse_path("[1].b-c"), [Step::Element(1), b]);
    }
}
