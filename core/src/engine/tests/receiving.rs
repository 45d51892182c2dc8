//! What the upstream of a request receives.

use crate::base::headers::HeaderMap;
use crate::base::time::Timestamp;
use crate::contract::contract::{Contract, Status};
use crate::contract::contracts::Holding;
use crate::decision::decide::{Permit, decide};
use crate::policy::api::ApiSettings;
use crate::policy::rule::{ContractRule, Rule};
use crate::policy::selection::{AmbiguousPaths, Policy, Selection, Target, Unmatched};
use crate::policy::upstream::{IdentitySource, Upstream};
use crate::port::{HeaderEdits, HostFailure};
use crate::token::extract::TokenSource;
use crate::token::facts::{Facts, TokenState};
use crate::upstream::{Forged, remove_credential, write_identity};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a host is asked to do, in order; it refuses to touch one name.
#[derive(Default)]
struct Edits {
    done: RefCell<Vec<(String, Option<String>)>>,
    /// Those that were said to be new.
    added: RefCell<Vec<String>>,
    refused: &'static str,
}

impl Edits {
    fn note(&self, name: &[u8], value: Option<&[u8]>) -> Result<(), HostFailure> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        self.done.borrow_mut().push((text(name), value.map(text)));
        if name == self.refused.as_bytes() { Err(HostFailure) } else { Ok(()) }
    }
}

impl HeaderEdits for Edits {
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.note(name, None)
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.note(name.as_bytes(), Some(value))
    }

    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.added.borrow_mut().push(name.to_owned());
        self.note(name.as_bytes(), Some(value))
    }
}

fn permit(facts: Facts, headers: &[(&str, IdentitySource)], claims_prefix: Option<&str>) -> Permit {
    let upstream = Upstream {
        headers: headers.iter().map(|(name, source)| ((*name).into(), source.clone())).collect(),
        claims_prefix: claims_prefix.map(Into::into),
        ..Upstream::default()
    };
    let api = ApiSettings {
        id: "orders".into(),
        hosts: Vec::new(),
        paths: Vec::new(),
        providers: vec![0],
        upstream,
        rule: Rule { contract: ContractRule::Required, ..Rule::default() },
        resource: None,
        operations: Vec::new(),
    };
    let provider = Rc::new(crate::provider::samples::provider("main"));
    let policy = Policy::new(vec![api], &[Rc::clone(&provider)], Unmatched::Refuse, AmbiguousPaths::Refuse).unwrap();
    let Selection::Guarded(guard) = policy.select(Target::default()) else { panic!("not guarded") };
    let contract = Contract {
        status: Status::Active,
        tier: Some("gold".into()),
        name: Some("Ünal & Co".into()),
        not_before: None,
        expires_at: None,
    };
    let state = TokenState::Active(Rc::new(facts));
    let holding = |_: Option<&str>| Holding::Held(Rc::new(contract));
    decide(&state, &provider, &guard, Timestamp::default(), |_| Ok(()), holding).unwrap()
}

fn written(permit: &Permit) -> BTreeMap<String, String> {
    let edits = Edits::default();
    write_identity(permit, Forged::Something, &edits).unwrap();
    edits.done.into_inner().into_iter().map(|(name, value)| (name, value.unwrap())).collect()
}

fn facts() -> Facts {
    Facts {
        client_id: Some("portal".into()),
        subject: Some("sué".into()),
        username: Some("".into()),
        issuer: Some("https://idp".into()),
        scope: vec!["read".into(), "a b".into()],
        introspection_jwt: Some("a.b.c".into()),
        claims: [
            ("/org/id", "7%25"),
            ("/empty", ""),
            ("role", "admin"),
            ("tier", "forged"),
            ("x_y", "1"),
            ("none", ""),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into(),
        ..Facts::default()
    }
}

#[test]
fn each_source_has_its_text_and_what_is_empty_is_left_out() {
    let sources = [
        ("x-client", IdentitySource::ClientId),
        ("x-subject", IdentitySource::Subject),
        ("x-user", IdentitySource::Username),
        ("x-issuer", IdentitySource::Issuer),
        ("x-scope", IdentitySource::Scope),
        ("x-provider", IdentitySource::Provider),
        ("x-answer", IdentitySource::IntrospectionJwt),
        ("x-api", IdentitySource::Api),
        ("x-tier", IdentitySource::ContractTier),
        ("x-name", IdentitySource::ContractName),
        ("x-org", IdentitySource::Claim("/org/id".into())),
        ("x-empty", IdentitySource::Claim("/empty".into())),
        ("x-absent", IdentitySource::Claim("/absent".into())),
    ];
    let expected = [
        ("x-client", "portal"),
        ("x-subject", "su%C3%A9"),
        ("x-issuer", "https://idp"),
        ("x-scope", "read a%20b"),
        ("x-provider", "main"),
        ("x-answer", "a.b.c"),
        ("x-api", "orders"),
        ("x-tier", "gold"),
        ("x-name", "%C3%9Cnal & Co"),
        ("x-org", "7%25"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(written(&permit(facts(), &sources, None)), expected);
    assert_eq!(written(&permit(Facts::default(), &sources[..5], None)), BTreeMap::new(), "the token says nothing");
}

#[test]
fn a_prefix_writes_every_member_but_none_over_a_header_that_is_named() {
    let headers = [("x-agw-tier", IdentitySource::ContractTier), ("x-agw-x-y", IdentitySource::ClientId)];
    let expected = [("x-agw-role", "admin"), ("x-agw-tier", "gold"), ("x-agw-x-y", "portal")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(written(&permit(facts(), &headers, Some("x-agw-"))), expected);
    // A header whose value is missing is not taken from a member either.
    let absent = [("x-agw-tier", IdentitySource::Claim("/absent".into()))];
    assert!(!written(&permit(facts(), &absent, Some("x-agw-"))).contains_key("x-agw-tier"));
}

#[test]
fn a_host_that_writes_no_identity_is_a_failure() {
    for (refused, prefix) in [("x-client", None), ("x-role", Some("x-"))] {
        let permit = permit(facts(), &[("x-client", IdentitySource::ClientId)], prefix);
        for forged in [Forged::Nothing, Forged::Something] {
            let edits = Edits { refused, ..Edits::default() };
            assert_eq!(write_identity(&permit, forged, &edits), Err(HostFailure), "{refused}");
        }
    }
}

#[test]
fn where_nothing_was_forged_what_is_configured_by_name_is_added() {
    let headers = [("x-client", IdentitySource::ClientId), ("x-sub", IdentitySource::Subject)];
    let permit = permit(facts(), &headers, Some("x-agw-"));
    let added = |forged| {
        let edits = Edits::default();
        write_identity(&permit, forged, &edits).unwrap();
        assert_eq!(edits.done.into_inner().len(), 5);
        edits.added.into_inner()
    };
    // Two members may be one name to a host, so what has their prefix is replaced.
    assert_eq!(added(Forged::Nothing), ["x-client", "x-sub"]);
    assert_eq!(added(Forged::Something), [""; 0]);
}

fn sources() -> [TokenSource; 3] {
    [
        TokenSource::Header { name: "x-token".into(), schemes: vec!["Bearer".into()] },
        TokenSource::Query("at".into()),
        TokenSource::Cookie("at".into()),
    ]
}

/// What is done to a request with these headers.
fn removals(headers: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let edits = Edits::default();
    remove_credential(&sources(), &headers.iter().copied().collect::<HeaderMap>(), &edits).unwrap();
    edits.done.into_inner()
}

#[test]
fn a_credential_and_what_is_like_it_go_and_all_else_stays() {
    let removed = |name: &str| (name.to_owned(), None);
    let set = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    for (headers, expected) in [
        (&[("x-token", "Bearer a")][..], vec![removed("x-token")]),
        (&[("x-token", "Basic a"), ("x-token", "Bearer\ta")], vec![removed("x-token")]),
        (&[("x_token", "a"), ("x-tokens", "a")], vec![removed("x_token")]),
        (&[("dpop", "a.b.c"), ("x-token", "bearer a")], vec![removed("dpop"), removed("x-token")]),
        (&[(":path", "/a?x=1&at=2&AT=3&y")], vec![set(":path", "/a?x=1&y")]),
        (&[(":path", "/?at[]=1")], vec![set(":path", "/")]),
        (&[("cookie", "a=1; at=2; b=3")], vec![set("cookie", "a=1; b=3")]),
        (&[("cookie", "at=1")], vec![removed("cookie")]),
        (&[("cookie", "a=1"), ("cookie", "at=2"), ("cookie", "b=3")], vec![set("cookie", "a=1; b=3")]),
        (&[("cookie", "at=1"), ("cookie", "b=3")], vec![set("cookie", "b=3")]),
        (&[("cookie", "a=1"), ("cookie", "at=2")], vec![set("cookie", "a=1")]),
        (&[("cookie", "a=1; at=2"), ("cookie", "b=3, at=4")], vec![removed("cookie")]),
    ] {
        assert_eq!(removals(headers), expected, "{headers:?}");
    }
    let others = [
        ("x-token", "Basic a"),
        ("x-tokens", "Bearer a"),
        (":path", "/at?x=at&atx=1"),
        ("cookie", "a=1; att=2"),
        ("cookie", "AT=1"),
    ];
    assert_eq!(removals(&others), []);
    assert_eq!(removals(&[]), []);
}

#[test]
fn of_several_parameters_each_is_cut_from_what_is_left() {
    let sources = [TokenSource::Query("at".into()), TokenSource::Query("key".into())];
    let edits = Edits::default();
    let head: HeaderMap = [(":path", "/a?at=1&x=2&key=3")].into_iter().collect();
    remove_credential(&sources, &head, &edits).unwrap();
    assert_eq!(edits.done.into_inner().pop(), Some((":path".to_owned(), Some("/a?x=2".to_owned()))));
}

#[test]
fn a_host_that_leaves_a_credential_is_a_failure() {
    for (refused, header) in [
        ("dpop", ("dpop", "a")),
        ("x-token", ("x-token", "Bearer a")),
        ("x_token", ("x_token", "a")),
        (":path", (":path", "/?at=1")),
        ("cookie", ("cookie", "at=1")),
        ("cookie", ("cookie", "at=1; b=2")),
    ] {
        let head: HeaderMap = [header].into_iter().collect();
        let edits = Edits { refused, ..Edits::default() };
        assert_eq!(remove_credential(&sources(), &head, &edits), Err(HostFailure), "{header:?}");
    }
}
