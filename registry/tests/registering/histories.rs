//! Random histories: attempts of several replicas that are killed, late and out of order, at a server that answers each
//! way, while people make, rotate, retry and delete clients.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_registry::domain::client::{AppClient, ClientStatus};
use tessera_registry::use_case::client_calls::Ended;
use tessera_registry::use_case::client_work::Taken;
use tessera_registry::use_case::clients;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::ports::Clock as _;
use tessera_registry::use_case::shown::Expected;

use crate::dice::Dice;
use crate::graph::State;
use crate::model::End;
use crate::scene::Scene;
use crate::scripted::Scripted;
use crate::world::{admin, asked, developer, object};

/// How many histories there are on each database.
const HISTORIES: &str = "TESSERA_REGISTERING_HISTORIES";
const STEPS: usize = 40;
const ENDS: [End; 6] = [End::Usual, End::Refused, End::NotDone(None), End::LostAfter, End::LostBefore, End::Wider];

fn histories() -> u64 {
    std::env::var(HISTORIES).map_or(5, |number| number.parse().expect(HISTORIES))
}

/// An attempt that somebody has in his hands.
struct Attempt {
    taken: Taken,
    ended: Option<Ended>,
    /// Whether somebody else may have had it by the time of the call: who was away for so long has his answer written, as
    /// nobody looks again for what he has done.
    is_late: bool,
}

async fn some_client(scene: &Scene, dice: &mut Dice) -> Option<String> {
    let clients = scene.clients().await;
    let open: Vec<_> = clients.into_iter().filter(|client| client.status != ClientStatus::Deleted).collect();
    let sides = u64::try_from(open.len()).unwrap();
    (sides > 0).then(|| open[usize::try_from(dice.roll(sides)).unwrap()].id.clone())
}

/// What people do; much of it is refused in the state in which it comes.
async fn act(scene: &Scene, dice: &mut Dice) {
    let id = some_client(scene, dice).await.unwrap_or_default();
    let body = object(json!({"overlap": "1s"}));
    let nothing = object(json!({}));
    match dice.roll(8) {
        0 | 1 => drop(scene.create(json!({})).await),
        2 => {
            let rotate = async |cx: &mut Context<'_>| clients::rotate(cx, &id, &Expected::Any, &body).await;
            drop(scene.world.act(&developer(), rotate).await);
        }
        3 => {
            let retry = async |cx: &mut Context<'_>| clients::retry(cx, &id, &Expected::Any, &nothing).await;
            drop(scene.world.act(&developer(), retry).await);
        }
        4 => drop(scene.secret(&id).await),
        5 | 6 => {
            let scopes = [json!(["a"]), json!(["a", "b"]), Value::Null][usize::try_from(dice.roll(3)).unwrap()].clone();
            drop(scene.change(&id, json!({"scopes": scopes})).await);
        }
        _ => {
            let delete = async |cx: &mut Context<'_>| clients::delete(cx, &id, &Expected::Any).await;
            drop(scene.world.act(&developer(), delete).await);
        }
    }
}

async fn step(scene: &Scene, attempts: &mut Vec<Attempt>, dice: &mut Dice) {
    let which = usize::try_from(dice.roll(attempts.len().max(1).try_into().unwrap())).unwrap();
    match dice.roll(10) {
        0 | 1 => act(scene, dice).await,
        2..=4 => attempts.extend(scene.taken().await.map(|taken| Attempt { taken, ended: None, is_late: false })),
        5 | 6 => {
            if let Some(attempt) = attempts.get_mut(which).filter(|attempt| attempt.ended.is_none()) {
                attempt.is_late = attempt.taken.task.next_at.is_none_or(|until| until <= scene.world.now());
                attempt.ended = Some(scene.called(&attempt.taken).await);
            }
        }
        7 => {
            if attempts.get(which).is_some_and(|attempt| attempt.ended.is_some()) {
                let attempt = attempts.remove(which);
                scene.concluded(&attempt.taken, attempt.ended.unwrap()).await;
            }
        }
        8 => {
            // Killed, with or without an answer.
            let is_late = scene.tenant.is_some() && attempts.get(which).is_some_and(|attempt| attempt.is_late);
            if which < attempts.len() && !is_late && dice.one_in(2) {
                attempts.remove(which);
            }
            match &scene.tenant {
                Some(tenant) => tenant.with(|state| disturb(state, dice)),
                None => {
                    scene.model.ends(&[ENDS[usize::try_from(dice.roll(6)).unwrap()]]);
                    *scene.model.is_deaf.lock().unwrap() = dice.one_in(8);
                }
            }
        }
        _ => {
            let seconds = if dice.one_in(4) { 400 } else { dice.roll(15) };
            scene.world.pass(Duration::from_secs(seconds));
            clients::retire_due(scene.world.background()).await.unwrap();
        }
    }
}

/// Nothing is asked for any more; what is live is at the server what it is here, or says that it may not be.
fn is_as_it_is_there(scene: &Scene, client: &AppClient, history: &str) {
    assert!(client.requested.is_none(), "{history}: {client:?}");
    if scene.tenant.is_some() || client.brought || client.status != ClientStatus::Live {
        return;
    }
    let there = scene.model.clients.lock().unwrap()[client.client_id.as_ref().unwrap()].clone();
    let scope = there.get("scope").and_then(Value::as_str).unwrap_or_default();
    assert!(scope == client.scopes.join(" ") || client.error.is_some(), "{history}: {there:?} {client:?}");
}

/// What Graph does next.
fn disturb(state: &mut State, dice: &mut Dice) {
    let words = [None, Some("uniqueName"), Some("servicePrincipals"), Some("addPassword"), Some("removePassword")];
    state.loses = words[usize::try_from(dice.roll(9)).unwrap().min(words.len()) % words.len()];
    state.lag = usize::try_from(dice.roll(4)).unwrap();
    let said = |status| Scripted::json(status, &json!({"error": {"code": "SomethingHappened"}}));
    match dice.roll(6) {
        0 => state.instead.push(said(400)),
        1 => state.instead.push(said(429).with("retry-after", "20")),
        2 => state.instead.push(said(500)),
        _ => {}
    }
}

/// All that is to be so in the end.
async fn in_the_end(scene: &Scene, attempts: Vec<Attempt>, history: &str) {
    *scene.model.is_deaf.lock().unwrap() = false;
    if let Some(tenant) = &scene.tenant {
        tenant.with(|state| (state.loses, state.lag) = (None, 0));
        tenant.with(|state| state.instead.clear());
    }
    // Some come back after everything.
    scene.world.pass(Duration::from_secs(400));
    for attempt in attempts {
        if let Some(ended) = attempt.ended {
            scene.concluded(&attempt.taken, ended).await;
        }
    }
    for _ in 0..2 {
        scene.rest().await;
        scene.world.pass(Duration::from_secs(400));
        clients::retire_due(scene.world.background()).await.unwrap();
    }
    scene.rest().await;
    scene.all_known().await;
    for client in scene.clients().await {
        let is_settled = matches!(client.status, ClientStatus::Live | ClientStatus::Refused | ClientStatus::Deleted);
        assert!(is_settled && !client.is_rotating(), "{history}: {client:?}");
        is_as_it_is_there(scene, &client, history);
    }
    let listed = async |cx: &mut Context<'_>| clients::list(cx, &scene.application, &asked(&[])).await;
    let listed = scene.world.act(&admin(), listed).await.unwrap().items;
    let shown = Value::Array(listed).to_string();
    assert!(!shown.contains("secret-of") && !shown.contains("token-of"), "{history}: {shown}");
}

#[tokio::test]
async fn whatever_happens_in_a_tenant_there_are_the_applications_and_secrets_that_are_wanted() {
    for seed in 0..histories() {
        for scene in Scene::approved_at_entra(json!({})).await {
            let (mut dice, mut attempts) = (Dice(seed), Vec::new());
            for _ in 0..STEPS {
                step(&scene, &mut attempts, &mut dice).await;
            }
            in_the_end(&scene, attempts, &format!("history {seed} of a tenant")).await;
        }
    }
}

#[tokio::test]
async fn whatever_happens_every_client_is_known_and_nobody_waits_for_ever() {
    for seed in 0..histories() {
        let settings = match seed % 3 {
            0 => json!({"parallel": 3}),
            1 => json!({"on_delete": "keep"}),
            _ => json!({"authorization": {"type": "bearer", "credential": "s"}, "management": "credential",
                "search_parameter": "q", "parallel": 2}),
        };
        for scene in Scene::approved(settings).await {
            let (mut dice, mut attempts) = (Dice(seed), Vec::new());
            for _ in 0..STEPS {
                step(&scene, &mut attempts, &mut dice).await;
            }
            in_the_end(&scene, attempts, &format!("history {seed}")).await;
        }
    }
}
