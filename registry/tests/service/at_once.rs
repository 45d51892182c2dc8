//! Many who want a client of one provider at the same time, at two replicas.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::authorization_server::{AuthorizationServer, Moment, Operation};
use crate::client::{Answer, Client};
use crate::place::{PATIENCE, Place, Served};
use crate::postgres;
use crate::registrations::{application, founded, until_all};

const MANY: usize = 50;

/// Registrations take so long that others come meanwhile.
fn server() -> AuthorizationServer {
    AuthorizationServer::start(|operation, moment| {
        if (operation, moment) == (Operation::Register, Moment::Done) {
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    })
}

/// All at once, by turns at one and the other.
async fn asked(developers: &[Client; 2], application: &str, provider: &str) -> Vec<Answer> {
    let mut asking = JoinSet::new();
    for number in 0..MANY {
        let (developer, provider) = (developers[number % 2].clone(), json!({"provider": provider}));
        let path = format!("/applications/{application}/clients");
        asking.spawn(async move {
            let began = Instant::now();
            loop {
                let answer = developer.post(&path, &provider).await;
                // So many at once may be too many for the database of a busy machine; who is told so comes again.
                if answer.status != 503 || began.elapsed() > PATIENCE {
                    return answer;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    asking.join_all().await
}

fn both(place: &Place, replicas: &[Served; 2]) -> [Client; 2] {
    let token = place.run(&["token", "create", "--role", "admin", "--role", "root:developer"]);
    [&replicas[0], &replicas[1]].map(|served| Client::new(&served.url("api"), &token))
}

async fn all_come_to_their_turn(place: Place) {
    let replicas = [place.serve(), place.serve()];
    let developers = both(&place, &replicas);
    founded(&developers[0]).await;
    for parallel in [1, 4] {
        let (server, provider) = (server(), format!("by-{parallel}"));
        let settings = json!({"id": provider, "parallel": parallel});
        developers[0].make("/providers", server.provider(settings)).await;
        let application = application(&developers[0], &provider).await;
        for answer in asked(&developers, &application, &provider).await {
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        let clients = until_all(&developers[1], &application, "live", PATIENCE * 2).await;
        assert_eq!((clients.len(), server.ids().len()), (MANY, MANY));
        assert_eq!(server.calls(Operation::Register), 50, "each is registered once");
        let most = server.books(|books| books.most);
        assert!((1..=parallel).contains(&most), "{most} at once where {parallel} may be");
        let orphans = developers[0].list(&format!("/providers/{provider}/orphans")).await;
        assert_eq!(orphans, Vec::<Value>::new());
    }
    replicas.into_iter().for_each(Served::end);
}

async fn one_has_the_last_place(place: Place) {
    let text = std::fs::read_to_string(place.path("registry.toml")).unwrap();
    place.write("registry.toml", &text.replace("clients_per_application = 1000", "clients_per_application = 3"));
    let (server, replicas) = (server(), [place.serve(), place.serve()]);
    let developers = both(&place, &replicas);
    founded(&developers[0]).await;
    developers[0].make("/providers", server.provider(json!({"id": "idp"}))).await;
    let application = application(&developers[0], "full").await;
    let path = format!("/applications/{application}/clients");
    for _ in 0..2 {
        developers[0].make(&path, json!({"provider": "idp"})).await;
    }
    let answers = asked(&developers, &application, "idp").await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // On a machine that does much else, some do not come to their turn in time.
    assert_eq!((of(201), of(409) + of(503)), (1, MANY - 1), "{answers:?}");
    assert!(answers.iter().filter(|answer| answer.status == 409).all(|answer| answer.text.contains("limit_reached")));
    until_all(&developers[1], &application, "live", PATIENCE).await;
    assert_eq!(server.ids().len(), 3);
    replicas.into_iter().for_each(Served::end);
}

fn places() -> [Place; 2] {
    [Place::sqlite(""), Place::new(&format!("\"{}\"", postgres::shared().database()), "")]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_registrations_no_more_run_at_once_than_may() {
    for place in places() {
        all_come_to_their_turn(place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_registrations_for_the_last_place_one_is_made() {
    for place in places() {
        one_has_the_last_place(place).await;
    }
}
