//! Contracts with clients that the registry registers at a real authorization server: what its API answers is so at the
//! gateway, from the request for access to the end.

mod scene;

use serde_json::{Value, json};

use crate::harness::oidc::OPAQUE;
use crate::harness::registry::text;
use crate::postgres;
use scene::{Known, Scene};

const NONE: &str = "no_contract";
const SILVER: &str = "allowed silver";
const GOLD: &str = "allowed gold";

#[test]
fn what_the_registry_answers_is_so_at_the_gateway() {
    lives(Scene::start(None, 1));
}

#[test]
fn what_one_of_two_replicas_on_postgresql_answers_is_so_at_the_gateway() {
    lives(Scene::start(Some(postgres::shared().database()), 2));
}

fn lives(mut scene: Scene) {
    let application = scene.developer.make("/applications", json!({"group": "root", "name": "Portal"}));
    let (first, contract) = is_requested_rejected_and_approved(&mut scene, &application);
    let contract = format!("/contracts/{contract}");
    changes_its_tier(&mut scene, &contract, &first.token);

    let suspended = scene.owner.post(&format!("{contract}/suspend"), json!({"reason": "unpaid"}));
    scene.comes_to(&first.token, "contract_suspended");
    assert_eq!(suspended["status"], "suspended");
    scene.owner.post(&format!("{contract}/resume"), json!({}));
    scene.comes_to(&first.token, GOLD);

    let second = is_rotated(&mut scene, first);
    scene.roll();
    let third = retires_in_time(&mut scene, &second);
    let last = moves_to_another_server(&mut scene, &third);
    expires(&mut scene, &contract, &last.token);

    scene.developer.post(&format!("{contract}/revoke"), json!({"reason": "nobody uses it"}));
    scene.comes_to(&last.token, NONE);
    let contract = scene.requests(&application, "gold");
    scene.is(&last.token, NONE);
    let contract = format!("/contracts/{contract}");
    assert_eq!(scene.owner.post(&format!("{contract}/approve"), json!({}))["status"], "active");
    scene.comes_to(&last.token, GOLD);

    is_deleted_while_its_server_is_away(&mut scene, &last);
    let left = scene.developer.get(&contract);
    assert_eq!((&left["status"], &left["waiting_for"]), (&json!("pending"), &json!(["client"])), "{left}");
    scene.end();
}

/// An application with a client that was brought and one that is to be registered: its contract is refused, asked for
/// anew and granted. The registered client, and the contract.
fn is_requested_rejected_and_approved(scene: &mut Scene, application: &str) -> (Known, String) {
    let clients = format!("/applications/{application}/clients");
    let portal = scene.main.token(&scene.portal, "orders.read", OPAQUE);
    let brought = scene.developer.make(&clients, json!({"provider": "main", "client_id": scene.portal.id()}));
    let brought = format!("/clients/{brought}");
    scene.is(&portal, NONE);
    let proven = scene.developer.post(&format!("{brought}/prove"), json!({"access_token": portal}));
    assert_eq!(proven["status"], "live", "{proven}");
    let client = scene.developer.post(&clients, json!({"provider": "main"}));
    assert_waits_for_approval(&client);
    scene.is(&portal, NONE);

    let contract = scene.requests(application, "silver");
    scene.is(&portal, NONE);
    let rejected = scene.owner.post(&format!("/contracts/{contract}/reject"), json!({"reason": "what for?"}));
    assert_eq!(rejected["status"], "rejected", "{rejected}");
    assert_waits_for_approval(&scene.developer.get(&format!("/clients/{}", text(&client, "id"))));
    scene.is(&portal, NONE);

    let contract = scene.requests(application, "silver");
    scene.owner.post(&format!("/contracts/{contract}/approve"), json!({}));
    scene.comes_to(&portal, SILVER);
    let registered = scene.becomes_live(&text(&client, "id"), "main");
    scene.comes_to(&registered.token, SILVER);

    // What was brought goes without a word to its server.
    assert_eq!(scene.developer.call("DELETE", &brought, None).status, 204);
    scene.comes_to(&portal, NONE);
    assert!(!scene.main.has_forgotten(&scene.portal));
    (registered, contract)
}

fn assert_waits_for_approval(client: &Value) {
    assert_eq!((&client["status"], &client["waiting_for"]), (&json!("pending"), &json!("approval")), "{client}");
}

fn changes_its_tier(scene: &mut Scene, contract: &str, token: &str) {
    let asked = scene.developer.post(&format!("{contract}/tier"), json!({"tier": "gold"}));
    assert_eq!((&asked["tier"], &asked["requested_tier"]), (&json!("silver"), &json!("gold")), "{asked}");
    scene.is(token, SILVER);
    scene.owner.post(&format!("{contract}/approve"), json!({}));
    scene.comes_to(token, GOLD);
}

/// Both have the contract; the old one is let go before its hour is over.
fn is_rotated(scene: &mut Scene, old: Known) -> Known {
    let new = scene.rotates(&old, json!({"overlap": "1h"}), "main");
    scene.comes_to(&new.token, GOLD);
    scene.is(&old.token, GOLD);
    assert_eq!(scene.developer.get(&old.path())["status"], "retiring");
    let also = scene.main.token(&old.credentials, "orders.read", OPAQUE);
    scene.is(&also, GOLD);

    assert_eq!(scene.developer.call("DELETE", &old.path(), None).status, 202);
    scene.comes_to(&also, NONE);
    scene.is(&old.token, NONE);
    scene.is(&new.token, GOLD);
    scene.developer.until(&old.path(), "deleted");
    assert!(scene.main.has_forgotten(&old.credentials));
    new
}

/// The old one goes by itself when its time has come, and not before.
fn retires_in_time(scene: &mut Scene, old: &Known) -> Known {
    let new = scene.rotates(old, json!({"overlap": "2s"}), "main");
    let retire_at = text(&scene.developer.get(&old.path()), "retire_at");
    scene.ends_at(&retire_at, &old.token, NONE);
    scene.is(&new.token, GOLD);
    scene.developer.until(&old.path(), "deleted");
    assert!(scene.main.has_forgotten(&old.credentials));
    new
}

fn moves_to_another_server(scene: &mut Scene, old: &Known) -> Known {
    let new = scene.rotates(old, json!({"overlap": "0s", "provider": "other"}), "other");
    scene.comes_to(&old.token, NONE);
    scene.is(&new.token, GOLD);
    scene.developer.until(&old.path(), "deleted");
    assert!(scene.main.has_forgotten(&old.credentials));
    new
}

fn expires(scene: &mut Scene, contract: &str, token: &str) {
    let date = scene::date_in(3);
    scene.owner.patch(contract, json!({"expires_at": date}));
    scene.ends_at(&date, token, "contract_expired");
    scene.owner.patch(contract, json!({"expires_at": null}));
    scene.comes_to(token, GOLD);
}

/// The gateway knows at once, the server when it can be asked again.
fn is_deleted_while_its_server_is_away(scene: &mut Scene, client: &Known) {
    scene.other.go_away();
    assert_eq!(scene.developer.call("DELETE", &client.path(), None).status, 202);
    scene.comes_to(&client.token, NONE);
    let task = scene.is_tried_in_vain(client);
    assert_eq!(scene.developer.get(&client.path())["status"], "deleting");
    scene.other.come_back();
    assert!(!scene.other.has_forgotten(&client.credentials));
    scene.admin.post(&format!("/tasks/{task}/retry"), json!({}));
    scene.developer.until(&client.path(), "deleted");
    assert!(scene.other.has_forgotten(&client.credentials));
    scene.is(&client.token, NONE);
}
