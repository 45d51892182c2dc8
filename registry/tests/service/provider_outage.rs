//! An authorization server goes away under load, and comes back. `TESSERA_OUTAGE_SECONDS` says for how long.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::authorization_server::{AuthorizationServer, Operation};
use crate::client::Client;
use crate::door::{Door, Manner};
use crate::outage::{metric, outage};
use crate::place::{PATIENCE, Place, Served};
use crate::postgres;
use crate::registrations::{application, founded, until_all};

/// Clients that are wanted of the server that is away.
const WANTED: usize = 12;
/// What anything else may take meanwhile: less than one call of a server that is silent.
const USUAL: Duration = Duration::from_secs(50);

/// Two authorization servers, a door before the first of them, and two replicas.
struct Scene {
    door: Door,
    away: AuthorizationServer,
    other: AuthorizationServer,
    replicas: [Served; 2],
    developer: Client,
    gateway: String,
}

impl Scene {
    async fn at(place: &Place) -> Self {
        let [away, other] = [(); 2].map(|()| AuthorizationServer::start(|_, _| None));
        let (door, replicas) = (Door::to(&away.url), [place.serve(), place.serve()]);
        let developer = place.admin(&replicas[0]);
        founded(&developer).await;
        let settings = json!({"id": "away", "issuer": door.url, "timeout": "60s", "parallel": 16});
        developer.make("/providers", away.provider(settings)).await;
        developer.make("/providers", other.provider(json!({"id": "other", "parallel": 16}))).await;
        let gateway = developer.gateway("the one").await;
        Self { door, away, other, replicas, developer, gateway }
    }

    async fn client(&self, application: &str, provider: &str) -> String {
        self.developer.make(&format!("/applications/{application}/clients"), json!({"provider": provider})).await
    }

    async fn delete(&self, client: &str) {
        let answer = self.developer.call("DELETE", &format!("/clients/{client}"), None).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// How often the registry has called the one that is away.
    async fn calls(&self) -> f64 {
        let mut calls = 0.0;
        for served in &self.replicas {
            calls += metric(served, "tessera_registry_provider_calls_total", "provider=\"away\"").await;
        }
        calls
    }

    async fn feed(&self, replica: usize) -> Vec<Value> {
        let url = format!("{}/v1/contracts", self.replicas[replica].url("feed"));
        let answer = crate::client::sent(crate::client::http().get(url).bearer_auth(&self.gateway)).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["contracts"].as_array().unwrap().clone()
    }
}

/// For so long, clients of the other server are made and come to live, and everything answers.
async fn others_go_on(scene: &Scene, application: &str, span: Duration) {
    let begun = Instant::now();
    for number in 0_usize.. {
        if number >= 3 && begun.elapsed() >= span {
            return;
        }
        let one = Instant::now();
        let client = scene.client(application, "other").await;
        until_all(&scene.developer, application, "live", USUAL).await;
        let rows = scene.feed(number % 2).await;
        let (id, took) =
            (scene.developer.there(&format!("/clients/{client}")).await.json()["client_id"].clone(), one.elapsed());
        assert!(rows.iter().any(|row| row["client_id"] == id), "{id} is not served: {rows:?}");
        assert!(took < USUAL, "a client of another server took {took:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Attempts keep apart: 1 s doubling, a fifth less at least.
fn most(tasks: usize, span: Duration) -> f64 {
    tasks as f64 * ((span.as_secs_f64() / 0.8 + 1.0).log2() + 2.0)
}

/// What there was, for whoever reads it.
async fn outlived(place: Place) -> String {
    let scene = Scene::at(&place).await;
    let [here, there] = [application(&scene.developer, "here").await, application(&scene.developer, "there").await];
    let early = [scene.client(&here, "away").await, scene.client(&here, "away").await];
    until_all(&scene.developer, &here, "live", PATIENCE).await;
    let (before, gone) = (scene.calls().await, Instant::now());
    scene.door.be(Manner::Silent);
    for _ in 0..WANTED {
        scene.client(&here, "away").await;
    }
    scene.delete(&early[0]).await;
    others_go_on(&scene, &there, outage() / 2).await;
    scene.door.be(Manner::Closed);
    others_go_on(&scene, &there, outage() / 2).await;
    let (calls, took) = (scene.calls().await - before, gone.elapsed());
    assert!(calls <= most(WANTED + 1, took), "{calls} calls in {took:?}");
    assert!(calls >= 1.0, "nobody has tried");

    scene.door.be(Manner::Open);
    // The next attempt may be as far away as the outage was long.
    let clients = until_all(&scene.developer, &here, "live", took * 2 + PATIENCE).await;
    assert_eq!(clients.iter().filter(|client| client["status"] == "live").count(), WANTED + 1);
    let told = format!("{calls} calls in {took:?}, all live after {:?} more", gone.elapsed() - took);
    assert_eq!(scene.away.ids().len(), WANTED + 1, "nothing else is there");
    assert_eq!(scene.away.calls(Operation::Register), 2 + WANTED as u64, "each was registered once");
    let all = scene.away.ids().len() + scene.other.ids().len();
    assert_eq!((scene.feed(0).await.len(), scene.feed(1).await.len()), (all, all));
    // What was asked of a server that did not answer may have been done.
    let orphans = scene.developer.list("/providers/away/orphans").await;
    assert!(orphans.iter().all(|orphan| orphan["why"] == "unknown"), "{orphans:?}");
    for server in [&scene.away, &scene.other] {
        server.books(|books| assert_eq!(books.wrong, Vec::<String>::new()));
    }
    scene.replicas.into_iter().for_each(Served::end);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_server_that_goes_away_is_waited_for() {
    println!("{}", outlived(Place::sqlite("")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_server_that_goes_away_is_waited_for_on_postgresql() {
    let place = Place::new(&format!("\"{}\"", postgres::shared().database()), "");
    println!("{}", outlived(place).await);
}
