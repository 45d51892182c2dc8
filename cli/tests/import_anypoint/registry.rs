//! `--registry`: what the registry is to read, of API Manager's own answers. That it reads it, and what gateways then are
//! told, registry/tests/command.rs shows with the same files.

use super::{line, run};
use serde_json::{Value, json};
use std::fs;

const CONTRACTS: &[&str] = &[
    "--contracts",
    "api-manager/contracts-orders.json",
    "--contracts",
    "api-manager/contracts-users.json",
    "--api",
    "18423501=orders-v1",
    "--api",
    "18423502=users-v1",
];
const APPLY: &[&str] = &[
    "--registry",
    "apply",
    "--environment",
    "production",
    "--group",
    "shop",
    "--tier-list",
    "api-manager/tiers-orders.json",
    "--api-list",
    "api-manager/apis.json",
];
const ADOPT: &[&str] = &["--registry", "adopt"];

#[test]
fn api_managers_answers_become_a_catalogue_and_contracts() {
    for (name, flags, made) in
        [("registry.catalogue", APPLY, "registry.catalogue.toml"), ("registry.adopted", ADOPT, "registry.adopted.json")]
    {
        let flags = [CONTRACTS, flags].concat();
        let done = run(&flags, "");
        assert_eq!(done.code, 0, "{name}\n{}", done.stderr);
        let file = |name: &str| format!("{}/tests/import_anypoint/expected/{name}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(done.stdout, fs::read_to_string(file(made)).unwrap(), "{name}");
        assert_eq!(done.stderr, fs::read_to_string(file(&format!("{name}.changes.txt"))).unwrap(), "{name}");
        let json = run(&[&["--json"], flags.as_slice()].concat(), "");
        let result: Value = serde_json::from_str(&json.stdout).unwrap();
        let lines: String =
            result["changes"].as_array().unwrap().iter().map(|change| format!("{}\n", line(change))).collect();
        assert_eq!((json.code, lines, json.stderr.as_str()), (0, done.stderr, ""));
        let made = if name == "registry.catalogue" { &result["catalogue"] } else { &result["document"] };
        for change in result["changes"].as_array().unwrap().iter().filter(|change| change["path"] != "") {
            assert!(super::at(made, change["path"].as_str().unwrap()).is_some(), "{name}: {change}");
        }
    }
}

#[test]
fn a_table_has_tiers_by_name_alone_and_the_same_contracts() {
    let csv = "apiId,clientId,status,tierName,applicationName\n7,portal,APPROVED,Gold,Portal\n7,batch,PENDING,,\n";
    let done = run(&["--contracts", "-", "--registry", "apply", "--environment", "test", "--json"], csv);
    let result: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        result["catalogue"],
        json!({
            "environments": [{"id": "test"}],
            "providers": [{"id": "main", "kind": "manual"}],
            "apis": [{"environment": "test", "id": "7", "group": "root", "title": "7",
                      "tiers": [{"id": "default"}, {"id": "gold", "title": "Gold"}]}],
        })
    );
    let flags = ["--contracts", "-", "--registry", "adopt", "--provider", "idp", "--default-tier", "none"];
    let done = run(&flags, csv);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        document["contracts"],
        json!([
            {"api": "7", "provider": "idp", "client_id": "portal", "status": "active", "tier": "gold", "name": "Portal"},
            {"api": "7", "provider": "idp", "client_id": "batch", "status": "pending", "tier": "none"},
        ])
    );
}

/// Contracts, tiers and APIs of which nothing is made, and what is said.
#[test]
fn what_the_registry_would_not_know_for_sure_is_refused_with_its_place() {
    let row = |rest: &str| format!("[{{\"apiId\": 7, \"clientId\": \"c\", \"status\": \"APPROVED\"{rest}}}]");
    let tier = |name: &str| {
        format!("{{\"apiId\": 7, \"clientId\": \"c\", \"status\": \"APPROVED\", \"tierName\": \"{name}\"}}")
    };
    for (input, message) in [
        (row(", \"tierName\": \"金\""), "-:1:2: mistake: the name of its tier has no letter or digit"),
        (
            format!("[{},\n{}]", tier("Gold"), tier("gold!")),
            "-:2:1: mistake: another tier of this API would be called gold",
        ),
        (
            format!("[{},\n{}]", tier("Default"), row("").trim_matches(['[', ']'])),
            "-:2:1: mistake: another tier of this",
        ),
        (row(", \"status\": \"REVOKED\""), "-:1:54: mistake: status is given twice"),
        (row(", \"tier\": {\"limits\": 1, \"limits\": 2}"), "mistake: limits is given twice"),
        (row("").replace('7', "\"a b\""), "-:1:2: mistake: its API has an id that the registry does not take"),
        (row("").replace('7', &format!("\"{}\"", "a".repeat(129))), "-:1:2: mistake: its API has an id"),
        ("[{\"apiId\": 7}]".to_owned(), "there is nothing to import"),
    ] {
        for command in [&["--registry", "apply", "--environment", "test"][..], ADOPT] {
            let done = run(&[&["--contracts", "-"], command].concat(), &input);
            assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{input}\n{}", done.stderr);
            assert!(done.stderr.contains(message), "{input}\n{}", done.stderr);
        }
    }
    for (flag, input, message) in [
        ("--tier-list", "{}", "-:1:1: mistake: wants an object with an array `tiers`"),
        ("--tier-list", "{\"tiers\": [{\"name\": \"x\"}]}", "-:1:12: mistake: a tier wants `apiId`"),
        ("--tier-list", "{\"tiers\": [{\"apiId\": 7}]}", "-:1:12: mistake: a tier wants `name`"),
        ("--tier-list", "{\"tiers\": [], \"tiers\": []}", "-:1:15: mistake: tiers is given twice"),
        ("--tier-list", "", "-:1:1: mistake: wants one JSON document"),
        ("--api-list", "{\"apis\": []}", "-:1:1: mistake: wants an object with an array `assets`"),
        ("--api-list", "{\"assets\": [{}]}", "-:1:13: mistake: an asset wants an array `apis`"),
        ("--api-list", "{\"assets\": [{\"apis\": [{\"id\": null}]}]}", "-:1:23: mistake: an API wants `id`"),
        ("--api-list", "{\"assets\": [{\"apis\": [{\"id\": \"SECRET-x y\"}]}]}", "its API has an id that the registry"),
    ] {
        let flags = ["--contracts", "contracts.csv", "--registry", "apply", "--environment", "test", flag, "-"];
        let done = run(&flags, input);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{input}\n{}", done.stderr);
        assert!(done.stderr.contains(message), "{input}\n{}", done.stderr);
    }
}

#[test]
fn flags_of_the_registry_are_refused_without_their_values() {
    for flags in [
        &["--registry", "apply"][..],
        &["--registry", "apply", "--environment", "SECRET X"],
        &["--registry", "adopt", "--provider", "SECRET X"],
        &["--registry", "adopt", "--default-tier", "SECRET X"],
        &["--registry", "adopt", "--tier", "SECRET X"],
        &["--registry", "adopt", "--tier", "Gold=SECRET X"],
        &["--registry", "adopt", "--issuer", "https://a", "--issuer", "https://b"],
        &["--registry", "adopt", "--tier-list", "missing.json"],
        &["--environment", "test"],
        &["--tier-list", "-"],
    ] {
        let done = run(&[&["--contracts", "contracts.csv"], flags].concat(), "");
        assert_eq!((done.code, done.stdout.as_str()), (3, ""), "{flags:?}\n{}", done.stderr);
        assert!(!done.stderr.is_empty(), "{flags:?}");
    }
    assert_eq!(run(&["inline.yaml", "--registry", "adopt"], "").code, 3);
}

#[test]
fn names_that_make_no_id_get_one_by_hand() {
    let input = r#"[{"apiId": 7, "clientId": "c", "status": "APPROVED", "tierName": "金=1"}]"#;
    let done = run(&["--contracts", "-", "--registry", "adopt", "--tier", "金=1=gold", "--json"], input);
    let result: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(result["document"]["contracts"][0]["tier"], "gold", "{}", done.stderr);
    let many: Vec<Value> = (0..20_000)
        .map(|n| json!({"apiId": n % 50, "clientId": format!("c{n}"), "status": "APPROVED", "tierName": format!("t{}", n % 3)}))
        .collect();
    let done = run(&["--contracts", "-", "--registry", "adopt"], &Value::from(many).to_string());
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["contracts"].as_array().unwrap().len(), 20_000, "{}", done.stderr.len());
}
