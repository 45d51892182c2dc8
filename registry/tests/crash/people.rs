//! Developers who have clients registered, rotated and deleted, and ask for their secrets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::replicas::Caller;

/// Registrations at once: 1, 4 and 16.
pub const PROVIDERS: [(&str, u8); 3] = [("one", 1), ("four", 4), ("many", 16)];
/// What the tier allows.
pub const SCOPES: [&str; 2] = ["a.read", "a.write"];
/// How long the former client of a rotation stays.
const OVERLAPS: [&str; 3] = ["0s", "1s", "24h"];

/// What all of them have seen.
#[derive(Default)]
pub struct Seen {
    /// Client → its id and secret at its provider.
    pub secrets: Mutex<BTreeMap<String, (String, String)>>,
    pub answers: AtomicU64,
    pub has_ended: AtomicBool,
}

pub struct Developer {
    caller: Caller,
    application: String,
    seen: Arc<Seen>,
}

/// Clients of one developer for which something is to be done at their provider.
const UNDER_WAY: usize = 1;

fn is_under_way(client: &Value) -> bool {
    match client["status"].as_str() {
        Some("pending") => client["waiting_for"] != "approval",
        status => status == Some("deleting") || !client["requested"].is_null(),
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

impl Developer {
    pub fn new(mut caller: Caller, name: &str, seen: &Arc<Seen>) -> Self {
        let made = caller.must("POST", "/applications", json!({"group": "root", "name": name}));
        Self { caller, application: text(&made, "id"), seen: Arc::clone(seen) }
    }

    pub fn work(mut self) {
        while !self.seen.has_ended.load(Ordering::Relaxed) {
            self.step();
            self.seen.answers.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(self.caller.dice.roll(60)));
        }
        // Nobody waits for an approval that nobody wants.
        self.contract(false);
    }

    fn step(&mut self) {
        let clients = self.caller.list(&format!("/applications/{}/clients", self.application));
        let open: Vec<_> = clients.into_iter().filter(|client| client["status"] != "deleted").collect();
        // Whoever wants more than can be done has most of it undone again before anybody has looked at it.
        if open.iter().filter(|client| is_under_way(client)).count() > UNDER_WAY {
            return;
        }
        let sides = u64::try_from(open.len()).unwrap();
        if sides < 3 {
            return self.create();
        }
        let client = open[usize::try_from(self.caller.dice.roll(sides)).unwrap()].clone();
        match (self.caller.dice.roll(10), text(&client, "status").as_str()) {
            (0, _) => self.contract(true),
            (1 | 2, _) => self.create(),
            (3..=6, "live") if client["secret"] == "available" => self.secret(&client),
            (3..=4, "live") => self.rotate(&client),
            (5..=6, "live") => self.change(&client),
            (7.., "live" | "retiring") | (9, "pending") => self.delete(&client),
            _ => {}
        }
    }

    /// Refused when there are as many as there may be.
    fn create(&mut self) {
        let (provider, _) = PROVIDERS[usize::try_from(self.caller.dice.roll(3)).unwrap()];
        let path = format!("/applications/{}/clients", self.application);
        self.tell("POST", &path, json!({"provider": provider}), &[201, 409]);
    }

    fn rotate(&mut self, client: &Value) {
        let overlap = OVERLAPS[usize::try_from(self.caller.dice.roll(3)).unwrap()];
        let path = format!("/clients/{}/rotate", text(client, "id"));
        self.tell("POST", &path, json!({"overlap": overlap}), &[201, 409]);
    }

    /// Not possible any more when nobody has its registration token.
    fn change(&mut self, client: &Value) {
        let number = 1 + usize::try_from(self.caller.dice.roll(2)).unwrap();
        let path = format!("/clients/{}", text(client, "id"));
        self.tell("PATCH", &path, json!({"scopes": SCOPES[..number]}), &[200, 409, 422]);
    }

    fn secret(&mut self, client: &Value) {
        let id = text(client, "id");
        let shown = self.tell("POST", &format!("/clients/{id}/secret"), json!({}), &[200, 410]);
        // A repeated answer has none.
        if let Some(secret) = shown["client_secret"].as_str() {
            let shown = (text(&shown, "client_id"), secret.to_owned());
            let before = self.seen.secrets.lock().unwrap().insert(id, shown);
            assert_eq!(before, None, "a secret was shown twice: {client}");
        }
    }

    fn delete(&mut self, client: &Value) {
        // It has no key: what was done and not answered is refused the second time.
        let path = format!("/clients/{}", text(client, "id"));
        self.tell("DELETE", &path, Value::Null, &[202, 204, 409]);
    }

    /// Has a contract, perhaps another one than before.
    fn contract(&mut self, is_new: bool) {
        let contracts = self.caller.list(&format!("/contracts?application={}", self.application));
        let open = contracts.iter().find(|contract| contract["status"] == "active" || contract["status"] == "pending");
        match open {
            Some(open) if is_new => {
                let (action, body) = match open["status"] == "active" {
                    true => ("revoke", json!({"reason": "over"})),
                    false => ("withdraw", json!({})),
                };
                self.tell("POST", &format!("/contracts/{}/{action}", text(open, "id")), body, &[200, 409]);
            }
            Some(_) => {}
            None => {
                let body = json!({"environment": "e", "api": "a", "application": self.application, "tier": "t"});
                self.tell("POST", "/contracts", body, &[201]);
            }
        }
    }

    fn tell(&mut self, method: &'static str, path: &str, body: Value, usual: &[u16]) -> Value {
        let reply = self.caller.ask(method, path, body);
        assert!(usual.contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.json());
        reply.json()
    }
}
