use super::*;
use crate::base::time::Timestamp;
use crate::contract::contract::{Contract, Status};
use crate::contract::document::{Document, Step};
use crate::contract::row::{EVERY_PROVIDER, MAX_LONG_TEXT, MAX_SHORT_TEXT};
use proptest::option;
use proptest::prelude::*;

fn texts(most: usize) -> impl Strategy<Value = Box<str>> {
    prop_oneof!["[a-z]{1,9}", "\\PC{1,40}", any::<String>(), "é{600}"].prop_map(move |text| {
        let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text[..end].into()
    })
}

fn identities() -> impl Strategy<Value = Identity> {
    let filled = |most| texts(most).prop_filter("not empty", |text| !text.is_empty());
    (filled(MAX_SHORT_TEXT), option::of(filled(MAX_SHORT_TEXT)), filled(MAX_LONG_TEXT))
        .prop_map(|(api, provider, client_id)| Identity { api, provider, client_id })
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..253_402_300_800_000_u64, Just(0), Just(253_402_300_799_999)].prop_map(Timestamp::from_millis)
}

fn rows() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec![Status::Active, Status::Pending, Status::Suspended, Status::Revoked]);
    let texts = (option::of(texts(MAX_SHORT_TEXT)), option::of(texts(MAX_LONG_TEXT)));
    (identities(), status, texts, option::of(times()), option::of(times())).prop_map(
        |(identity, status, (tier, name), not_before, expires_at)| {
            let contract = Contract { status, tier, name, not_before, expires_at };
            Row { identity, contract }
        },
    )
}

fn entries(text: &str) -> (Option<DocumentKind>, Vec<Entry>, Option<Box<str>>) {
    let mut document = Document::new(text.as_bytes().to_vec());
    let mut entries = Vec::new();
    loop {
        match document.step().unwrap() {
            Step::Entry(_, _, entry) => entries.push(entry),
            Step::Passed => {}
            Step::End => return (document.kind(), entries, document.take_cursor()),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(rows in prop::collection::vec(rows(), 0..5), cursor: Option<String>) {
        let written: Vec<String> = rows.iter().map(|row| write_row(row).unwrap()).collect();
        let text = write_document(DocumentKind::Snapshot, &written, cursor.as_deref()).unwrap();
        let (kind, read, read_cursor) = entries(&text);
        prop_assert_eq!(kind, Some(DocumentKind::Snapshot));
        prop_assert_eq!(read, rows.into_iter().map(Entry::Holds).collect::<Vec<_>>());
        prop_assert_eq!(read_cursor.as_deref(), cursor.as_deref());
    }

    #[test]
    fn changes_and_removals_are_read_as_they_were(held in rows(), gone in identities()) {
        let written = [write_row(&held).unwrap(), write_removal(&gone).unwrap()];
        let (kind, read, _) = entries(&write_document(DocumentKind::Delta, written, Some("1.2.3")).unwrap());
        prop_assert_eq!(kind, Some(DocumentKind::Delta));
        prop_assert_eq!(read, vec![Entry::Holds(held), Entry::Removed(gone)]);
    }
}

fn sound() -> Row {
    let identity = Identity { api: "orders".into(), provider: Some("main".into()), client_id: "portal".into() };
    let contract = Contract { status: Status::Active, tier: None, name: None, not_before: None, expires_at: None };
    Row { identity, contract }
}

/// What writes a changed copy of the sound row.
fn written(change: impl FnOnce(&mut Row)) -> Result<String, RowError> {
    let mut row = sound();
    change(&mut row);
    write_row(&row)
}

#[test]
fn what_a_reader_would_refuse_is_not_written() {
    let long = |most: usize| "x".repeat(most + 1).into_boxed_str();
    let member = |result: Result<String, RowError>| result.unwrap_err().member;
    assert_eq!(member(written(|row| row.identity.api = "".into())), "api");
    assert_eq!(member(written(|row| row.identity.client_id = long(MAX_LONG_TEXT))), "client_id");
    assert_eq!(member(written(|row| row.identity.provider = Some(EVERY_PROVIDER.into()))), "provider");
    assert_eq!(member(written(|row| row.contract.tier = Some(long(MAX_SHORT_TEXT)))), "tier");
    assert_eq!(member(written(|row| row.contract.name = Some(long(MAX_LONG_TEXT)))), "name");
    assert_eq!(member(written(|row| row.contract.status = Status::Unknown)), "status");
    assert_eq!(member(written(|row| row.contract.expires_at = Some(Timestamp::MAX))), "expires_at");
    assert!(written(|_| ()).is_ok());
    assert_eq!(write_removal(&Identity { api: "".into(), ..sound().identity }).unwrap_err().member, "api");
    assert_eq!(write_document(DocumentKind::Snapshot, [""; 0], Some(&long(MAX_CURSOR))), None);
    assert!(write_document(DocumentKind::Snapshot, [""; 0], Some(&long(MAX_CURSOR - 1))).is_some());
}

#[test]
fn a_row_has_what_there_is_to_say() {
    for (millis, fraction) in [(500, "500"), (0, "000")] {
        let time = Timestamp::from_millis(1_767_225_600_000 + millis);
        let row = written(|row| row.contract.not_before = Some(time)).unwrap();
        let expected = r#"{"api":"orders","client_id":"portal","not_before":"2026-01-01T00:00:00.???Z","provider":"main","status":"active"}"#;
        assert_eq!(row, expected.replace("???", fraction));
    }
}
