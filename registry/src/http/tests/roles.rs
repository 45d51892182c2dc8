//! Every route with every kind of caller. Who may change something sends what changes nothing: a body without what is
//! required (422), or no `If-Match` (428).

use serde_json::{Value, json};

use super::world::World;
use crate::domain::webhook::Subscriber;
use crate::http::routes::ROUTES;

/// The callers of the table, in the order of its columns.
const CALLERS: [&str; 8] = [
    "ann.default~admin",
    "olf.default~team/owner",
    "dev.default~team/developer",
    "aud.default~team/auditor",
    "far.default~elsewhere/owner~elsewhere/developer",
    "nil.default",
    "eve.other~admin",
    "",
];

type Row = (&'static str, [u16; 8]);

const READ_BY_ALL: [u16; 8] = [200, 200, 200, 200, 200, 200, 200, 401];
/// Of the team; `far` and `nil` may not know of it, and `eve` cannot.
const READ_BY_TEAM: [u16; 8] = [200, 200, 200, 200, 404, 404, 404, 401];
const READ_BY_MEMBERS: [u16; 8] = [200, 200, 200, 200, 200, 404, 404, 401];
const READ_BY_ADMIN: [u16; 8] = [200, 404, 404, 404, 404, 404, 404, 401];
const MADE_BY_ADMIN: [u16; 8] = [422, 403, 403, 403, 403, 403, 422, 401];
const CHANGED_BY_ADMIN: [u16; 8] = [428, 403, 403, 403, 403, 404, 404, 401];
const KEPT_BY_ADMIN: [u16; 8] = [428, 404, 404, 404, 404, 404, 404, 401];
const CHANGED_BY_OWNER: [u16; 8] = [428, 428, 403, 403, 403, 404, 404, 401];
const CHANGED_BY_DEVELOPER: [u16; 8] = [428, 403, 428, 403, 404, 404, 404, 401];
const DECIDED_BY_OWNER: [u16; 8] = [428, 428, 403, 403, 404, 404, 404, 401];
const ENDED_BY_BOTH: [u16; 8] = [428, 428, 428, 403, 404, 404, 404, 401];

const TABLE: &[Row] = &[
    ("GET /me", READ_BY_ALL),
    ("GET /groups", READ_BY_ALL),
    ("POST /groups", MADE_BY_ADMIN),
    ("GET /groups/{id}", READ_BY_MEMBERS),
    ("PATCH /groups/{id}", CHANGED_BY_ADMIN),
    ("DELETE /groups/{id}", CHANGED_BY_ADMIN),
    ("GET /environments", READ_BY_ALL),
    ("POST /environments", MADE_BY_ADMIN),
    ("GET /environments/{id}", READ_BY_MEMBERS),
    ("PATCH /environments/{id}", CHANGED_BY_ADMIN),
    ("DELETE /environments/{id}", CHANGED_BY_ADMIN),
    ("GET /providers", READ_BY_ALL),
    ("POST /providers", MADE_BY_ADMIN),
    ("GET /providers/{id}", READ_BY_MEMBERS),
    ("PATCH /providers/{id}", CHANGED_BY_ADMIN),
    ("DELETE /providers/{id}", CHANGED_BY_ADMIN),
    ("POST /providers/{id}/registration-tokens", [422, 403, 403, 403, 403, 404, 404, 401]),
    ("GET /providers/{id}/orphans", READ_BY_ADMIN),
    ("DELETE /providers/{id}/orphans/{orphan}", [204, 404, 404, 404, 404, 404, 404, 401]),
    ("GET /apis", READ_BY_ALL),
    ("POST /apis", [422, 422, 403, 403, 422, 403, 422, 401]),
    ("GET /apis/{environment}/{id}", READ_BY_MEMBERS),
    ("PATCH /apis/{environment}/{id}", CHANGED_BY_OWNER),
    ("DELETE /apis/{environment}/{id}", CHANGED_BY_OWNER),
    ("GET /apis/{environment}/{id}/tiers", READ_BY_MEMBERS),
    ("POST /apis/{environment}/{id}/tiers", [422, 422, 403, 403, 403, 404, 404, 401]),
    ("GET /apis/{environment}/{id}/tiers/{tier}", READ_BY_MEMBERS),
    ("PATCH /apis/{environment}/{id}/tiers/{tier}", CHANGED_BY_OWNER),
    ("DELETE /apis/{environment}/{id}/tiers/{tier}", CHANGED_BY_OWNER),
    ("GET /apis/{environment}/{id}/openapi", READ_BY_MEMBERS),
    ("PUT /apis/{environment}/{id}/openapi", [422, 422, 403, 403, 403, 404, 404, 401]),
    ("DELETE /apis/{environment}/{id}/openapi", [204, 204, 403, 403, 403, 404, 404, 401]),
    ("GET /applications", READ_BY_ALL),
    ("POST /applications", [422, 403, 422, 403, 422, 403, 422, 401]),
    ("GET /applications/{id}", READ_BY_TEAM),
    ("PATCH /applications/{id}", CHANGED_BY_DEVELOPER),
    ("DELETE /applications/{id}", CHANGED_BY_DEVELOPER),
    ("GET /applications/{id}/clients", READ_BY_TEAM),
    ("POST /applications/{id}/clients", [422, 403, 422, 403, 404, 404, 404, 401]),
    ("GET /clients/{id}", READ_BY_TEAM),
    ("PATCH /clients/{id}", CHANGED_BY_DEVELOPER),
    ("DELETE /clients/{id}", CHANGED_BY_DEVELOPER),
    ("POST /clients/{id}/rotate", CHANGED_BY_DEVELOPER),
    ("POST /clients/{id}/retry", CHANGED_BY_DEVELOPER),
    ("POST /clients/{id}/confirm", [428, 403, 403, 403, 404, 404, 404, 401]),
    ("POST /clients/{id}/secret", [403, 403, 409, 403, 404, 404, 404, 401]),
    ("POST /clients/{id}/prove", [422, 403, 422, 403, 404, 404, 404, 401]),
    ("GET /contracts", READ_BY_ALL),
    ("POST /contracts", [422, 403, 422, 403, 422, 403, 422, 401]),
    ("GET /contracts/{id}", READ_BY_TEAM),
    ("PATCH /contracts/{id}", ENDED_BY_BOTH),
    ("POST /contracts/{id}/approve", DECIDED_BY_OWNER),
    ("POST /contracts/{id}/reject", DECIDED_BY_OWNER),
    ("POST /contracts/{id}/suspend", DECIDED_BY_OWNER),
    ("POST /contracts/{id}/resume", DECIDED_BY_OWNER),
    ("POST /contracts/{id}/revoke", ENDED_BY_BOTH),
    ("POST /contracts/{id}/withdraw", CHANGED_BY_DEVELOPER),
    ("POST /contracts/{id}/tier", CHANGED_BY_DEVELOPER),
    ("GET /gateways", READ_BY_ALL),
    ("POST /gateways", MADE_BY_ADMIN),
    ("GET /gateways/{id}", READ_BY_ADMIN),
    ("PATCH /gateways/{id}", KEPT_BY_ADMIN),
    ("DELETE /gateways/{id}", KEPT_BY_ADMIN),
    ("POST /gateways/{id}/tokens", [201, 404, 404, 404, 404, 404, 404, 401]),
    ("DELETE /gateways/{id}/tokens/{token}", [204, 404, 404, 404, 404, 404, 404, 401]),
    ("GET /tokens", READ_BY_ALL),
    ("GET /tokens/{id}", READ_BY_ADMIN),
    ("DELETE /tokens/{id}", [204, 404, 404, 404, 404, 404, 404, 401]),
    ("GET /tasks", READ_BY_ALL),
    ("GET /tasks/{id}", READ_BY_ADMIN),
    ("POST /tasks/{id}/retry", READ_BY_ADMIN),
    ("GET /audit", READ_BY_ALL),
];

/// One of everything, of the team, in the organisation `default`.
struct Things {
    world: World,
    application: String,
    client: String,
    contract: String,
    gateway: String,
    gateway_token: String,
    task: String,
    token: String,
    orphan: String,
}

impl Things {
    async fn new() -> Self {
        let url = "https://hooks.example".to_owned();
        let told = Subscriber { organisation: "default".to_owned(), url, events: None };
        let world = World::with(|settings| settings.subscribers.all.push(told)).await;
        let admin = CALLERS[0];
        let id = |made: Value| made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        for (path, body) in [
            ("/groups", json!({"id": "team"})),
            ("/groups", json!({"id": "elsewhere"})),
            ("/environments", json!({"id": "prod"})),
            ("/providers", json!({"id": "main", "kind": "manual"})),
            ("/apis", json!({"environment": "prod", "id": "pets", "group": "team", "title": "Pets"})),
            ("/apis/prod/pets/tiers", json!({"id": "gold"})),
        ] {
            id(world.post(path, admin, &body).await.json());
        }
        let application =
            id(world.post("/applications", CALLERS[2], &json!({"group": "team", "name": "Shop"})).await.json());
        let path = format!("/applications/{application}/clients");
        let client = id(world.post(&path, admin, &json!({"provider": "main", "client_id": "shop"})).await.json());
        let request = json!({"environment": "prod", "api": "pets", "application": application, "tier": "gold"});
        let contract = id(world.post("/contracts", CALLERS[2], &request).await.json());
        let gateway = id(world.post("/gateways", admin, &json!({"environment": "prod", "title": "G"})).await.json());
        let path = format!("/gateways/{gateway}/tokens");
        let gateway_token = id(world.post(&path, admin, &json!({})).await.json());
        let task = id(world.get("/tasks", admin).await.json()["items"][0].clone());
        world.token("default", &["admin"]).await;
        let tokens = world.get("/tokens", admin).await.json();
        let token = id(tokens["items"][0].clone());
        let orphan = world.orphan("main", &client).await;
        Self { world, application, client, contract, gateway, gateway_token, task, token, orphan }
    }

    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(1).unwrap() {
            "groups" => "team",
            "environments" => "prod",
            "providers" => "main",
            "apis" => "pets",
            "applications" => &self.application,
            "clients" => &self.client,
            "contracts" => &self.contract,
            "gateways" => &self.gateway,
            "tasks" => &self.task,
            _ => &self.token,
        };
        let filled = template.replace("{environment}", "prod").replace("{tier}", "gold");
        filled.replace("{token}", &self.gateway_token).replace("{orphan}", &self.orphan).replace("{id}", id)
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let mut routes: Vec<String> = ROUTES
        .iter()
        .flat_map(|part| part.iter())
        .map(|route| format!("{} {}", route.method, route.template))
        .collect();
    routes.sort_unstable();
    let mut table: Vec<&str> = TABLE.iter().map(|(route, _)| *route).collect();
    table.sort_unstable();
    assert_eq!(routes, table);
    let things = Things::new().await;
    let mut wrong = Vec::new();
    for (route, statuses) in TABLE {
        let (method, template) = route.split_once(' ').unwrap();
        let path = things.path(template);
        for (caller, expected) in CALLERS.iter().zip(statuses).rev() {
            if template.ends_with("openapi") && method != "PUT" {
                let document = ["content-type: text/plain"];
                things
                    .world
                    .call("PUT", "/apis/prod/pets/openapi", CALLERS[0], &document, Some("openapi: 3.1.0"))
                    .await;
            }
            let (headers, body) = match method {
                "PUT" => (vec!["content-type: text/plain"], Some("")),
                "POST" | "PATCH" => (vec![], Some("{}")),
                _ => (vec![], None),
            };
            let reply = things.world.call(method, &path, caller, &headers, body).await;
            if reply.status != *expected {
                wrong.push(format!("{route} by {caller:?}: {} instead of {expected}", reply.status.as_u16()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn lists_have_nothing_of_others() {
    let things = Things::new().await;
    for (list, by_admin) in [
        ("/groups", 3),
        ("/environments", 1),
        ("/providers", 1),
        ("/apis", 1),
        ("/applications", 1),
        ("/contracts", 1),
        ("/gateways", 1),
        ("/tokens", 1),
    ] {
        for (caller, expected) in
            [(CALLERS[0], by_admin), (CALLERS[5], 0), (CALLERS[6], usize::from(list == "/groups"))]
        {
            let reply = things.world.get(list, caller).await.json();
            assert_eq!(reply["items"].as_array().unwrap().len(), expected, "{list} {caller}");
        }
    }
    let audit = things.world.get("/audit", CALLERS[6]).await.json().to_string();
    assert!(!audit.contains("pets") && !audit.contains("team"));
}

#[tokio::test]
async fn of_fifty_requests_for_the_last_place_one_succeeds() {
    let things = Things::new().await;
    let admin = CALLERS[0];
    let clients = format!("/applications/{}/clients", things.application);
    for number in 1..9 {
        let body = json!({"provider": "main", "client_id": format!("c{number}")});
        assert_eq!(things.world.post(&clients, admin, &body).await.status, 201);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (router, path) = (things.world.router.clone(), clients.clone());
        let body = json!({"provider": "main", "client_id": format!("last{number}")}).to_string();
        tasks.spawn(async move { World::send_to(router, &path, admin, &format!("k{number}"), body).await });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 49, "{statuses:?}");
}

#[tokio::test]
async fn a_contract_goes_its_way() {
    let things = Things::new().await;
    let (world, path) = (&things.world, format!("/contracts/{}", things.contract));
    let act = async |action: &str, caller: &str, body: Value| {
        let body = body.to_string();
        world.call("POST", &format!("{path}/{action}"), caller, &["if-match: *"], Some(&body)).await
    };
    let reason = || json!({"reason": "because"});
    let contract = world.get(&path, CALLERS[1]).await.json();
    assert_eq!(
        (&contract["status"], &contract["waiting_for"]),
        (&json!("pending"), &json!(["approval"])),
        "{contract}"
    );
    let own = act("approve", "dev.default~root/owner", json!({})).await;
    assert_eq!((own.status.as_u16(), own.slug().as_str()), (403, "own_request"));
    let approved = act("approve", CALLERS[1], json!({})).await;
    assert_eq!((approved.status.as_u16(), &approved.json()["status"]), (200, &json!("active")), "{approved:?}");
    let again = act("approve", CALLERS[1], json!({})).await;
    assert_eq!(
        (again.status.as_u16(), again.slug().as_str(), &again.json()["current"]),
        (409, "transition", &json!("active"))
    );
    assert!(again.json()["allowed"].as_array().is_some_and(|allowed| !allowed.is_empty()), "{again:?}");
    assert_eq!(act("suspend", CALLERS[1], json!({})).await.slug(), "invalid");
    assert_eq!(act("suspend", CALLERS[1], reason()).await.json()["status"], "suspended");
    assert_eq!(act("resume", CALLERS[1], json!({})).await.json()["status"], "active");
    assert_eq!(act("revoke", CALLERS[2], reason()).await.json()["status"], "revoked");
}

#[tokio::test]
async fn a_client_is_proved_by_a_token_of_its_own() {
    let things = Things::new().await;
    let (world, dev) = (&things.world, CALLERS[2]);
    let issuer = json!({"id": "idp", "kind": "manual", "issuer": "https://idp.example"});
    assert_eq!(world.post("/providers", CALLERS[0], &issuer).await.status, 201);
    let clients = format!("/applications/{}/clients", things.application);
    let client = world.post(&clients, dev, &json!({"provider": "idp", "client_id": "mine"})).await;
    assert_eq!((client.status.as_u16(), &client.json()["waiting_for"]), (201, &json!("proof")), "{client:?}");
    let path = format!("{}/prove", client.header("location").strip_prefix("/api/v1").unwrap());
    for (token, status) in [("nothing", 422), ("another", 422), ("unknown", 503), ("mine", 200), ("mine", 409)] {
        let proved = world.post(&path, dev, &json!({"access_token": token})).await;
        assert_eq!(proved.status.as_u16(), status, "{token} {proved:?}");
    }
}
