//! Applying the file of a catalogue.

use serde_json::json;
use tessera_registry::domain::catalogue_file::CatalogueFile;
use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::refusal::Refusal;
use tessera_registry::use_case::apply::{NotApplied, apply};
use tessera_registry::use_case::audit::{self, ChainState, verify};
use tessera_registry::use_case::store::Store;
use tessera_registry::use_case::tables::ONE_TIME_TOKENS;
use tessera_registry::use_case::{apis, environments, groups, one_time_tokens, providers, tiers};

use crate::call;
use crate::database::every;
use crate::world::{World, asked, caller, object};

const FILE: &str = r#"
organisation = "acme"
[[groups]]
id = "shop"
parent = "sales"
[[groups]]
id = "sales"
[[environments]]
id = "prod"
[[providers]]
id = "idp"
kind = "manual"
environments = ["prod"]
introspection = { endpoint = "https://idp.example.com/introspect", client_id = "r", credential = { env = "IDP" } }
[[apis]]
environment = "prod"
id = "orders"
group = "shop"
title = "Orders"
tiers = [{ id = "gold", approval = "automatic", limits = [{ requests = 100, period = "1m" }] }, { id = "free" }]
"#;

fn file(text: &str) -> CatalogueFile {
    let secret = |value: &toml::Value| Ok(format!("secret {value}"));
    CatalogueFile::parse(text, &secret).unwrap_or_else(|problems| panic!("{problems:?}"))
}

async fn applied(world: &World, text: &str, prune: bool) -> Result<Vec<String>, NotApplied> {
    let file = file(text);
    let system = Caller::system(file.organisation.clone());
    call!(world, &system, |cx| apply(cx, &file, prune).await)
}

#[tokio::test]
async fn a_file_makes_an_organisation_and_again_changes_nothing() {
    for files in every() {
        let world = World::new(files).await;
        assert_eq!(
            applied(&world, FILE, false).await.unwrap(),
            [
                "+ organisation acme",
                "+ group sales",
                "+ group shop",
                "+ environment prod",
                "+ provider idp",
                "+ api prod/orders",
                "+ tier prod/orders/gold",
                "+ tier prod/orders/free"
            ]
        );
        let admin = caller("acme", &["admin"]);
        let first = call!(world, &admin, |cx| apis::get(cx, ("prod", "orders")).await).unwrap();
        for prune in [false, true] {
            assert_eq!(applied(&world, FILE, prune).await.unwrap(), Vec::<String>::new());
        }
        let made = call!(world, &admin, |cx| apis::get(cx, ("prod", "orders")).await).unwrap();
        assert_eq!((made.revision, &made.value["group"]), (first.revision, &json!("shop")));
        let shown = call!(world, &admin, |cx| environments::get(cx, "prod").await).unwrap();
        assert_eq!(shown.value["position"], 0);
        let entries = call!(world, &admin, |cx| audit::list(cx, &asked(&[])).await).unwrap().items;
        assert!(entries.iter().all(|entry| entry["actor"] == "system"));
        assert!(!format!("{entries:?}").contains("secret {"), "{entries:?}");
        let mut tx = world.database.read().await.unwrap();
        assert_eq!(verify(&mut *tx, "acme").await.unwrap(), ChainState::Whole { entries: 9 });
        let others = call!(world, &caller("default", &["admin"]), |cx| groups::list(cx, &asked(&[])).await).unwrap();
        assert_eq!(others.items.len(), 1);
    }
}

#[tokio::test]
async fn what_differs_is_told_and_what_is_not_named_goes_only_with_prune() {
    for files in every() {
        let world = World::new(files).await;
        applied(&world, FILE, false).await.unwrap();
        let other = r#"
            organisation = "acme"
            [[groups]]
            id = "sales"
            title = "Sales"
            [[environments]]
            id = "prod"
            [[apis]]
            environment = "prod"
            id = "orders"
            group = "sales"
            title = "Orders"
            tiers = [{ id = "gold" }]
        "#;
        let changes = [
            r#"~ group sales: title "sales" -> "Sales""#,
            r#"~ api prod/orders: group "shop" -> "sales""#,
            r#"~ tier prod/orders/gold: approval "automatic" -> "manual", limits [{"period":"1m","requests":100}] -> []"#,
        ];
        assert_eq!(applied(&world, other, false).await.unwrap(), changes);
        let gone = ["- tier prod/orders/free", "- provider idp", "- group shop"];
        assert_eq!(applied(&world, other, true).await.unwrap(), gone);
        let secret = FILE.replace("IDP", "NEXT");
        applied(&world, FILE, false).await.unwrap();
        assert_eq!(applied(&world, &secret, false).await.unwrap(), ["~ provider idp: credential"]);
        let nothing = "organisation = 'acme'";
        let all = applied(&world, nothing, true).await.unwrap();
        assert_eq!(all.last().map(String::as_str), Some("- group sales"), "{all:?}");
    }
}

#[tokio::test]
async fn every_problem_of_a_file_is_told_at_once_and_nothing_is_done() {
    for files in every() {
        let world = World::new(files).await;
        let text = r#"
            [[groups]]
            id = "a"
            parent = "b"
            [[groups]]
            id = "b"
            parent = "a"
            [[groups]]
            id = "a"
            [[environments]]
            id = "Prod"
            [[providers]]
            id = "p"
            kind = "saml"
            environments = ["gone"]
            [[apis]]
            environment = "gone"
            id = "x"
            group = "none"
            tiers = [{ id = "t", more = 1 }]
        "#;
        let Err(NotApplied::Problems(problems)) = applied(&world, text, false).await else { panic!() };
        let paths: Vec<_> = problems.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "groups[2].id",
                "environments[0].id",
                "providers[0].kind",
                "apis[0].title",
                "apis[0].tiers[0].more",
                "providers[0].environments",
                "apis[0].environment",
                "apis[0].group"
            ],
            "{problems:#?}"
        );
        let circle = "[[groups]]\nid = 'a'\nparent = 'b'\n[[groups]]\nid = 'b'\nparent = 'a'\n";
        let Err(NotApplied::Problems(problems)) = applied(&world, circle, false).await else { panic!() };
        assert!(problems.len() == 2 && problems[0].starts_with("groups[0].parent: "), "{problems:?}");
        let admin = caller("default", &["admin"]);
        assert_eq!(call!(world, &admin, |cx| groups::list(cx, &asked(&[])).await).unwrap().items.len(), 1);
    }
}

#[tokio::test]
async fn groups_can_change_places_in_one_file() {
    for files in every() {
        let world = World::new(files).await;
        applied(&world, "[[groups]]\nid = 'a'\n[[groups]]\nid = 'b'\nparent = 'a'\n", false).await.unwrap();
        let swapped = "[[groups]]\nid = 'a'\nparent = 'b'\n[[groups]]\nid = 'b'\n";
        assert_eq!(
            applied(&world, swapped, false).await.unwrap(),
            [r#"~ group b: parent "a" -> "root""#, r#"~ group a: parent "root" -> "b""#]
        );
        let only_a = "[[groups]]\nid = 'a'\nparent = 'b'\n";
        let Err(NotApplied::Problems(problems)) = applied(&world, only_a, true).await else { panic!() };
        assert_eq!(problems, ["groups[0].parent: there is no such group"]);
    }
}

#[tokio::test]
async fn what_is_in_use_is_not_pruned() {
    for files in every() {
        let world = World::new(files).await;
        applied(&world, FILE, false).await.unwrap();
        let admin = caller("acme", &["admin"]);
        let gateway = object(json!({"environment": "prod", "title": "Edge", "apis": ["orders"]}));
        call!(world, &admin, |cx| tessera_registry::use_case::gateways::create(cx, &gateway).await).unwrap();
        let refused = applied(&world, "organisation = 'acme'", true).await;
        assert_eq!(refused, Err(NotApplied::InUse("api prod/orders".to_owned(), "a gateway names it")));
        let tier = call!(world, &admin, |cx| tiers::get(cx, ("prod", "orders", "free")).await);
        assert!(tier != Err(Refusal::NotFound), "all or nothing");
    }
}

#[tokio::test]
async fn one_time_tokens_come_by_no_file_and_go_to_no_other_endpoint() {
    let at = |endpoint: &str, more: &str| {
        let provider = "organisation = \"acme\"\n[[providers]]\nid = \"idp\"\nkind = \"dcr\"\nissuer = \"https://idp.example.com\"";
        format!("{provider}\nendpoint = \"https://{endpoint}\"\nauthorization = {{ type = \"one_time\"{more} }}\n")
    };
    for files in every() {
        let world = World::new(files).await;
        let (admin, tokens) = (caller("acme", &["admin"]), object(json!({"tokens": ["one"]})));
        applied(&world, &at("idp.example.com/reg", ""), false).await.unwrap();
        call!(world, &admin, |cx| one_time_tokens::add(cx, "idp", &tokens).await).unwrap();
        for more in [", one_time_left = 3", ", tokens = [\"two\"]"] {
            let wrong = applied(&world, &at("idp.example.com/reg", more), false).await;
            assert!(matches!(wrong, Err(NotApplied::Problems(_))), "{wrong:?}");
        }
        for (endpoint, left) in [("idp.example.com/reg", 1), ("idp.example.com/other", 0)] {
            applied(&world, &at(endpoint, ""), false).await.unwrap();
            let shown = call!(world, &admin, |cx| providers::get(cx, "idp").await).unwrap().value;
            assert_eq!(shown["authorization"]["one_time_left"], left, "{endpoint}");
        }
        call!(world, &admin, |cx| one_time_tokens::add(cx, "idp", &tokens).await).unwrap();
        assert_eq!(applied(&world, "organisation = \"acme\"\n", true).await.unwrap(), ["- provider idp"]);
        let mut tx = world.database.read().await.unwrap();
        assert!(tx.scan(&ONE_TIME_TOKENS, None, 10).await.unwrap().is_empty());
    }
}
