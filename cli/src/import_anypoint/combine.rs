//! Several policies of one API: a request must satisfy each that holds for it.

use super::region::Region;
use super::scopes::Scopes;

/// What a part of an API asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub region: Region,
    pub scopes: Scopes,
    pub contract: bool,
}

/// More operations than anybody reads.
const MOST: usize = 200;

/// The guards of an API; of those that hold for a request, the first one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    pub list: Vec<Guard>,
    /// Whether they ask for more than the policies do, which could not be said.
    pub are_stricter: bool,
    /// Whether they hold for the whole API since there would be too many parts.
    pub are_wider: bool,
}

impl Guards {
    /// Adds a policy. Its guards differ in their regions only.
    pub fn add(self, policy: &[Guard]) -> Self {
        let mut stricter = self.are_stricter;
        let mut both = |one: &Guard, other: &Guard, region: Region| {
            let (scopes, is_stricter) = one.scopes.and(&other.scopes);
            stricter |= is_stricter;
            Guard { region, scopes, contract: one.contract || other.contract }
        };
        if (self.list.len() + 1) * (policy.len() + 1) > MOST {
            let all = self.list.iter().chain(policy).cloned();
            let whole = all.reduce(|one, other| both(&one, &other, Region::default()));
            let whole = whole.map(|guard| Guard { region: Region::default(), ..guard });
            return Self { list: whole.into_iter().collect(), are_stricter: stricter, are_wider: true };
        }
        let mut list = Vec::new();
        for one in &self.list {
            for other in policy {
                list.extend(one.region.and(&other.region).map(|region| both(one, other, region)));
            }
        }
        list.extend(self.list);
        list.extend_from_slice(policy);
        // What stands behind one that holds for everything, or for the same, is never reached.
        let end = list.iter().position(|guard| guard.region.is_whole()).map_or(list.len(), |at| at + 1);
        list.truncate(end);
        let mut reached: Vec<Guard> = Vec::new();
        for guard in list {
            if !reached.iter().any(|earlier| earlier.region == guard.region) {
                reached.push(guard);
            }
        }
        Self { list: reached, are_stricter: stricter, are_wider: self.are_wider }
    }

    /// The guard of what no other one is for, if the whole API is guarded, and the others.
    pub fn split(&self) -> (Option<&Guard>, &[Guard]) {
        match self.list.split_last() {
            Some((last, others)) if last.region.is_whole() => (Some(last), others),
            _ => (None, &self.list),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_anypoint::region::Pattern;

    fn guard(methods: &[&str], path: Option<&str>, scope: &str, contract: bool) -> Guard {
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        let paths = path.map(|path| Pattern::Below(path.into())).into_iter().collect();
        Guard { region: Region { methods, paths }, scopes: Scopes::All(vec![scope.into()]), contract }
    }

    #[test]
    fn a_request_satisfies_every_policy_that_holds_for_it() {
        let one = [guard(&["GET"], Some("/a/"), "read", false)];
        let two = [guard(&[], Some("/a/x/"), "x", true), guard(&["POST"], None, "x", true)];
        let guards = Guards::default().add(&one).add(&two);
        let shown: Vec<(Vec<String>, usize, Scopes, bool)> = guards
            .list
            .iter()
            .map(|guard| (guard.region.methods.clone(), guard.region.paths.len(), guard.scopes.clone(), guard.contract))
            .collect();
        let scopes = |list: &[&str]| Scopes::All(list.iter().map(|scope| (*scope).to_owned()).collect());
        assert_eq!(
            shown,
            [
                (vec!["GET".into()], 1, scopes(&["read", "x"]), true),
                (vec!["GET".into()], 1, scopes(&["read"]), false),
                (vec![], 1, scopes(&["x"]), true),
                (vec!["POST".into()], 0, scopes(&["x"]), true),
            ]
        );
        assert!(!guards.are_stricter && !guards.are_wider);
        assert!(guards.split().0.is_none());
    }

    #[test]
    fn one_that_holds_for_everything_is_the_last() {
        let whole = [guard(&[], None, "all", false)];
        let part = [guard(&["GET"], None, "read", false)];
        let guards = Guards::default().add(&whole).add(&part);
        assert_eq!(guards.list.len(), 2);
        let (rest, others) = guards.split();
        assert_eq!(rest.unwrap().scopes, Scopes::All(vec!["all".into()]));
        assert_eq!(others[0].scopes, Scopes::All(vec!["all".into(), "read".into()]));
        assert_eq!(Guards::default().add(&part).add(&whole).list.len(), 2);
    }

    #[test]
    fn too_many_parts_become_one() {
        let many: Vec<Guard> =
            (0..30).map(|at| guard(&[], Some(&format!("/{at}/")), &format!("s{at}"), at == 7)).collect();
        let guards = Guards::default().add(&many).add(&many);
        assert!(guards.are_wider);
        let [only] = guards.list.as_slice() else { panic!() };
        assert!(only.region.is_whole() && only.contract);
        assert!(matches!(&only.scopes, Scopes::All(scopes) if scopes.len() == 30));
    }
}
