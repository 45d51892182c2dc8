//! Kills, restarts, and looks at what is left.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::following::Follower;
use crate::gate::Gate;
use crate::postgres::Postgres;
use crate::rows::{APIS, Open, Rows, difference};
use crate::served::{Addresses, Place, Served};
use crate::wire::send;
use crate::writer::{Known, Step, Writer, attempt};

const WRITERS: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// What is killed.
pub enum Crash<'a> {
    /// With the server of its database, if that is one of its own.
    Service(Option<&'a Postgres>),
    Server(&'a Postgres),
    Both(&'a Postgres),
}

const CATALOGUE: &str = "environments = [{id = \"e\"}]\nproviders = [{id = \"p\", kind = \"manual\"}]\n";

/// How many changes of rows there were.
pub fn crashed<'a>(place: &Place, kills: u64, crash: impl Fn(u64) -> Crash<'a>) -> i64 {
    let admin = founded(place);
    let mut served = Served::start(place);
    let gateway = gateway(served.addresses, &admin);
    let gate = Gate::new(served.addresses);
    let mut follower = Follower::default();
    follower.follow(served.addresses.feed, &gateway);
    let mut dice = Dice(kills);
    let (changes, served) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|number| writer(served.addresses, &admin, number)).collect();
        let known: Vec<_> = writers.iter().map(|writer| Arc::clone(&writer.known)).collect();
        for writer in writers {
            scope.spawn(|| writer.write(&gate));
        }
        let _end = End(&gate);
        for kill in 0..kills {
            gate.open(served.addresses);
            load(&known, &mut dice);
            served = again(place, served, &crash(kill), &gate);
            look(&known, served.addresses, (&admin, &gateway), &mut follower);
        }
        // What is open is answered now.
        gate.open(served.addresses);
        std::thread::sleep(Duration::from_millis(500));
        gate.close(known.len());
        look(&known, served.addresses, (&admin, &gateway), &mut follower);
        (known.iter().map(|known| known.lock().unwrap().changes).sum(), served)
    });
    served.kill();
    assert!(place.run(&["check", "--audit"]).contains("ok"));
    changes
}

/// Returns in the middle of something, after some answers: on a busy machine none come in a fixed time.
fn load(known: &[Arc<Mutex<Known>>], dice: &mut Dice) {
    let answers = || known.iter().map(|known| known.lock().unwrap().answers).sum::<u64>();
    let (enough, begun) = (answers() + dice.roll(30), Instant::now());
    while answers() < enough && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(dice.roll(40)));
}

/// Whatever happens, writers do not wait for ever.
struct End<'a>(&'a Gate);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A catalogue, and the token of an administrator.
fn founded(place: &Place) -> String {
    let mut catalogue = CATALOGUE.to_owned();
    for api in APIS {
        catalogue
            .push_str(&format!("[[apis]]\nenvironment = \"e\"\nid = \"{api}\"\ngroup = \"root\"\ntitle = \"A\"\n"));
        catalogue
            .push_str("tiers = [{id = \"t0\", approval = \"automatic\"}, {id = \"t1\", approval = \"automatic\"}]\n");
    }
    place.run(&["apply", &place.write("catalogue.toml", &catalogue), "--yes"]);
    place.run(&["token", "create", "--role", "admin"]).trim().to_owned()
}

fn made(to: Addresses, admin: &str, path: &str, body: Value) -> Value {
    let key = format!("{path}{body}").replace(' ', "");
    let step = Step::plain("POST", path, body, &key);
    let reply = attempt(to, admin, &step).unwrap();
    assert_eq!(reply.status, 201, "{path}: {}", reply.json());
    reply.json()
}

/// The token of a gateway.
fn gateway(to: Addresses, admin: &str) -> String {
    let gateway = made(to, admin, "/api/v1/gateways", json!({"environment": "e", "title": "G"}));
    let path = format!("/api/v1/gateways/{}/tokens", gateway["id"].as_str().unwrap());
    made(to, admin, &path, json!({}))["token"].as_str().unwrap().to_owned()
}

fn writer(to: Addresses, admin: &str, number: u64) -> Writer {
    let application = made(to, admin, "/api/v1/applications", json!({"group": "root", "name": format!("W{number}")}));
    let application = application["id"].as_str().unwrap().to_owned();
    Writer { number, token: admin.to_owned(), application, known: Arc::new(Mutex::new(Known::default())) }
}

/// Kills, waits until nobody writes, and starts again.
fn again(place: &Place, served: Served, crash: &Crash<'_>, gate: &Gate) -> Served {
    let all = usize::try_from(WRITERS).unwrap();
    match crash {
        Crash::Service(postgres) => {
            served.kill();
            gate.close(all);
            if let Some(postgres) = postgres {
                postgres.until_alone();
            }
            Served::start(place)
        }
        Crash::Server(postgres) => {
            postgres.stop();
            gate.close(all);
            postgres.begin();
            ready(served.addresses);
            served
        }
        Crash::Both(postgres) => {
            postgres.stop();
            served.kill();
            gate.close(all);
            postgres.begin();
            Served::start(place)
        }
    }
}

/// Returns when the service can use its database again.
fn ready(at: Addresses) {
    let begun = Instant::now();
    while !send(at.ops, ("GET", "/readyz"), &[], "", PATIENCE).is_ok_and(|reply| reply.status == 200) {
        assert!(begun.elapsed() < PATIENCE, "it does not recover");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What was answered is there; what was not is there whole, or not at all; the feed has gone on without a gap.
fn look(known: &[Arc<Mutex<Known>>], at: Addresses, (admin, gateway): (&str, &str), follower: &mut Follower) {
    let mut fresh = Follower::default();
    fresh.follow(at.feed, gateway);
    let before = (follower.epoch().to_owned(), follower.position());
    let told = follower.follow(at.feed, gateway);
    assert_eq!(follower.rows, fresh.rows, "who follows knows what there is");
    assert_eq!((follower.epoch(), follower.position()), (before.0.as_str(), fresh.position()));
    assert!(told <= follower.position() - before.1, "each change has a position of its own");
    let (mut changes, mut rows) = (0, 0);
    for (number, known) in known.iter().enumerate() {
        let mut known = known.lock().unwrap();
        let there: Rows = fresh.rows.iter().filter(|((_, client), _)| is_of(client, number)).map(cloned).collect();
        rows += there.len();
        changes += known.changes + done(&mut known, &there);
        kept(&known, at, admin);
    }
    assert_eq!(rows, fresh.rows.len());
    assert_eq!(fresh.position(), changes, "every change has one position");
}

fn cloned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

fn is_of(client: &str, number: usize) -> bool {
    client.split('-').next() == Some(number.to_string().as_str())
}

/// The rows are those of what was answered, or also of what was not: how many changes that are.
fn done(known: &mut Known, there: &Rows) -> i64 {
    let settled = known.settled.rows();
    let Some(open) = &known.open else {
        assert_eq!(*there, settled);
        return 0;
    };
    let after = open.after.rows();
    assert!(*there == settled || *there == after, "{open:?}: {there:?} is neither {settled:?} nor {after:?}");
    known.was_done = (settled != after).then_some(*there == after);
    if *there == after { difference(&settled, &after) } else { 0 }
}

/// Contracts are what was answered, and the last request has its first answer again.
fn kept(known: &Known, at: Addresses, admin: &str) {
    let after = known.open.as_ref().map_or(&known.settled, |open| &open.after);
    for (open, later) in known.settled.contracts.iter().zip(&after.contracts) {
        let Some(open) = open else { continue };
        let step = Step::plain("GET", &format!("/api/v1/contracts/{}", open.id), Value::Null, "");
        let shown = attempt(at, admin, &step).unwrap().json();
        let is =
            |open: &Open| shown["status"] == open.status && shown["tier"] == open.tier && shown["name"] == open.name;
        let has_ended = later.is_none() && ["withdrawn", "revoked"].contains(&shown["status"].as_str().unwrap());
        assert!(is(open) || later.as_ref().is_some_and(is) || has_ended, "{open:?} {later:?}: {shown}");
    }
    if let Some((step, status, body)) = &known.last {
        let again = attempt(at, admin, step).unwrap();
        assert_eq!((again.status, again.header("idempotency-replayed")), (*status, Some("true")), "{step:?}");
        let (again, first): (Value, Value) = (again.json(), serde_json::from_slice(body).unwrap());
        assert_eq!(again, first, "{step:?}");
    }
}
