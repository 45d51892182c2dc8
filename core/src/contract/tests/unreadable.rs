//! Rows that cannot be read: what they may have taken away is not granted.

use std::slice;

use super::*;
use crate::contract::row::MAX_LONG_TEXT;
use crate::contract::table::bucket::MAX_ROWS;
use proptest::prelude::*;

const PROVIDERS: [&str; 3] = ["p0", "p1", "p2"];

impl Stage {
    fn granted(&mut self, api: &str, provider: &str, client: &str) -> bool {
        let holding = self.contracts.find(api, provider, Some(client), &self.store, self.now);
        matches!(holding, Holding::Held(contract) if contract.status == Status::Active)
    }

    /// Which of [`PROVIDERS`] grant something to client `c`.
    fn granting(&mut self) -> String {
        let granting = PROVIDERS.into_iter().filter(|provider| self.granted("a", provider, "c"));
        granting.collect::<Vec<_>>().join(" ")
    }
}

/// A row of client `c`; `more` holds further members.
fn of_c(more: &str) -> String {
    format!(r#"{{"api":"a","client_id":"c"{more}}}"#)
}

fn document(member: &str, rows: &[String], cursor: &str) -> String {
    format!(r#"{{"{member}":[{}],"cursor":"{cursor}"}}"#, rows.join(","))
}

/// Loads `rows` and then, as changes, `changes`.
fn loaded(rows: &[String], changes: &[String]) -> Stage {
    let body = document("contracts", rows, "1");
    let mut stage = Stage::new(move |_| ok(body.clone()));
    stage.tick();
    if !changes.is_empty() {
        let body = document("changes", changes, "2");
        stage.script(move |_| ok(body.clone()));
        stage.until_next_poll();
        assert_eq!(stage.last().path, "/c?since=1");
    }
    assert!(!stage.log.concat().contains("failed"), "{:?}", stage.log);
    stage
}

#[test]
fn a_no_that_cannot_be_read_stands_as_a_no() {
    let long = format!(r#","name":"{}""#, "x".repeat(70_000));
    for (more, granting) in [
        (r#","provider":"p0","status":"suspended","expires_at":"soon""#, "p1 p2"),
        (r#","provider":"p0","expires_at":"soon""#, "p1 p2"),
        (r#","provider":"p0","status":7"#, "p1 p2"),
        (r#","provider":"p0","not_before":{}"#, "p1 p2"),
        (r#","provider":"p0","provider":"p1""#, "p2"),
        (r#","provider":"p0","status":"active","status":"suspended""#, "p1 p2"),
        (r#","provider":"p0","st\u0061tus":"suspended","status":"active""#, "p1 p2"),
        (r#","status":"suspended","status":"active""#, ""),
        (r#","client_id":"d","status":"suspended""#, ""),
        (r#","api":"b","status":"suspended""#, ""),
        (r#","status":"suspended","name":"\ud800""#, ""),
        (r#","status":"suspended","provider":"\ud800""#, ""),
        (r#","status":"suspended","provider":7"#, ""),
        (r#","status":"suspended","provider":"""#, ""),
        (r#","status":"removed","provider":"p0","provider":[]"#, ""),
        (long.as_str(), ""),
    ] {
        let no = of_c(more);
        let after = [of_c(""), row("other", "gold"), no.clone()];
        let mut stage = loaded(&after, &[]);
        assert_eq!(stage.granting(), granting, "{more}");
        assert_eq!(stage.tier("other"), "gold");
        assert_eq!(stage.contracts.report(stage.now).skipped, 1);
        let mut stage = loaded(&after[..2], slice::from_ref(&no));
        assert_eq!(stage.granting(), granting, "as a change: {more}");
        assert_eq!(stage.contracts.report(stage.now).skipped, 1);
    }
}

#[test]
fn of_two_rows_the_last_holds_when_the_first_cannot_be_read() {
    let broken = of_c(r#","tier":7"#);
    assert_eq!(loaded(&[broken, of_c("")], &[]).granting(), "p0 p1 p2");
    // What cannot be pinned to a provider may be about that of the token, and such a row wins over one without.
    let broken = of_c(r#","provider":7,"status":"suspended""#);
    let limited = of_c(r#","provider":"p1""#);
    assert_eq!(loaded(&[limited.clone(), broken.clone(), of_c("")], &[]).granting(), "");
    assert_eq!(loaded(&[broken.clone(), limited, of_c("")], &[]).granting(), "p1");
    assert_eq!(loaded(&[broken.clone(), of_c("")], &[]).granting(), "");
    assert_eq!(
        loaded(&[broken.clone(), broken.clone()], &[]).contracts.report(Timestamp::default()).contracts,
        Some(1)
    );
}

#[test]
fn a_change_that_may_mean_several_has_everything_told_anew() {
    let unpinned = of_c(r#","provider":7"#);
    for lost in [
        unpinned.clone(),
        of_c(r#","client_id":"d""#),
        of_c(r#","client_id":7"#),
        r#"{"api":"a"}"#.to_owned(),
        "[]".to_owned(),
    ] {
        let mut stage = loaded(&[of_c("")], &[lost]);
        stage.script(|_| ok(document("contracts", &[of_c("")], "3")));
        stage.until_next_poll();
        assert_eq!(stage.last().path, "/c");
        assert_eq!(stage.granting(), "p0 p1 p2");
    }
    let mut stage = loaded(&[of_c("")], &[of_c(r#","tier":7"#)]);
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c?since=2", "who that was about is known");

    // Changes of what a denial about every provider hides may be what ends it.
    let removed = of_c(r#","status":"removed""#);
    for change in [of_c(""), removed] {
        let mut stage = loaded(slice::from_ref(&unpinned), &[row("other", "gold")]);
        stage.script(move |_| ok(document("changes", slice::from_ref(&change), "3")));
        stage.until_next_poll();
        assert_eq!((stage.granting(), stage.last().path.as_str()), (String::new(), "/c?since=2"));
        stage.script(|_| ok(document("contracts", &[of_c("")], "4")));
        stage.until_next_poll();
        assert_eq!((stage.granting(), stage.last().path.as_str()), ("p0 p1 p2".to_owned(), "/c"));
    }
}

#[test]
fn a_no_for_which_there_is_no_room_stands_as_a_no() {
    let limited = |n: usize| of_c(&format!(r#","provider":"{n}""#));
    let mut rows: Vec<_> = (0..MAX_ROWS - 1).map(limited).collect();
    rows.push(of_c(""));
    assert_eq!(loaded(&rows, &[]).granting(), "p0 p1 p2");
    let no = of_c(r#","provider":"p0","status":"suspended""#);
    let mut stage = loaded(&rows, slice::from_ref(&no));
    assert_eq!(stage.granting(), "");
    assert_eq!(stage.contracts.report(stage.now).skipped, 1);
    stage.until_next_poll();
    assert_eq!(stage.last().path, "/c");
    rows.push(no);
    rows.push(row("other", "gold"));
    let mut stage = loaded(&rows, &[]);
    assert_eq!((stage.granting(), stage.tier("other")), (String::new(), "gold".to_owned()));
}

/// How a row is spoilt on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoilt {
    No,
    Date,
    NameTwice,
    NameNotUnicode,
    NameTooLong,
    StatusTwice,
    StatusNull,
    ProviderNumber,
    ProviderNotUtf8,
    ProviderTwice,
    ClientTwice,
    ApiTwice,
    ClientNumber,
    NoApi,
    NoObject,
}

/// A row as its author meant it, and what became of it.
#[derive(Clone, Debug)]
struct Said {
    api: &'static str,
    provider: Option<&'static str>,
    client: &'static str,
    status: &'static str,
    spoilt: Spoilt,
    /// Of what is given twice the wrong one comes first.
    wrong_first: bool,
}

const APIS: [&str; 2] = ["a", "b"];
const CLIENTS: [&str; 2] = ["c", "d"];

impl Said {
    fn is_of(&self, api: &str, client: &str) -> bool {
        self.api == api && self.client == client
    }

    /// Whether its author and the others that it may be about can be told.
    fn is_identified(&self) -> bool {
        !matches!(self.spoilt, Spoilt::ClientNumber | Spoilt::NoApi | Spoilt::NoObject)
    }

    /// Whether what it says cannot be told. A removal says nothing but whom it is for.
    fn is_unreadable(&self) -> bool {
        match self.spoilt {
            Spoilt::No => false,
            Spoilt::Date | Spoilt::NameNotUnicode | Spoilt::NameTooLong => self.status != "removed",
            _ => true,
        }
    }

    fn may_be_about(&self, api: &str, client: &str) -> bool {
        let api = self.api == api || self.spoilt == Spoilt::ApiTwice;
        let client = self.client == client || self.spoilt == Spoilt::ClientTwice;
        api && client && self.is_identified()
    }

    fn bytes(&self) -> Vec<u8> {
        let text = |text: &str| format!("{text:?}").into_bytes();
        let mut members =
            vec![("api", text(self.api)), ("client_id", text(self.client)), ("status", text(self.status))];
        members.extend(self.provider.map(|provider| ("provider", text(provider))));
        let wrong: Option<(&str, Vec<u8>)> = match self.spoilt {
            Spoilt::No => None,
            Spoilt::Date => Some(("expires_at", text("soon"))),
            Spoilt::NameTwice => {
                members.push(("name", text("x")));
                Some(("name", text("y")))
            }
            Spoilt::NameNotUnicode => Some(("name", br#""\ud800""#.to_vec())),
            Spoilt::NameTooLong => Some(("name", text(&"x".repeat(MAX_LONG_TEXT + 1)))),
            Spoilt::StatusTwice => Some(("status", text("active"))),
            Spoilt::ProviderTwice => Some(("provider", text("p1"))),
            Spoilt::ClientTwice => Some(("client_id", text(if self.client == "c" { "d" } else { "c" }))),
            Spoilt::ApiTwice => Some(("api", text(if self.api == "a" { "b" } else { "a" }))),
            Spoilt::NoObject => return b"[{}]".to_vec(),
            Spoilt::StatusNull | Spoilt::ProviderNumber | Spoilt::ProviderNotUtf8 => None,
            Spoilt::ClientNumber | Spoilt::NoApi => None,
        };
        members.retain(|(name, _)| match self.spoilt {
            Spoilt::StatusNull => *name != "status",
            Spoilt::ProviderNumber | Spoilt::ProviderNotUtf8 => *name != "provider",
            Spoilt::ClientNumber => *name != "client_id",
            Spoilt::NoApi => *name != "api",
            _ => true,
        });
        match self.spoilt {
            Spoilt::StatusNull => members.push(("status", b"null".to_vec())),
            Spoilt::ProviderNumber => members.push(("provider", b"0".to_vec())),
            Spoilt::ProviderNotUtf8 => members.push(("provider", b"\"p\xff\"".to_vec())),
            Spoilt::ClientNumber => members.push(("client_id", b"0".to_vec())),
            _ => {}
        }
        // A provider given "twice" may be its only one.
        let at = if self.wrong_first { 0 } else { members.len() };
        if let Some(wrong) = wrong {
            members.insert(at, wrong);
        }
        let members: Vec<_> =
            members.into_iter().map(|(name, value)| [format!("{name:?}:").into_bytes(), value].concat()).collect();
        [&b"{"[..], &members.join(&b','), b"}"].concat()
    }
}

/// What a slow reader makes of it who knows what was meant, and takes a no for granted where a row is spoilt: the last
/// row of an identity decides. `changes` of the rows are changes, the last ones.
fn should_grant(all: &[Said], changes: usize, api: &str, provider: &str, client: &str) -> bool {
    let decides = |wanted: Option<&str>| {
        let found = all
            .iter()
            .enumerate()
            .rfind(|(_, said)| said.is_of(api, client) && said.provider == wanted && said.is_identified());
        match found {
            None => None,
            Some((_, said)) if said.is_unreadable() => Some(false),
            Some((at, said)) if said.status == "removed" && at >= all.len() - changes => None,
            Some((_, said)) => Some(said.status == "active"),
        }
    };
    decides(Some(provider)).or_else(|| decides(None)).unwrap_or(false)
}

fn said() -> impl Strategy<Value = Said> {
    let spoilt = prop_oneof![
        8 => Just(Spoilt::No),
        7 => prop::sample::select(vec![
            Spoilt::Date, Spoilt::NameTwice, Spoilt::NameNotUnicode, Spoilt::NameTooLong, Spoilt::StatusTwice,
            Spoilt::StatusNull, Spoilt::ProviderNumber, Spoilt::ProviderNotUtf8, Spoilt::ProviderTwice,
            Spoilt::ClientTwice, Spoilt::ApiTwice, Spoilt::ClientNumber, Spoilt::NoApi, Spoilt::NoObject,
        ]),
    ];
    let one_of = |list: &[&'static str]| prop::sample::select(list.to_vec());
    let provider = prop::option::of(one_of(&PROVIDERS[..2]));
    let status = prop_oneof![4 => Just("active"), 2 => Just("suspended"), 1 => Just("removed")];
    (one_of(&APIS), provider, one_of(&CLIENTS), status, spoilt, any::<bool>()).prop_map(
        |(api, provider, client, status, spoilt, wrong_first)| {
            // One value more is a second one only where there is a first.
            let spoilt = if spoilt == Spoilt::ProviderTwice && provider.is_none() { Spoilt::No } else { spoilt };
            Said { api, provider, client, status, spoilt, wrong_first }
        },
    )
}

fn body(member: &str, rows: &[Said]) -> Vec<u8> {
    let rows: Vec<_> = rows.iter().map(Said::bytes).collect();
    [format!("{{\"cursor\":\"1\",\"{member}\":[").into_bytes(), rows.join(&b','), b"]}".to_vec()].concat()
}

proptest! {
    #[test]
    fn nothing_is_granted_that_a_spoilt_row_may_have_taken_away(
        rows in prop::collection::vec(said(), 0..10),
        changes in prop::collection::vec(said(), 0..6),
    ) {
        let first = body("contracts", &rows);
        let mut stage = Stage::new(move |_| ok(first.clone()));
        stage.tick();
        if !changes.is_empty() {
            let second = body("changes", &changes);
            stage.script(move |_| ok(second.clone()));
            stage.until_next_poll();
        }
        prop_assert_eq!(stage.contracts.report(stage.now).failed, 0, "{:?}", stage.log);
        let all = [&rows[..], &changes].concat();
        for (api, client) in APIS.into_iter().flat_map(|api| CLIENTS.map(|client| (api, client))) {
            let spoilt = all.iter().any(|said| said.is_unreadable() && said.may_be_about(api, client));
            for provider in PROVIDERS {
                let granted = stage.granted(api, provider, client);
                let should = should_grant(&all, changes.len(), api, provider, client);
                prop_assert!(!granted || should, "{api} {provider} {client}");
                prop_assert!(spoilt || granted == should, "{api} {provider} {client}");
            }
        }
    }
}
