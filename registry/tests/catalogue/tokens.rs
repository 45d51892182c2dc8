//! Registry tokens.

use std::time::Duration;

use tessera_registry::domain::principal::{Caller, Principal, Role};
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::me::Me;
use tessera_registry::use_case::registry_tokens::{self, caller_of, note_use};
use tessera_registry::use_case::store::Store;

use crate::apis::with_groups;
use crate::call;
use crate::database::every;
use crate::world::{asked, caller, pointers};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_token_is_its_roles_until_it_ends() {
    for files in every() {
        let world = with_groups(files).await;
        let system = Caller::system("default");
        let roles = [Role::parse("a:owner").unwrap(), Role::parse("root:auditor").unwrap()];
        let (text, token) = call!(world, &system, |cx| registry_tokens::create(cx, None, &roles, DAY).await).unwrap();
        assert!(text.starts_with("trt_") && text.len() == 47 && !format!("{token:?}").contains(&text[4..]));
        let mut tx = world.database.read().await.unwrap();
        let (who, is_due) = caller_of(&mut *tx, &text, world.now()).await.unwrap().unwrap();
        assert_eq!(
            who,
            Caller {
                principal: Principal::Token(token.id.clone()),
                organisation: "default".to_owned(),
                roles: roles.into()
            }
        );
        assert!(is_due);
        assert_eq!(Me::of(&who).roles, ["a:owner", "root:auditor"]);
        let end = token.expires_at;
        assert_eq!(caller_of(&mut *tx, &text, end).await.unwrap(), None);
        for wrong in ["", "trt_", &text.replacen("trt_", "trg_", 1), &text.to_uppercase()] {
            assert_eq!(caller_of(&mut *tx, wrong, world.now()).await.unwrap(), None);
        }
        drop(tx);
        let before = call!(world, &who, |cx| registry_tokens::get(cx, &token.id).await).unwrap();
        let mut tx = world.database.write().await.unwrap();
        note_use(&mut *tx, &who, world.now()).await.unwrap();
        assert!(!caller_of(&mut *tx, &text, world.now()).await.unwrap().unwrap().1);
        tx.commit().await.unwrap();
        let shown = call!(world, &who, |cx| registry_tokens::get(cx, &token.id).await).unwrap();
        assert_eq!((shown.revision, &shown.value["last_used_at"]), (before.revision, &serde_json::json!(world.now())));
        assert!(!shown.value.to_string().contains("hash"));

        assert_eq!(call!(world, &who, |cx| registry_tokens::delete(cx, &token.id).await), Err(Refusal::Forbidden));
        for who in [caller("default", &["root:owner"]), caller("other", &["admin"])] {
            assert_eq!(call!(world, &who, |cx| registry_tokens::get(cx, &token.id).await), Err(Refusal::NotFound));
            assert_eq!(call!(world, &who, |cx| registry_tokens::delete(cx, &token.id).await), Err(Refusal::NotFound));
            assert!(call!(world, &who, |cx| registry_tokens::list(cx, &asked(&[])).await).unwrap().items.is_empty());
        }
        let admin = caller("default", &["admin"]);
        assert_eq!(call!(world, &admin, |cx| registry_tokens::list(cx, &asked(&[])).await).unwrap().items.len(), 1);
        call!(world, &admin, |cx| registry_tokens::delete(cx, &token.id).await).unwrap();
        let mut tx = world.database.read().await.unwrap();
        assert_eq!(caller_of(&mut *tx, &text, world.now()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_token_needs_roles_that_are_there_and_an_end() {
    for files in every() {
        let world = with_groups(files).await;
        let system = Caller::system("default");
        let gone = [Role::parse("gone:owner").unwrap()];
        for (name, roles, valid, pointer) in [
            (Some(""), &[Role::Admin][..], DAY, "/name"),
            (None, &[], DAY, "/roles"),
            (None, &gone, DAY, "/roles"),
            (None, &[Role::Admin], Duration::ZERO, "/expires"),
            (None, &[Role::Admin], DAY * 367, "/expires"),
        ] {
            let refused = call!(world, &system, |cx| registry_tokens::create(cx, name, roles, valid).await);
            assert_eq!(pointers(refused), [pointer]);
        }
    }
}
