//! Tables of records.

use tessera_registry::use_case::store::{Condition, Query, Store, StoreError, Stored, Table, Transaction};
use tessera_registry::use_case::tables::{APIS, CLIENTS, CONTRACTS, GATEWAY_TOKENS, GROUPS, TABLES};

use crate::database::every;

/// With these values in columns of those names, and nothing in the others.
fn stored(table: &Table, organisation: &str, id: &str, values: &[(&str, &str)]) -> Stored {
    let value = |name: &&str| values.iter().find(|(of, _)| of == name).map(|(_, value)| (*value).to_owned());
    let columns = table.columns.iter().map(value).collect();
    Stored { organisation: organisation.to_owned(), id: id.to_owned(), revision: 1, columns, body: "{}".to_owned() }
}

async fn insert(tx: &mut dyn Transaction, table: &'static Table, id: &str, values: &[(&str, &str)]) {
    tx.insert(table, &stored(table, "o", id, values)).await.unwrap();
}

async fn ids(tx: &mut dyn Transaction, table: &'static Table, query: &Query) -> Vec<String> {
    tx.list(table, "o", query).await.unwrap().into_iter().map(|stored| stored.id).collect()
}

fn only(conditions: Vec<Condition>) -> Query {
    Query { conditions, limit: 100, ..Query::default() }
}

#[tokio::test]
async fn every_table_has_its_columns_and_is_kept_whole() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        for table in TABLES {
            let values: Vec<(&str, &str)> = table.columns.iter().map(|name| (*name, *name)).collect();
            let record = stored(table, "o", "i", &values);
            tx.insert(table, &record).await.unwrap();
            assert_eq!(tx.get(table, "o", "i").await.unwrap().as_ref(), Some(&record), "{}", table.name);
            assert_eq!(tx.lock(table, "o", "i").await.unwrap(), Some(record));
            assert_eq!(tx.get(table, "p", "i").await.unwrap(), None);
        }
        tx.commit().await.unwrap();
        let mut tx = store.read().await.unwrap();
        for table in TABLES {
            assert_eq!(tx.scan(table, None, 10).await.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn what_is_dropped_has_changed_nothing_and_nobody_waits_for_it() {
    for database in every() {
        let store = database.open().await;
        for _ in 0..30 {
            let mut tx = store.write().await.unwrap();
            insert(&mut *tx, &GROUPS, "a", &[]).await;
        }
        assert_eq!(store.read().await.unwrap().get(&GROUPS, "o", "a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_taken_is_refused_and_ends_the_transaction() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        insert(&mut *tx, &CLIENTS, "a", &[("holds", "h")]).await;
        insert(&mut *tx, &CLIENTS, "b", &[]).await;
        insert(&mut *tx, &CLIENTS, "c", &[]).await;
        tx.insert(&CLIENTS, &stored(&CLIENTS, "p", "a", &[("holds", "h")])).await.unwrap();
        insert(&mut *tx, &GATEWAY_TOKENS, "a", &[("hash", "h")]).await;
        tx.commit().await.unwrap();
        let taken = [
            (&CLIENTS, stored(&CLIENTS, "o", "a", &[])),
            (&CLIENTS, stored(&CLIENTS, "o", "d", &[("holds", "h")])),
            (&GATEWAY_TOKENS, stored(&GATEWAY_TOKENS, "p", "b", &[("hash", "h")])),
        ];
        for (table, record) in taken {
            let mut tx = store.write().await.unwrap();
            insert(&mut *tx, &GROUPS, "a", &[]).await;
            assert!(matches!(tx.insert(table, &record).await, Err(StoreError::Exists)));
            assert!(matches!(tx.get(&GROUPS, "o", "a").await, Err(StoreError::Broken(_))));
            assert!(matches!(tx.commit().await, Err(StoreError::Broken(_))));
        }
        assert_eq!(store.read().await.unwrap().get(&GROUPS, "o", "a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_change_is_made_from_the_revision_before() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        insert(&mut *tx, &GROUPS, "a", &[]).await;
        let mut record = stored(&GROUPS, "o", "a", &[("parent", "root")]);
        record.revision = 2;
        record.body = "{\"a\":1}".to_owned();
        tx.update(&GROUPS, &record).await.unwrap();
        tx.update(&GROUPS, &record).await.unwrap();
        assert_eq!(tx.get(&GROUPS, "o", "a").await.unwrap(), Some(record.clone()));
        tx.commit().await.unwrap();
        for revision in [1, 4] {
            let mut tx = store.write().await.unwrap();
            record.revision = revision;
            assert!(matches!(tx.update(&GROUPS, &record).await, Err(StoreError::Collided(_))));
        }
        let mut tx = store.write().await.unwrap();
        assert!(matches!(tx.update(&GROUPS, &stored(&GROUPS, "p", "a", &[])).await, Err(StoreError::Broken(_))));
        drop(tx);
        let mut tx = store.read().await.unwrap();
        assert!(matches!(tx.update(&GROUPS, &record).await, Err(StoreError::Broken(_))));
        let mut tx = store.write().await.unwrap();
        tx.delete(&GROUPS, "o", "a").await.unwrap();
        tx.delete(&GROUPS, "o", "a").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.read().await.unwrap().get(&GROUPS, "o", "a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn lists_are_in_the_order_of_bytes_and_go_on_where_they_ended() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        for id in ["b", "B", "a-", "a", "é", "_", "a.b", "A"] {
            insert(&mut *tx, &GROUPS, id, &[]).await;
            tx.insert(&GROUPS, &stored(&GROUPS, "p", id, &[])).await.unwrap();
        }
        let ascending = ["A", "B", "_", "a", "a-", "a.b", "b", "é"];
        for descending in [false, true] {
            let mut seen = Vec::new();
            let mut query = Query { limit: 3, descending, ..Query::default() };
            loop {
                let part = ids(&mut *tx, &GROUPS, &query).await;
                let Some(last) = part.last() else { break };
                query.after = Some(last.clone());
                seen.extend(part);
            }
            if descending {
                seen.reverse();
            }
            assert_eq!(seen, ascending);
        }
        let mut seen = Vec::new();
        let mut after: Option<Stored> = None;
        loop {
            let key = after.as_ref().map(|last| (last.organisation.as_str(), last.id.as_str()));
            let part = tx.scan(&GROUPS, key, 5).await.unwrap();
            let Some(last) = part.last() else { break };
            after = Some(last.clone());
            seen.extend(part.into_iter().map(|stored| (stored.organisation, stored.id)));
        }
        let all: Vec<_> =
            ["o", "p"].iter().flat_map(|o| ascending.map(|id| ((*o).to_owned(), id.to_owned()))).collect();
        assert_eq!(seen, all);
    }
}

async fn fill(tx: &mut dyn Transaction) {
    insert(tx, &APIS, "e/a", &[("environment", "e"), ("words", "a_50% off")]).await;
    insert(tx, &APIS, "e/b", &[("environment", "e"), ("words", "B ü"), ("lifecycle", "draft")]).await;
    insert(tx, &APIS, "f/c", &[("environment", "f"), ("lifecycle", "x")]).await;
    for (id, api, status) in [("1", "e/a", "active"), ("2", "e/a", "revoked"), ("3", "f/c", "active")] {
        insert(tx, &CONTRACTS, id, &[("api", api), ("status", status)]).await;
    }
}

#[tokio::test]
async fn conditions_mean_the_same_on_every_database() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        fill(&mut *tx).await;
        let text = |text: &str| text.to_owned();
        let cases: Vec<(Condition, &[&str])> = vec![
            (Condition::Is("environment", text("e")), &["e/a", "e/b"]),
            (Condition::Is("environment", text("E")), &[]),
            (Condition::Is("environment", text("e\0")), &[]),
            (Condition::IsNot("lifecycle", text("draft")), &["e/a", "f/c"]),
            (Condition::IsNot("lifecycle", text("\0")), &["e/a", "e/b", "f/c"]),
            (Condition::IsNull("words"), &["f/c"]),
            (Condition::IsNotNull("words"), &["e/a", "e/b"]),
            (Condition::IsIn("id", vec![text("f/c"), text("e/a"), text("\0")]), &["e/a", "f/c"]),
            (Condition::IsIn("id", vec![]), &[]),
            (Condition::Contains("words", text("_50%")), &["e/a"]),
            (Condition::Contains("words", text("b")), &[]),
            (Condition::Contains("words", text("")), &["e/a", "e/b"]),
            (Condition::Contains("words", text("\0")), &[]),
            (Condition::Contains("words", text("'; DROP TABLE apis; --")), &[]),
            (Condition::Before("id", text("e/b")), &["e/a"]),
            (Condition::From("id", text("e/b\0c")), &["e/b", "f/c"]),
            (Condition::Any(vec![]), &[]),
            (Condition::All(vec![]), &["e/a", "e/b", "f/c"]),
            (
                Condition::Any(vec![Condition::Is("id", text("e/a")), Condition::Is("lifecycle", text("x"))]),
                &["e/a", "f/c"],
            ),
            (Condition::ReferredBy(&CONTRACTS, "api", vec![]), &["e/a", "f/c"]),
            (Condition::ReferredBy(&CONTRACTS, "api", vec![Condition::Is("status", text("revoked"))]), &["e/a"]),
            (Condition::ReferredBy(&CONTRACTS, "api", vec![Condition::Any(vec![])]), &[]),
        ];
        for (condition, expected) in cases {
            let query = only(vec![condition]);
            assert_eq!(ids(&mut *tx, &APIS, &query).await, expected, "{query:?}");
            assert_eq!(tx.count(&APIS, "o", &query.conditions).await.unwrap(), expected.len() as u64);
            assert!(tx.list(&APIS, "p", &query).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_null_character_finds_nothing_and_is_not_stored() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        insert(&mut *tx, &GROUPS, "a", &[]).await;
        assert_eq!(tx.get(&GROUPS, "o", "a\0").await.unwrap(), None);
        assert_eq!(tx.lock(&GROUPS, "o", "a\0").await.unwrap(), None);
        assert_eq!(tx.find(&GATEWAY_TOKENS, "hash", "a\0").await.unwrap(), None);
        tx.delete(&GROUPS, "o", "a\0").await.unwrap();
        let after = Query { after: Some("\0".to_owned()), limit: 9, ..Query::default() };
        assert_eq!(ids(&mut *tx, &GROUPS, &after).await, ["a"]);
        assert!(matches!(tx.insert(&GROUPS, &stored(&GROUPS, "o", "b\0", &[])).await, Err(StoreError::Broken(_))));
    }
}

#[tokio::test]
async fn conditions_lead_from_record_to_record() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        fill(&mut *tx).await;
        let nested = Condition::Refers(
            "api",
            &APIS,
            vec![Condition::ReferredBy(&CONTRACTS, "api", vec![Condition::Is("id", "2".to_owned())])],
        );
        assert_eq!(ids(&mut *tx, &CONTRACTS, &only(vec![nested])).await, ["1", "2"]);
    }
}

#[tokio::test]
async fn a_text_is_among_others_whatever_is_in_it() {
    let odd = ["\"", "\\", "a,b", "{}", "NULL", "", " ", "'", "\\\"", "ü", "\n", "$1"];
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        for (index, text) in odd.iter().enumerate() {
            insert(&mut *tx, &APIS, &index.to_string(), &[("words", text)]).await;
        }
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        for (index, text) in odd.iter().enumerate() {
            let one = only(vec![Condition::IsIn("words", texts(&["x", text, "null"]))]);
            assert_eq!(ids(&mut *tx, &APIS, &one).await, [index.to_string()], "{text:?}");
        }
        assert_eq!(ids(&mut *tx, &APIS, &only(vec![Condition::IsIn("words", texts(&odd))])).await.len(), odd.len());
    }
}
