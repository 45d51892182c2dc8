//! The header names that only the filter may set.

use crate::base::headers::fold_separator;
use crate::policy::upstream::Upstream;
use crate::port::{HeaderEdits, HostFailure, RequestHead};

/// Every name and prefix of every API: an upstream of one may trust those of another, and refused requests are logged.
///
/// CGI, and with it WSGI, Rack and PHP, write each separator of a header's name as `_`. So a name with other separators
/// (`x_client_id`, `x-client.id`) is the same name here.
#[derive(Clone, Debug, Default)]
pub struct ReservedNames {
    names: Vec<Box<[u8]>>,
    prefixes: Vec<Box<[u8]>>,
    /// Bit n: there is a name of length n. Most headers of a request are passed over by it.
    lengths: u64,
}

/// What a client sent under reserved names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forged {
    Nothing,
    /// Or it is not known any more.
    #[default]
    Something,
}

impl ReservedNames {
    pub fn of<'a>(upstreams: impl IntoIterator<Item = &'a Upstream>) -> Self {
        let mut reserved = Self::default();
        for upstream in upstreams {
            for (name, _) in &upstream.headers {
                reserved.lengths |= bit(name.len());
                reserved.names.push(folded(name));
            }
            reserved.prefixes.extend(upstream.claims_prefix.as_deref().map(folded));
        }
        for list in [&mut reserved.names, &mut reserved.prefixes] {
            list.sort_unstable();
            list.dedup();
        }
        reserved
    }

    /// Whether an upstream could take a header of this (lower-case) name for one that the filter has set.
    #[inline]
    pub fn contain(&self, name: &[u8]) -> bool {
        let is_a_name = self.lengths & bit(name.len()) != 0
            && self.names.iter().any(|reserved| reserved.len() == name.len() && begins(name, reserved));
        is_a_name || self.prefixes.iter().any(|prefix| begins(name, prefix))
    }

    /// Removes what a client sent under such names, and tells whether it did.
    ///
    /// # Errors
    /// [`HostFailure`]: the message must not pass then.
    #[inline]
    pub fn strip(&self, sent: &impl RequestHead, edits: &impl HeaderEdits) -> Result<Forged, HostFailure> {
        let mut forged = Forged::Nothing;
        for name in sent.names().filter(|name| self.contain(name)) {
            edits.remove(name)?;
            forged = Forged::Something;
        }
        Ok(forged)
    }
}

fn folded(name: &str) -> Box<[u8]> {
    name.bytes().map(fold_separator).collect()
}

/// Whether `name`, folded, begins with `reserved`, which is.
#[inline]
fn begins(name: &[u8], reserved: &[u8]) -> bool {
    name.len() >= reserved.len() && name.iter().zip(reserved).all(|(byte, expected)| fold_separator(*byte) == *expected)
}

#[inline]
fn bit(length: usize) -> u64 {
    1 << (length % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::headers::HeaderMap;
    use crate::policy::upstream::IdentitySource;
    use std::cell::RefCell;

    fn reserved() -> ReservedNames {
        let api = |names: &[&str], prefix: Option<&str>| Upstream {
            headers: names.iter().map(|name| ((*name).into(), IdentitySource::ClientId)).collect(),
            claims_prefix: prefix.map(Into::into),
            forward_token: true,
            rematch_route: false,
        };
        ReservedNames::of(&[api(&["x-client-id", "tier"], None), api(&["x-client-id", "x_user"], Some("x-agw-"))])
    }

    #[test]
    fn names_and_prefixes_of_every_api_are_reserved_with_any_separators() {
        for name in [
            "x-client-id",
            "x_client_id",
            "x-client_id",
            "x.client~id",
            "X-Client-Id",
            "tier",
            "x-user",
            "x_user",
            "x-agw-",
            "x-agw-role",
            "x_agw_role",
            "x-agw_a.b",
        ] {
            assert!(reserved().contain(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "x-client-ids",
            "x-client-i",
            "xclient-id",
            "x-clientaid",
            "tiers",
            "tie-",
            "x-agw",
            "x-agws-a",
            ":path",
        ] {
            assert!(!reserved().contain(name.as_bytes()), "{name}");
        }
        assert!(!ReservedNames::default().contain(b"x-client-id"));
    }

    #[derive(Default)]
    struct Removals(RefCell<Vec<Vec<u8>>>);

    impl HeaderEdits for Removals {
        fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
            self.0.borrow_mut().push(name.to_vec());
            if name == b"tier" { Err(HostFailure) } else { Ok(()) }
        }

        fn set(&self, _: &str, _: &[u8]) -> Result<(), HostFailure> {
            Err(HostFailure)
        }
    }

    #[test]
    fn only_what_was_sent_is_removed_and_a_host_that_refuses_is_a_failure() {
        let edits = Removals::default();
        let sent: HeaderMap = [("a", "1"), ("x_client_id", "2"), ("b", "3"), ("x-agw-r", "4")].into_iter().collect();
        assert_eq!(reserved().strip(&sent, &edits), Ok(Forged::Something));
        assert_eq!(*edits.0.borrow(), [b"x_client_id".to_vec(), b"x-agw-r".to_vec()]);
        let honest: HeaderMap = [("a", "1"), ("x-client", "2")].into_iter().collect();
        assert_eq!(reserved().strip(&honest, &Removals::default()), Ok(Forged::Nothing));
        let sent: HeaderMap = [("tier", "1"), ("x-client-id", "2")].into_iter().collect();
        assert_eq!(reserved().strip(&sent, &edits), Err(HostFailure));
    }
}
