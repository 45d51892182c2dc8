//! What a report of a crash would tell: the values that a panic may name.

use secrecy::SecretString;
use serde_json::json;
use tessera_registry::use_case::client_calls::Ended;
use tessera_registry::use_case::context::Context;
use tessera_registry::use_case::registrar::{AddedSecret, Called};
use tessera_registry::use_case::{one_time_tokens, providers};

use crate::scene::Scene;
use crate::world::{admin, object};

/// Whatever was taken and has come back, as an `unwrap` or an assertion would report it.
async fn reported(scene: &Scene, told: &mut String) -> Ended {
    let taken = scene.taken().await.unwrap();
    let ended = scene.called(&taken).await;
    let report = std::panic::catch_unwind(|| panic!("{taken:?} {ended:?}")).unwrap_err();
    told.push_str(report.downcast_ref::<String>().unwrap());
    scene.concluded(&taken, ended.clone()).await;
    ended
}

#[tokio::test]
async fn a_panic_tells_no_secret() {
    let pool = json!({"authorization": {"type": "one_time"},
        "introspection": {"client_id": "registry", "credential": "hush-introspection"}});
    let bearer = json!({"authorization": {"type": "bearer", "credential": "hush-bearer"}});
    for (settings, is_pool) in [(pool, true), (bearer, false)] {
        for scene in Scene::approved(settings.clone()).await {
            if is_pool {
                let body = object(json!({"tokens": ["hush-one-time"]}));
                let add = async |cx: &mut Context<'_>| one_time_tokens::add(cx, "idp", &body).await;
                scene.world.act(&admin(), add).await.unwrap();
            }
            let id = scene.new_client().await;
            let mut told = String::new();
            let registered = reported(&scene, &mut told).await;
            assert!(matches!(registered, Ended::Registered(Called::Done(_))));
            assert!(matches!(reported(&scene, &mut told).await, Ended::Verified(_)));
            scene.delete(&id).await;
            assert!(matches!(reported(&scene, &mut told).await, Ended::Deleted(_)));
            let get = async |cx: &mut Context<'_>| providers::get(cx, "idp").await;
            told.push_str(&format!("{:?}", scene.world.act(&admin(), get).await));
            assert!(told.contains("client-1"), "{told}");
            for secret in ["hush", "secret-of-client", "token-of-client", "access-client"] {
                assert!(!told.contains(secret), "{secret}: {told}");
            }
        }
    }
    let added = AddedSecret { secret: SecretString::from("hush-added"), key_id: "k".to_owned(), expires_at: None };
    assert!(!format!("{added:?}").contains("hush"));
}
