//! A backup under load comes back, and everything moves to another database: gateways follow.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::client::Client;
use crate::followed::Followed;
use crate::gateway::Gateway;
use crate::load::Load;
use crate::place::Place;
use crate::postgres;

/// Rows of a page: few enough that there are several.
const PAGES: &str = "feed.page_rows = 3";
const WRITERS: usize = 5;

/// Both are told that the feed is held, and keep what they have.
async fn are_held(gateways: &[Gateway]) {
    for gateway in gateways {
        let (before, held) = (gateway.known(), gateway.count(503));
        // The first may have been preceded by an answer that was under way.
        gateway.comes_where(|followed| followed.polls.get(&503) > Some(&held), "held").await;
        let known = gateway.known();
        assert!(known.keys().eq(before.keys()), "{known:?} in place of {before:?}");
        gateway.comes_where(|followed| followed.polls.get(&503) > Some(&(held + 3)), "held").await;
        assert_eq!(gateway.known(), known);
    }
}

/// A backup that is made while contracts change comes back, with what was revoked since.
async fn restored(from: &Followed) {
    let Followed { place, served, admin, contracts, gateways } = from;
    let (backup, last) = (place.path("backup.jsonl"), contracts.last().unwrap());
    let load = Load::begin(admin, &contracts[..WRITERS]);
    while load.done() < 10 {
        sleep(Duration::from_millis(10)).await;
    }
    place.run(&["backup", &backup]);
    let revoked = admin.post(&format!("/contracts/{last}/revoke"), &json!({"reason": "since the backup"})).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    load.end().await;
    assert_eq!(admin.served().await.len(), contracts.len() - 1);
    from.all_know().await;

    assert_eq!(place.output(&["restore", &backup]).status.code(), Some(5));
    let load = Load::begin(admin, &contracts[..WRITERS]);
    place.run(&["restore", &backup, "--replace"]);
    are_held(gateways).await;
    load.end().await;
    for gateway in gateways {
        // What was revoked is not granted anew, as long as nobody has said so.
        assert_eq!(gateway.known().len(), contracts.len() - 1);
    }
    let told = place.run(&["release", "--yes"]);
    assert!(told.contains("The backup was made at "), "{told}");
    assert_eq!(admin.served().await.len(), contracts.len(), "what was revoked since the backup is back");
    from.all_know().await;
    assert!(gateways.iter().all(|gateway| gateway.count(410) > 0));
    assert!(place.run(&["check", "--connect", "--audit"]).contains("ok"), "{}", served.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_follow_through_a_restore_and_a_move_to_postgresql() {
    let old = Followed::at(Place::sqlite(PAGES), WRITERS + 3, 2).await;
    restored(&old).await;
    let expected = old.admin.served().await;

    let new = Place::new(&format!("\"{}\"", postgres::shared().database()), PAGES);
    let file = old.place.path("everything.jsonl");
    old.place.run(&["export", "--out", &file]);
    new.run(&["import", &file]);
    let served = new.serve();
    for gateway in &old.gateways {
        gateway.turn_to(&served.url("feed"));
    }
    are_held(&old.gateways).await;
    old.served.end();
    new.run(&["release", "--yes"]);
    // The same tokens of gateways and of the registry, and the same contracts.
    let admin = Client::new(&served.url("api"), &old.admin.token);
    assert_eq!(admin.served().await, expected);
    let suspended = &old.contracts[WRITERS];
    let done = admin.post(&format!("/contracts/{suspended}/suspend"), &json!({"reason": "moved"})).await;
    assert_eq!(done.status, 200, "{done:?}");
    for gateway in &old.gateways {
        gateway.comes_to(&admin.served().await).await;
        assert!(gateway.known().values().any(|status| status == "suspended"));
    }
    assert!(new.run(&["check", "--connect", "--audit"]).contains("ok"));
    served.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_follow_through_a_restore_on_postgresql() {
    let place = Place::new(&format!("\"{}\"", postgres::shared().database()), PAGES);
    let followed = Followed::at(place, WRITERS + 3, 2).await;
    restored(&followed).await;
    followed.served.end();
}
