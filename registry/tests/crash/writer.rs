//! Someone who changes contracts and clients over HTTP, and repeats what was not answered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::gate::Gate;
use crate::rows::{APIS, Client, Holdings, Open, difference};
use crate::served::Addresses;
use crate::wire::{Reply, send};

const PATIENCE: Duration = Duration::from_secs(30);

/// Something to be done.
#[derive(Clone, Debug)]
pub struct Step {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
    pub key: String,
    /// What there is when it has been done.
    pub after: Holdings,
    /// The contract that the answer shows.
    slot: Option<usize>,
}

impl Step {
    /// One whose answer is for others to judge.
    pub fn plain(method: &'static str, path: &str, body: Value, key: &str) -> Self {
        let (path, key) = (path.to_owned(), key.to_owned());
        Self { method, path, body, key, after: Holdings::default(), slot: None }
    }
}

/// What others may know of a writer.
#[derive(Default)]
pub struct Known {
    /// What was answered.
    pub settled: Holdings,
    /// What was not, yet.
    pub open: Option<Step>,
    /// Whether that has been done nevertheless, where it can be told.
    pub was_done: Option<bool>,
    /// The last one with a key that was answered, and the answer.
    pub last: Option<(Step, u16, Vec<u8>)>,
    pub answers: u64,
    /// Changes of rows that were answered.
    pub changes: i64,
}

pub struct Writer {
    pub number: u64,
    pub token: String,
    pub application: String,
    pub known: Arc<Mutex<Known>>,
}

/// Tells the service to do it.
pub fn attempt(to: Addresses, token: &str, step: &Step) -> std::io::Result<Reply> {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("authorization", authorization.as_str()), ("if-match", "*")];
    if step.method == "POST" {
        headers.push(("idempotency-key", &step.key));
    }
    let body = if step.body.is_null() {
        String::new()
    } else {
        headers.push(("content-type", "application/json"));
        step.body.to_string()
    };
    send(to.api, (step.method, &step.path), &headers, &body, PATIENCE)
}

/// The same may be answered otherwise later: the database is away, or the first request still runs.
pub fn is_passing(step: &Step, reply: &Reply) -> bool {
    reply.status == 503 || (step.method == "POST" && reply.json()["type"].to_string().contains("request_running"))
}

impl Writer {
    pub fn write(self, gate: &Gate) {
        let mut dice = Dice(self.number);
        for version in 0_u64.. {
            let settled = self.known.lock().unwrap().settled.clone();
            let step = self.step(&mut dice, settled, version);
            // Nobody looks at what is not begun.
            let Some(mut addresses) = gate.pass() else { return };
            self.known.lock().unwrap().open = Some(step.clone());
            loop {
                match attempt(addresses, &self.token, &step) {
                    Ok(reply) if !is_passing(&step, &reply) => {
                        self.settle(step, reply);
                        break;
                    }
                    _ => std::thread::sleep(Duration::from_millis(10)),
                }
                match gate.pass() {
                    Some(again) => addresses = again,
                    None => return,
                }
            }
        }
    }

    /// What is to be done next.
    fn step(&self, dice: &mut Dice, mut after: Holdings, version: u64) -> Step {
        let step = |method, path, body, after, slot| {
            let key = format!("{}-{version}", self.number);
            Step { method, path, body, key, after, slot }
        };
        match after.client.take() {
            None if dice.one_in(3) || version == 0 => {
                let client_id = format!("{}-{version}", self.number);
                after.client = Some(Client { id: String::new(), client_id: client_id.clone() });
                after.settle();
                let path = format!("/api/v1/applications/{}/clients", self.application);
                step("POST", path, json!({"provider": "p", "client_id": client_id}), after, None)
            }
            Some(client) if dice.one_in(8) => {
                after.settle();
                step("DELETE", format!("/api/v1/clients/{}", client.id), Value::Null, after, None)
            }
            client => {
                after.client = client;
                let slot = usize::try_from(dice.roll(3)).unwrap();
                let (method, path, body) = self.change(dice, &mut after, slot, format!("v{version}"));
                let shown = after.contracts[slot].is_some().then_some(slot);
                step(method, path, body, after, shown)
            }
        }
    }

    /// What is done to a contract.
    fn change(
        &self,
        dice: &mut Dice,
        after: &mut Holdings,
        slot: usize,
        name: String,
    ) -> (&'static str, String, Value) {
        let granted = after.granted();
        let Some(open) = &mut after.contracts[slot] else {
            let body = json!({"environment": "e", "api": APIS[slot], "application": self.application, "tier": "t0",
                "name": name});
            after.contracts[slot] = Some(Open { id: String::new(), status: granted, tier: "t0", name });
            return ("POST", "/api/v1/contracts".to_owned(), body);
        };
        let path = format!("/api/v1/contracts/{}", open.id);
        let (action, body) = match (dice.roll(4), open.status) {
            (0, _) => {
                open.name.clone_from(&name);
                return ("PATCH", path, json!({"name": name}));
            }
            (1, "pending") => ("withdraw", json!({})),
            (1, _) => ("revoke", json!({"reason": "over"})),
            (_, "suspended") => {
                open.status = granted;
                ("resume", json!({}))
            }
            (2, "active") => {
                open.status = "suspended";
                ("suspend", json!({"reason": "late"}))
            }
            _ => {
                open.tier = if open.tier == "t0" { "t1" } else { "t0" };
                ("tier", json!({"tier": open.tier}))
            }
        };
        if ["withdraw", "revoke"].contains(&action) {
            after.contracts[slot] = None;
        }
        ("POST", format!("{path}/{action}"), body)
    }

    /// It was answered.
    fn settle(&self, step: Step, reply: Reply) {
        let mut known = self.known.lock().unwrap();
        let was_done = known.was_done.take();
        let answer = String::from_utf8_lossy(&reply.body).into_owned();
        // What has no key is refused when it was done before.
        let is_over = step.method == "DELETE" && [404, 409].contains(&reply.status);
        assert!((200..300).contains(&reply.status) || is_over, "{step:?}: {} {answer}", reply.status);
        if step.method == "POST" && was_done == Some(true) {
            assert_eq!(reply.header("idempotency-replayed"), Some("true"), "{step:?}: {answer}");
        }
        let shown = reply.json();
        let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
        let mut after = step.after.clone();
        if let Some(open) = step.slot.and_then(|slot| after.contracts[slot].as_mut()) {
            let expected = (open.status.to_owned(), open.tier.to_owned(), open.name.clone());
            assert_eq!((text("status"), text("tier"), text("name")), expected, "{step:?}: {answer}");
            open.id = text("id");
        }
        if let Some(client) = after.client.as_mut().filter(|client| client.id.is_empty()) {
            client.id = text("id");
        }
        known.changes += difference(&known.settled.rows(), &after.rows());
        known.answers += 1;
        known.settled = after;
        known.open = None;
        if step.method == "POST" {
            known.last = Some((step, reply.status, reply.body));
        }
    }
}
