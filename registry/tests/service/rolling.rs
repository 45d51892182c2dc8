//! Services that are told to end while a provider does what it was asked.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Moment, Operation};
use crate::place::{PATIENCE, Place};
use crate::postgres;
use crate::registrations::{application, founded, until_all};

/// Longer than deliveries have, and requests.
const LATE: Duration = Duration::from_secs(11);

async fn is_waited_for(place: Place) {
    let (answer, answers) = channel::<()>();
    let answers = Mutex::new(answers);
    let server = AuthorizationServer::start(move |operation, moment| {
        if matches!((operation, moment), (Operation::Register, Moment::Done)) {
            // When nobody is left to say so, everything is answered at once.
            let _ = answers.lock().unwrap().recv();
        }
        None
    });
    let served = place.serve();
    let admin = place.admin(&served);
    founded(&admin).await;
    admin.make("/providers", server.provider(json!({"id": "idp", "timeout": "60s"}))).await;
    let shop = application(&admin, "Shop").await;
    admin.make(&format!("/applications/{shop}/clients"), json!({"provider": "idp"})).await;
    let deadline = Instant::now() + PATIENCE;
    while server.ids().is_empty() {
        assert!(Instant::now() < deadline, "nobody has registered the client");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let late = std::thread::spawn(move || {
        std::thread::sleep(LATE);
        drop(answer);
    });
    served.end();
    late.join().unwrap();

    let served = place.serve();
    let admin = place.admin(&served);
    until_all(&admin, &shop, "live", PATIENCE).await;
    assert_eq!((server.ids().len(), server.calls(Operation::Register)), (1, 1), "it was registered once");
    assert_eq!(admin.list("/providers/idp/orphans").await, Vec::<Value>::new());
    served.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_does_when_the_service_is_told_to_end_is_not_done_in_vain() {
    is_waited_for(Place::sqlite("")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_does_when_the_service_is_told_to_end_is_not_done_in_vain_on_postgresql() {
    is_waited_for(Place::new(&format!("\"{}\"", postgres::shared().database()), "")).await;
}
