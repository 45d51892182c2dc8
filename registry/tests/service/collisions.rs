//! Changes that get in each other's way: everybody locks in the same order, and who collides after all is served after
//! the other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Client, sent};
use crate::place::{PATIENCE, Place, Served};
use crate::postgres;

const CALLERS: u64 = 12;
/// However long it takes.
const LEAST: u64 = 12;

/// How long callers do what they like.
fn how_long() -> Duration {
    Duration::from_secs(std::env::var("TESSERA_COLLISION_SECONDS").map_or(6, |text| text.parse().unwrap()))
}

/// Numbers that look random, the same ones in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[usize::try_from(self.roll(things.len() as u64)).unwrap()]
    }
}

/// What the callers share.
struct Things {
    applications: Vec<String>,
    contracts: Vec<String>,
    gateways: Vec<String>,
}

async fn things(admin: &Client) -> Things {
    let mut things = Things { applications: Vec::new(), contracts: Vec::new(), gateways: Vec::new() };
    for number in 0..6 {
        let (application, contract) = admin.contract(&format!("shared-{number}")).await;
        let clients = format!("/applications/{application}/clients");
        admin.make(&clients, json!({"provider": "other", "client_id": format!("second-{number}")})).await;
        things.applications.push(application);
        things.contracts.push(contract);
    }
    things.gateways.push(admin.make("/gateways", json!({"environment": "prod", "title": "shared"})).await);
    things
}

fn random(dice: &mut Dice, things: &Things, caller: u64, turn: u64) -> (&'static str, String, Value) {
    let (application, contract) = (dice.of(&things.applications).clone(), dice.of(&things.contracts).clone());
    let (provider, other) = if dice.roll(2) == 0 { ("main", "other") } else { ("other", "main") };
    let tier = *dice.of(&["gold", "silver"]);
    let unique = format!("u{caller}-{turn}");
    let environments = [json!(null), json!(["prod"]), json!(["prod", "test"]), json!(["test", "prod"]), json!([])];
    let environments = dice.of(&environments);
    let act = |action: &str| format!("/contracts/{contract}/{action}");
    let reason = json!({"reason": "random"});
    match dice.roll(16) {
        0 | 1 => ("PATCH", format!("/providers/{provider}"), json!({"environments": environments})),
        2 => ("PATCH", format!("/providers/{other}"), json!({"title": unique})),
        3 | 4 => {
            let body = json!({"provider": provider, "client_id": unique});
            ("POST", format!("/applications/{application}/clients"), body)
        }
        5 => ("POST", act("suspend"), reason),
        6 => ("POST", act("resume"), reason),
        7 => ("POST", act("tier"), json!({"tier": tier})),
        8 => ("PATCH", format!("/contracts/{contract}"), json!({"name": unique})),
        9 => ("PATCH", format!("/apis/prod/orders/tiers/{tier}"), json!({"title": unique})),
        10 => ("PATCH", "/apis/prod/orders".to_owned(), json!({"title": unique, "group": *dice.of(&["team", "root"])})),
        11 => ("PATCH", format!("/applications/{application}"), json!({"name": unique})),
        12 => {
            let apis = if dice.roll(2) == 0 { json!(null) } else { json!(["orders"]) };
            ("PATCH", format!("/gateways/{}", dice.of(&things.gateways)), json!({"apis": apis}))
        }
        13 => ("POST", "/groups".to_owned(), json!({"id": unique, "parent": *dice.of(&["team", "root"])})),
        14 => {
            let body = json!({"environment": *dice.of(&["prod", "test"]), "id": unique, "group": "team", "title": "t"});
            ("POST", "/apis".to_owned(), body)
        }
        _ => ("POST", "/applications".to_owned(), json!({"group": "team", "name": unique})),
    }
}

/// Does what comes to mind, and deletes some of what it has made; how often, and what was answered wrongly.
async fn call_around(admin: Client, things: std::sync::Arc<Things>, caller: u64, ends: Instant) -> (u64, Vec<String>) {
    let (mut dice, mut wrong, mut own, mut turn) = (Dice(caller), Vec::new(), Vec::new(), 0);
    while Instant::now() < ends || turn < LEAST {
        turn += 1;
        let (method, path, body) = match own.pop().filter(|_| dice.roll(2) == 0) {
            Some(path) => ("DELETE", path, Value::Null),
            None => random(&mut dice, &things, caller, turn),
        };
        let answer = sent(admin.request(method, &path, Some(&body).filter(|_| method != "DELETE"))).await.unwrap();
        // On a machine that does much else, some do not come to their turn in time.
        if answer.status >= 500 && answer.status != 503 {
            wrong.push(format!("{method} {path} {body}: {answer:?}"));
        }
        if answer.status == 201 {
            let made = answer.headers["location"].to_str().unwrap();
            own.push(made.strip_prefix("/api/v1").unwrap().to_owned());
        }
    }
    (turn, wrong)
}

fn place() -> (String, Place) {
    let url = postgres::shared().database();
    (url.clone(), Place::new(&format!("\"{url}\""), ""))
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Of the database, once nobody else has a session on it: sessions tell of theirs when they end, at the latest.
async fn deadlocks(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while number(&mut connection, others).await > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    number(&mut connection, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_at_once_nobody_waits_in_a_circle() {
    let (url, place) = place();
    let served = place.serve();
    let admin = place.admin(&served);
    admin.found().await;
    let things = std::sync::Arc::new(things(&admin).await);
    let ends = Instant::now() + how_long();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(call_around(admin.clone(), std::sync::Arc::clone(&things), caller, ends));
    }
    let mut number = 0;
    while Instant::now() < ends || number < 2 {
        number += 1;
        applied(&place, number).await;
    }
    let (mut turns, mut wrong) = (0, Vec::new());
    for (done, faults) in callers.join_all().await {
        turns += done;
        wrong.extend(faults);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{turns} requests, {number} catalogues");
    served.end();
    assert_eq!(deadlocks(&url).await, 0);
    assert!(place.run(&["check", "--connect", "--audit"]).contains("ok"));
}

/// A catalogue that moves both providers and changes a tier.
async fn applied(place: &Place, number: u32) {
    let environments = if number.is_multiple_of(2) { "[\"prod\"]" } else { "[\"prod\", \"test\"]" };
    let provider =
        |id: &str| format!("[[providers]]\nid = \"{id}\"\nkind = \"manual\"\nenvironments = {environments}\n");
    let api = format!(
        "[[apis]]\nenvironment = \"prod\"\nid = \"orders\"\ngroup = \"team\"\ntitle = \"Orders {number}\"\n\
         [[apis.tiers]]\nid = \"gold\"\napproval = \"automatic\"\ntitle = \"Gold {number}\"\n"
    );
    place.write("catalogue.toml", &[provider("other"), provider("main"), api].concat());
    let arguments = ["apply", &place.path("catalogue.toml"), "--yes"];
    let output = tokio::task::block_in_place(|| place.output(&arguments));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // Others change the same things in the meantime; then nothing is done.
    let is_late = told.contains("in the meantime") || told.contains("cannot be used now");
    assert!(output.status.success() || is_late, "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_collides_comes_after_the_other() {
    let (url, place) = place();
    let served = place.serve();
    let admin = place.admin(&served);
    admin.found().await;
    let (application, _) = admin.contract("shared").await;
    for number in 0.. {
        let told = served.log().matches(COLLIDED).count();
        if collided(&url, &served, &admin, &application, number).await {
            assert!(served.log().matches(COLLIDED).count() > told, "{}", served.log());
            return;
        }
        // The one that does not belong to the service may be the first to notice, if it comes late.
        assert!(number < 9, "the service is never the first to notice\n{}", served.log());
    }
}

const COLLIDED: &str = "two changes were in each other's way";

/// Whether it was the service that gave way to another one, and then came after it.
async fn collided(url: &str, served: &Served, admin: &Client, application: &str, number: u32) -> bool {
    let mut other = PgConnection::connect(url).await.unwrap();
    let lock = async |connection: &mut PgConnection, table: &'static str, id: &str| {
        let sql = match table {
            "applications" => "SELECT id FROM applications WHERE id = $1 FOR UPDATE",
            _ => "SELECT id FROM providers WHERE id = $1 FOR UPDATE",
        };
        sqlx::query(sql).bind(id.to_owned()).fetch_one(connection).await.map(drop)
    };
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    lock(&mut other, "applications", application).await.unwrap();
    // It locks the provider, and waits for the application.
    let (client, path) = (admin.clone(), format!("/applications/{application}/clients"));
    let body = json!({"provider": "main", "client_id": format!("late-{number}")});
    let making = tokio::spawn(async move { client.post(&path, &body).await });
    until_somebody_waits(url, served).await;
    // The other way round: the first to notice is the one that has waited longer.
    let gives_way = lock(&mut other, "providers", "main").await.is_ok();
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    let made = making.await.unwrap();
    // It waited for longer than it has patience.
    if made.status == 503 {
        return false;
    }
    assert_eq!(made.status, 201, "{made:?}");
    gives_way
}

async fn until_somebody_waits(url: &str, served: &Served) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while number(&mut connection, waiting).await == 0 {
        assert!(Instant::now() < deadline, "nobody waits\n{}", served.log());
        sleep(Duration::from_millis(10)).await;
    }
}
