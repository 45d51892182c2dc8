//! Kills among registrations: at random, and at each step between the provider and the database.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::authorization_server::{AuthorizationServer, Operation};
use crate::dice::Dice;
use crate::following::Follower;
use crate::left::{all_known, at_rest, clients, emptied, none_is_served_that_is_gone, open_tasks, works};
use crate::people::{Developer, PROVIDERS, SCOPES, Seen};
use crate::replicas::{Caller, Replicas};
use crate::served::Place;
use crate::snare::{STEPS, Snare};

const DEVELOPERS: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(60);
const OPERATIONS: [Operation; 5] =
    [Operation::Register, Operation::Update, Operation::Delete, Operation::Token, Operation::Introspect];

/// What there was, for whoever reads it.
pub fn survived(place: &Place, number: usize, kills: u64) -> String {
    let snare = Arc::<Snare>::default();
    let server = server(&snare);
    let token = place.run(&["token", "create", "--role", "admin", "--role", "root:developer"]).trim().to_owned();
    let mut replicas = Replicas::start(place, number);
    let mut admin = replicas.caller(&token, "admin");
    let gateway = founded(&mut admin, &server);
    let seen = Arc::<Seen>::default();
    std::thread::scope(|scope| {
        for who in 0..DEVELOPERS {
            let name = format!("D{who}");
            let developer = Developer::new(replicas.caller(&token, &name), &name, &seen);
            scope.spawn(move || developer.work());
        }
        let _end = End(&seen);
        let mut dice = Dice(kills);
        for kill in 0..kills {
            once(&mut replicas, (&mut admin, &snare, &seen), kill, &mut dice);
            replicas.again(number);
            none_is_served_that_is_gone(&replicas, &gateway, &server);
        }
    });
    at_rest(&mut admin);
    let mut feed = Follower::default();
    feed.follow(replicas.feed(), &gateway);
    let live = works(&mut admin, &seen, &server, feed);
    let orphans = all_known(&mut admin, &server);
    emptied(&mut admin, &server);
    replicas.kill_all();
    assert!(place.run(&["check", "--audit"]).contains("ok"));
    let (made, lost) = server.books(|books| (books.clients.len() + books.deleted.len(), books.lost.len()));
    assert!(u64::try_from(lost).unwrap() <= kills, "{lost} tokens are lost");
    let steps = seen.answers.load(Ordering::Relaxed);
    format!("{kills} kills, {steps} steps, {made} clients made, {live} live, {orphans} orphans, {lost} tokens lost")
}

/// Now and then it takes its time.
fn server(snare: &Arc<Snare>) -> AuthorizationServer {
    let (snare, dice) = (Arc::clone(snare), std::sync::Mutex::new(Dice(1)));
    AuthorizationServer::start(move |operation, moment| {
        let pause = { dice.lock().unwrap().roll(40) };
        std::thread::sleep(Duration::from_millis(if pause < 20 { 1 } else { pause }));
        snare.pass(operation, moment)
    })
}

/// One in four at random, the others where they are wanted.
fn once(replicas: &mut Replicas<'_>, (admin, snare, seen): (&mut Caller, &Snare, &Seen), kill: u64, dice: &mut Dice) {
    let number = replicas.number();
    let place = usize::try_from(kill - kill / 4).unwrap();
    if kill % 4 == 3 {
        let (enough, begun) = (seen.answers.load(Ordering::Relaxed) + dice.roll(10), Instant::now());
        while seen.answers.load(Ordering::Relaxed) < enough {
            assert!(begun.elapsed() < PATIENCE, "nobody does anything any more");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(dice.roll(100)));
        match dice.roll(3) {
            0 => replicas.kill_all(),
            _ => replicas.kill_one(usize::try_from(dice.roll(number.try_into().unwrap())).unwrap()),
        }
        return;
    }
    // Each with each, in twenty places.
    let operation = OPERATIONS[place % 5];
    if !snare.catch(operation, STEPS[place % 4]) {
        let (tasks, clients) = (open_tasks(admin), clients(admin));
        panic!("nobody asks for {operation:?} any more: {tasks:#?} {clients:#?}");
    }
    replicas.kill_all();
    snare.open();
}

/// Whatever happens, nobody goes on for ever.
struct End<'a>(&'a Seen);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
    }
}

/// Providers, an API of which everybody may have a contract, and the token of a gateway.
fn founded(admin: &mut Caller, server: &AuthorizationServer) -> String {
    admin.must("POST", "/environments", json!({"id": "e"}));
    for (id, parallel) in PROVIDERS {
        let provider = json!({"id": id, "kind": "dcr", "issuer": server.url, "timeout": "1s", "parallel": parallel,
            "auth_methods": ["client_secret_basic"],
            "introspection": {"client_id": "registry", "credential": "secret"}});
        admin.must("POST", "/providers", provider);
    }
    admin.must("POST", "/apis", json!({"environment": "e", "id": "a", "group": "root", "title": "A"}));
    admin.must("POST", "/apis/e/a/tiers", json!({"id": "t", "approval": "automatic", "scopes": SCOPES}));
    let gateway = admin.must("POST", "/gateways", json!({"environment": "e", "title": "G"}));
    let path = format!("/gateways/{}/tokens", gateway["id"].as_str().unwrap());
    admin.must("POST", &path, json!({}))["token"].as_str().unwrap().to_owned()
}
