//! Parts of an API: methods and paths.

use crate::yaml_text::Yaml;

/// The requests of these methods for these paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Empty for every method.
    pub methods: Vec<String>,
    /// Empty for every path.
    pub paths: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Exact(String),
    /// Every path that begins so.
    Below(String),
}

impl Region {
    pub fn is_whole(&self) -> bool {
        self.methods.is_empty() && self.paths.is_empty()
    }

    /// The requests that are in both, if there can be any.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let methods = in_both(&self.methods, &other.methods, |one, other| (one == other).then(|| one.clone()))?;
        let paths = in_both(&self.paths, &other.paths, Pattern::and)?;
        Some(Self { methods, paths })
    }

    pub fn to_yaml(&self) -> Yaml {
        let methods = (!self.methods.is_empty()).then(|| ("methods", Yaml::texts(&self.methods)));
        let paths = (!self.paths.is_empty()).then(|| ("paths", Yaml::texts(self.paths.iter().map(Pattern::written))));
        Yaml::object(methods.into_iter().chain(paths))
    }
}

/// Of two lists, of which an empty one stands for everything. `None` if nothing is in both.
fn in_both<T: Clone + PartialEq>(one: &[T], other: &[T], and: impl Fn(&T, &T) -> Option<T>) -> Option<Vec<T>> {
    if one.is_empty() || other.is_empty() {
        return Some(if one.is_empty() { other.to_vec() } else { one.to_vec() });
    }
    let mut both: Vec<T> = Vec::new();
    for element in one.iter().flat_map(|one| other.iter().filter_map(|other| and(one, other)).collect::<Vec<_>>()) {
        if !both.contains(&element) {
            both.push(element);
        }
    }
    (!both.is_empty()).then_some(both)
}

impl Pattern {
    /// As the configuration writes it.
    pub fn written(&self) -> String {
        match self {
            Self::Exact(path) => path.clone(),
            Self::Below(start) if start.ends_with('/') => start.clone(),
            Self::Below(start) => format!("{start}*"),
        }
    }

    fn and(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Exact(one), Self::Exact(other)) => (one == other).then(|| self.clone()),
            (Self::Exact(path), Self::Below(start)) => path.starts_with(start.as_str()).then(|| self.clone()),
            (Self::Below(start), Self::Exact(path)) => path.starts_with(start.as_str()).then(|| other.clone()),
            (Self::Below(one), Self::Below(two)) => {
                let longer = if one.len() < two.len() { other } else { self };
                (one.starts_with(two.as_str()) || two.starts_with(one.as_str())).then(|| longer.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(methods: &[&str], paths: &[Pattern]) -> Region {
        Region { methods: methods.iter().map(|method| (*method).to_owned()).collect(), paths: paths.to_vec() }
    }

    #[test]
    fn what_is_in_both_is_neither_more_nor_less() {
        let (exact, below) = (|path: &str| Pattern::Exact(path.into()), |path: &str| Pattern::Below(path.into()));
        let every = Region::default();
        let orders = region(&["GET", "POST"], &[exact("/orders"), below("/orders/")]);
        let refunds = region(&["POST", "PUT"], &[below("/orders/refunds"), exact("/orders/1"), exact("/x")]);
        assert_eq!(every.and(&orders), Some(orders.clone()));
        assert_eq!(orders.and(&every), Some(orders.clone()));
        let expected = region(&["POST"], &[below("/orders/refunds"), exact("/orders/1")]);
        assert_eq!(orders.and(&refunds), Some(expected.clone()));
        assert_eq!(refunds.and(&orders), Some(expected));
        assert_eq!(orders.and(&region(&["PUT"], &[])), None);
        assert_eq!(orders.and(&region(&[], &[exact("/x")])), None);
        assert_eq!(orders.and(&region(&[], &[below("/orders/")])).unwrap().paths, [below("/orders/")]);
    }

    #[test]
    fn a_prefix_within_a_segment_ends_in_a_star() {
        assert_eq!(Pattern::Below("/orders/".into()).written(), "/orders/");
        assert_eq!(Pattern::Below("/orders".into()).written(), "/orders*");
        assert_eq!(Pattern::Exact("/orders".into()).written(), "/orders");
    }
}
