//! What is left when nothing is under way any more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_registry::domain::time::Time;

use crate::authorization_server::AuthorizationServer;
use crate::following::Follower;
use crate::people::{PROVIDERS, Seen};
use crate::replicas::{Caller, Replicas};

/// Longer than any lease here.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn clients(admin: &mut Caller) -> Vec<Value> {
    let applications = admin.list("/applications");
    let of = |application: &Value| format!("/applications/{}/clients", application["id"].as_str().unwrap());
    let paths: Vec<_> = applications.iter().map(of).collect();
    let mut clients = Vec::new();
    for path in paths {
        clients.extend(admin.list(&path));
        clients.extend(admin.list(&format!("{path}?status=deleted")));
    }
    clients
}

pub fn open_tasks(admin: &mut Caller) -> Vec<Value> {
    ["waiting", "running"].iter().flat_map(|status| admin.list(&format!("/tasks?status={status}"))).collect()
}

/// Returns when no task is left, and nobody retires soon. Whoever waits for another attempt is hurried.
pub fn at_rest(admin: &mut Caller) {
    let begun = Instant::now();
    loop {
        let open = open_tasks(admin);
        for task in &open {
            assert!(task["next_at"].is_string(), "it waits for ever: {task}");
            if task["status"] == "waiting" && task["last"].is_object() {
                admin.ask("POST", &format!("/tasks/{}/retry", task["id"].as_str().unwrap()), json!({}));
            }
        }
        let now = Time::from_millis(u64::try_from(time_now()).unwrap());
        let soon = now.plus(Duration::from_secs(3600)).to_string();
        // One that retires after the tasks were read has a new one.
        let goes = |client: &Value| match client["status"].as_str().unwrap() {
            "retiring" => client["retire_at"].as_str().unwrap() < soon.as_str(),
            status => status == "deleting",
        };
        let going = clients(admin).into_iter().filter(goes).count();
        if open.is_empty() && going == 0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{going} go, and these wait for ever: {open:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn time_now() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

fn orphans(admin: &mut Caller) -> Vec<Value> {
    PROVIDERS.iter().flat_map(|(provider, _)| admin.list(&format!("/providers/{provider}/orphans"))).collect()
}

/// Every client at the server is known, or in the list of orphans. Those that are in the list.
pub fn all_known(admin: &mut Caller, server: &AuthorizationServer) -> usize {
    let clients = clients(admin);
    let known: BTreeSet<&str> = clients
        .iter()
        .filter(|client| client["status"] != "deleted")
        .filter_map(|client| client["client_id"].as_str())
        .collect();
    let orphans = orphans(admin);
    let mut orphaned = 0;
    server.books(|books| {
        // One whose token is lost cannot be deleted.
        let is_lost = |orphan: &Value| orphan["client_id"].as_str().is_some_and(|id| books.lost.contains(id));
        let is_good = |orphan: &Value| orphan["why"] == "unknown" || (orphan["why"] == "kept" && is_lost(orphan));
        assert!(orphans.iter().all(is_good), "{orphans:?} {:?}", books.lost);
        for (id, client) in &books.clients {
            let is_it = |orphan: &Value| {
                orphan["client_id"] == id.as_str()
                    || orphan["marker"].as_str().is_some_and(|marker| client.name.ends_with(&format!(" t-{marker}")))
            };
            let is_orphan = orphans.iter().any(is_it);
            assert!(known.contains(id.as_str()) != is_orphan, "{id} {}: {is_orphan} {orphans:?}", client.name);
            orphaned += usize::from(is_orphan);
        }
        assert_eq!(books.wrong, Vec::<String>::new());
    });
    orphaned
}

/// Nobody waits, nobody was refused, whoever is live can be that, and the feed has just those.
pub fn works(admin: &mut Caller, seen: &Seen, server: &AuthorizationServer, feed: Follower) -> usize {
    let mut expected = BTreeSet::new();
    let (clients, there) = (clients(admin), server.ids());
    for client in &clients {
        let status = client["status"].as_str().unwrap();
        assert!(["live", "retiring", "deleted"].contains(&status), "{client}");
        if status == "deleted" {
            continue;
        }
        let id = client["client_id"].as_str().unwrap().to_owned();
        assert!(there.contains(&id), "it is live, and not there: {client}");
        assert_eq!(client["gateway_client_id"], id.as_str());
        holds(client, &id, server);
        if client["secret"] == "available" {
            let path = format!("/clients/{}/secret", client["id"].as_str().unwrap());
            let shown = admin.must("POST", &path, json!({}));
            assert!(server.lets_in(&id, shown["client_secret"].as_str().unwrap()), "{client}");
            assert_eq!(admin.ask("POST", &path, json!({})).status, 410);
        }
        assert!(expected.insert(id), "two are one: {client}");
    }
    let of: BTreeMap<&str, &Value> = clients.iter().map(|client| (client["id"].as_str().unwrap(), client)).collect();
    for (id, (client_id, secret)) in &*seen.secrets.lock().unwrap() {
        let is_deleted = of[id.as_str()]["status"] == "deleted";
        assert!(is_deleted || server.lets_in(client_id, secret), "the secret of {id} does not work");
    }
    let rows: BTreeSet<String> = feed.rows.into_keys().map(|(_, client_id)| client_id).collect();
    assert_eq!(rows, expected, "the feed has those that are live");
    assert!(!rows.is_empty());
    rows.len()
}

/// It is at the server what it is here, unless it cannot be changed any more.
fn holds(client: &Value, id: &str, server: &AuthorizationServer) {
    let is_lost = client["error"]["error"] == "registration_token_lost";
    assert!(client["error"].is_null() || is_lost, "{client}");
    server.books(|books| {
        if is_lost {
            assert!(books.lost.contains(id), "its token is not lost: {client}");
            return;
        }
        let scopes: Vec<_> = books.clients[id].metadata["scope"].as_str().unwrap().split(' ').collect();
        assert!(client["requested"].is_null() && client["scopes"] == json!(scopes), "{client} has {scopes:?}");
    });
}

/// Everything is deleted by the token that is kept for it: nothing is left at the server but orphans.
pub fn emptied(admin: &mut Caller, server: &AuthorizationServer) {
    for client in clients(admin).iter().filter(|client| client["status"] != "deleted") {
        let reply = admin.ask("DELETE", &format!("/clients/{}", client["id"].as_str().unwrap()), Value::Null);
        // Others end with what they replace.
        assert!([202, 204, 409].contains(&reply.status), "{client}: {}", reply.json());
    }
    at_rest(admin);
    assert!(clients(admin).iter().all(|client| client["status"] == "deleted"));
    let orphaned = all_known(admin, server);
    assert_eq!(server.ids().len(), orphaned);
}

/// Nothing that was deleted at the server before is served.
pub fn none_is_served_that_is_gone(replicas: &Replicas<'_>, gateway: &str, server: &AuthorizationServer) {
    let deleted = server.books(|books| books.deleted.clone());
    let mut feed = Follower::default();
    feed.follow(replicas.feed(), gateway);
    for (_, client_id) in feed.rows.keys() {
        assert!(!deleted.contains(client_id), "{client_id} is served, and was deleted");
    }
}
