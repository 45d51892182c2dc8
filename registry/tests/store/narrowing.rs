//! Lists of what callers may read: a little of much, much of it, or nothing, they are the same by whatever way.

use tessera_registry::use_case::store::{Condition, Query, Store, Stored, Table, Transaction};
use tessera_registry::use_case::tables::{APIS, APPLICATIONS, CONTRACTS};

use crate::database::every;

/// More than are few.
const CONTRACTS_MADE: usize = 5200;
const APIS_MADE: usize = 10;
const APPLICATIONS_MADE: usize = 52;

fn record(table: &Table, id: String, values: &[(&str, String)]) -> Stored {
    let value = |name: &&str| values.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone());
    let columns = table.columns.iter().map(value).collect();
    Stored { organisation: "o".to_owned(), id, revision: 1, columns, body: "{}".to_owned() }
}

fn contract(number: usize) -> Stored {
    let status = if number.is_multiple_of(100) { "pending" } else { "active" };
    let values = [
        ("api", format!("api-{}", number % APIS_MADE)),
        ("application", format!("application-{}", number % APPLICATIONS_MADE)),
        ("status", status.to_owned()),
    ];
    record(&CONTRACTS, format!("{number:06}"), &values)
}

async fn fill(tx: &mut dyn Transaction) {
    let in_group = |table: &'static Table, kind: &str, number: usize| {
        record(table, format!("{kind}-{number}"), &[("group_id", format!("group-{kind}-{number}"))])
    };
    let apis: Vec<Stored> = (0..APIS_MADE).map(|number| in_group(&APIS, "api", number)).collect();
    let applications: Vec<Stored> =
        (0..APPLICATIONS_MADE).map(|number| in_group(&APPLICATIONS, "application", number)).collect();
    tx.insert_all(&APIS, &apis).await.unwrap();
    tx.insert_all(&APPLICATIONS, &applications).await.unwrap();
    let contracts: Vec<Stored> = (0..CONTRACTS_MADE).map(contract).collect();
    tx.insert_all(&CONTRACTS, &contracts).await.unwrap();
    // Somebody else's, of the same names.
    let others = contracts.iter().take(20).map(|stored| Stored { organisation: "p".to_owned(), ..stored.clone() });
    tx.insert_all(&CONTRACTS, &others.collect::<Vec<_>>()).await.unwrap();
}

/// Every identifier, page by page.
async fn followed(tx: &mut dyn Transaction, table: &'static Table, mut query: Query) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let page = tx.list(table, "o", &query).await.unwrap();
        let is_last = page.len() < query.limit as usize;
        all.extend(page.into_iter().map(|stored| stored.id));
        if is_last {
            return all;
        }
        query.after = all.last().cloned();
    }
}

#[tokio::test]
async fn what_may_be_read_is_listed_by_whatever_way() {
    let groups = |kind: &str, numbers: &[usize]| {
        numbers.iter().map(|number| format!("group-{kind}-{number}")).collect::<Vec<_>>()
    };
    let reaches: [(&[usize], &[usize]); 5] =
        [(&[3], &[]), (&[], &[7]), (&[3, 4], &[7, 8]), (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[1]), (&[], &[])];
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        fill(&mut *tx).await;
        for (apis, applications) in reaches {
            let readable = Condition::Any(vec![
                Condition::Refers("api", &APIS, vec![Condition::IsIn("group_id", groups("api", apis))]),
                Condition::Refers(
                    "application",
                    &APPLICATIONS,
                    vec![Condition::IsIn("group_id", groups("application", applications))],
                ),
            ]);
            let reads = |number: &usize| {
                apis.contains(&(number % APIS_MADE)) || applications.contains(&(number % APPLICATIONS_MADE))
            };
            let pending = Condition::Is("status", "pending".to_owned());
            // That no set of names stands for: it is asked of one after the other, of several parts of what is found.
            let group = Condition::Is("group_id", "group-application-7".to_owned());
            let of_seventh = Condition::Refers("application", &APPLICATIONS, vec![group]);
            for (filter, is_listed) in [
                (None, (|_| true) as fn(usize) -> bool),
                (Some(pending), |number: usize| number.is_multiple_of(100)),
                (Some(of_seventh), |number: usize| number % APPLICATIONS_MADE == 7),
            ] {
                let mut expected: Vec<String> = (0..CONTRACTS_MADE)
                    .filter(|number| reads(number) && is_listed(*number))
                    .map(|number| format!("{number:06}"))
                    .collect();
                let conditions: Vec<Condition> = filter.into_iter().chain([readable.clone()]).collect();
                let query = Query { conditions, limit: 300, ..Query::default() };
                assert_eq!(followed(&mut *tx, &CONTRACTS, query.clone()).await, expected);
                expected.reverse();
                assert_eq!(followed(&mut *tx, &CONTRACTS, Query { descending: true, ..query }).await, expected);
            }
        }
    }
}

#[tokio::test]
async fn what_is_referred_to_is_listed_once() {
    for database in every() {
        let store = database.open().await;
        let mut tx = store.write().await.unwrap();
        fill(&mut *tx).await;
        let group = "group-api-3".to_owned();
        // The first is looked for one by one, the other as a set.
        let each = [Condition::Is("group_id", group.clone()), Condition::IsIn("group_id", vec![group])];
        let active = Condition::Is("status", "active".to_owned());
        for inner in each.into_iter().flat_map(|of_group| {
            let of_api = Condition::Refers("api", &APIS, vec![of_group]);
            [vec![of_api.clone()], vec![of_api, active.clone()]]
        }) {
            let own = Condition::IsIn("group_id", vec!["group-application-0".to_owned()]);
            let conditions = vec![Condition::Any(vec![own, Condition::ReferredBy(&CONTRACTS, "application", inner)])];
            let listed = followed(&mut *tx, &APPLICATIONS, Query { conditions, limit: 10, ..Query::default() }).await;
            // Those of odd numbers have contracts with the API of that number.
            let mut expected: Vec<String> = (0..APPLICATIONS_MADE)
                .filter(|number| number % 2 == 1 || *number == 0)
                .map(|n| format!("application-{n}"))
                .collect();
            expected.sort();
            assert_eq!(listed, expected);
        }
    }
}
