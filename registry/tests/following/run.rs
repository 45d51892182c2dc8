//! One run: writers, replicas that come and go, gateways, and a restore in the middle.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tessera_registry::domain::principal::Caller;
use tessera_registry::store::Database;
use tessera_registry::use_case::feed_store::FeedKey;
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::transfer::{Arrival, export, import, release};
use tessera_registry::use_case::{apis, environments, gateway_tokens, gateways};
use tokio::task::JoinSet;

use crate::call;
use crate::database::{TestDatabase, run};
use crate::gateway::{Gateway, Manner};
use crate::model::Held;
use crate::replica::Replica;
use crate::sequence::SEQUENCE;
use crate::world::{World, caller, object};
use crate::writers::{APIS, ENVIRONMENT, ORGANISATION, Shared, now, write};

const WRITERS: u64 = 16;
/// Removals are forgotten so soon that gateways which sleep come too late.
const REMOVALS_KEPT: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seconds: u64,
    pub restores: bool,
    /// In place of the counter.
    pub sequence: bool,
}

/// What gateways were told that is not so, or were not told.
pub async fn followed(files: TestDatabase, plan: Plan) -> Vec<String> {
    let url = files.url.clone();
    let world = World::new(files).await;
    let manners = manners(&world).await;
    if plan.sequence {
        run(&url, SEQUENCE).await;
    }
    let shared = Arc::new(Shared { sequence: plan.sequence, ..Shared::default() });
    let lasting = started(&url).await;
    let passing = started(&url).await;
    let replicas = Arc::new(Mutex::new([lasting.address, passing.address]));
    let following: Vec<_> = manners
        .into_iter()
        .map(|manner| {
            let (shared, replicas) = (Arc::clone(&shared), Arc::clone(&replicas));
            std::thread::spawn(move || Gateway::new(manner, shared, replicas).follow())
        })
        .collect();
    let stores = [Arc::clone(&lasting.store), Arc::new(Database::open(&url, 10).await.unwrap())];
    let most = if plan.sequence { 1 } else { 4 };
    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        writing.spawn(write(Arc::clone(&shared), Arc::clone(&stores[(writer % 2) as usize]), writer, most));
    }
    let (base, passing) = trouble(&world, &shared, &url, &replicas, passing, plan).await;
    shared.ended.store(true, Ordering::Relaxed);
    writing.join_all().await;
    let following = tokio::task::spawn_blocking(move || {
        following.into_iter().filter_map(|gateway| gateway.join().expect("a gateway").err()).collect()
    });
    let mut faults: Vec<String> = following.await.unwrap();
    drop(passing);
    let (position, published) = (position(&world).await, shared.published.load(Ordering::Relaxed));
    if !plan.sequence && position - base != published {
        faults.push(format!("{published} changes, and the counter went from {base} to {position}"));
    }
    faults
}

/// Gateways of each kind.
async fn manners(world: &World) -> Vec<Manner> {
    let admin = caller(ORGANISATION, &["admin"]);
    call!(world, &admin, |cx| environments::create(cx, &object(json!({"id": ENVIRONMENT}))).await).unwrap();
    for id in APIS {
        let api = json!({"environment": ENVIRONMENT, "id": id, "group": "root", "title": id});
        call!(world, &admin, |cx| apis::create(cx, &object(api)).await).unwrap();
    }
    let mut manners = Vec::new();
    for (number, (api, prefers_to_wait, restarts)) in [
        (None, true, false),
        (None, false, false),
        (Some(APIS[1]), true, false),
        (None, true, true),
        (None, false, true),
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = json!({"environment": ENVIRONMENT, "title": "G", "apis": api.map(|api| [api])});
        let gateway = call!(world, &admin, |cx| gateways::create(cx, &object(gateway)).await).unwrap();
        let id = gateway.value["id"].as_str().unwrap();
        let token = call!(world, &admin, |cx| gateway_tokens::create(cx, id).await).unwrap();
        let token = token.value["token"].as_str().unwrap().to_owned();
        manners.push(Manner { number: number as u64, token, api, prefers_to_wait, restarts });
    }
    manners
}

async fn started(url: &str) -> Replica {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || Replica::start(&url)).await.unwrap()
}

async fn position(world: &World) -> i64 {
    let mut tx = world.database.read().await.unwrap();
    tx.head(ORGANISATION, ENVIRONMENT).await.unwrap().unwrap().position
}

/// What happens meanwhile: a replica is killed again and again, removals are forgotten, a backup comes back. Where the
/// counter stood when those changes began that are counted.
async fn trouble(
    world: &World,
    shared: &Shared,
    url: &str,
    replicas: &Mutex<[SocketAddr; 2]>,
    mut passing: Replica,
    plan: Plan,
) -> (i64, Replica) {
    let begun = Instant::now();
    let part = |parts: u64| begun + Duration::from_millis(plan.seconds * 1000 * parts / 10);
    let (mut base, mut backup) = (0, None);
    let mut turns = 0_u32;
    while Instant::now() < part(10) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        turns += 1;
        if turns.is_multiple_of(6) {
            drop(passing);
            passing = started(url).await;
            replicas.lock().unwrap()[1] = passing.address;
        }
        if turns.is_multiple_of(3) && !plan.sequence {
            let mut tx = world.turn().await;
            tx.forget_removals(now().minus(REMOVALS_KEPT)).await.unwrap();
            tx.commit().await.unwrap();
        }
        if plan.restores && backup.is_none() && Instant::now() > part(2) {
            backup = Some(backed_up(world, shared).await);
        }
        if Instant::now() > part(5)
            && let Some((file, rows)) = backup.as_mut().filter(|(file, _)| !file.is_empty())
        {
            base = restored(world, shared, &std::mem::take(file), rows).await;
        }
    }
    (base, passing)
}

type Rows = BTreeMap<FeedKey, Held>;

async fn backed_up(world: &World, shared: &Shared) -> (Vec<u8>, Rows) {
    let _gate = shared.gate.write().await;
    let mut file = Vec::new();
    export(&mut *world.database.read().await.unwrap(), now(), &mut file).await.unwrap();
    (file, shared.model.last())
}

/// What was changed since the backup is undone.
async fn restored(world: &World, shared: &Shared, file: &[u8], rows: &Rows) -> i64 {
    let _gate = shared.gate.write().await;
    let back = shared.model.last().into_keys().map(|key| (rows.get(&key).cloned().flatten(), key));
    let back: Rows = back.map(|(held, key)| (key, held)).collect();
    shared.model.begin(&back);
    let system = Caller::system(ORGANISATION);
    let arrival = Arrival::Restore { replace: true };
    call!(world, &system, |cx| import(cx, &mut BufReader::new(file), arrival).await).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    call!(world, &system, |cx| release(cx).await).unwrap();
    shared.model.answer(back.keys());
    shared.published.store(0, Ordering::Relaxed);
    position(world).await
}
