//! `tessera import-anypoint`, as it is run: what comes out of each file in `import_anypoint/`, and what never does.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "import_anypoint/registry.rs"]
mod registry;

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// Each fixture, and the flags that it is read with. Beside it are the configuration and the changes that it makes.
const FIXTURES: &[(&str, &[&str])] = &[
    ("inline.yaml", &["--contracts-url", "http://contracts.internal/v1"]),
    ("old_names.yaml", &[]),
    ("defaults.yaml", &[]),
    ("binding.yaml", &["--cluster", "login", "--secret-env", "LOGIN_SECRET"]),
    ("rules.yaml", &[]),
    ("unsaid_rules.yaml", &[]),
    ("openid_connect.yaml", OPEN_ID_CONNECT),
    ("openid_connect_defaults.yaml", OPEN_ID_CONNECT),
    ("manager.json", &["--api", "18423501=users-v1"]),
    ("several_servers.yaml", &["--issuer", "https://login.example.com/realms/shop"]),
    ("several_instances.yaml", &[]),
    ("same_paths.yaml", &[]),
    ("two_policies.yaml", &[]),
    ("odd_values.yaml", &[]),
    ("disabled_and_unknown.yaml", &[]),
];

const OPEN_ID_CONNECT: &[&str] =
    &["--introspection-url", "https://idp.example.com/introspect", "--client-id", "gateway"];

struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(flags: &[&str], input: &str) -> Done {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tessera"))
        .arg("import-anypoint")
        .args(flags)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import_anypoint"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let done = Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) };
    for stream in [&done.stdout, &done.stderr] {
        assert!(!stream.contains("SECRET-"), "{flags:?}\n{stream}");
        assert!(!stream.contains("SECRET in"), "{flags:?}\n{stream}");
        assert!(!stream.contains("TRUNSRVQ"), "{flags:?}\n{stream}");
        assert!(!stream.chars().any(|letter| letter.is_control() && letter != '\n'), "{flags:?}\n{stream}");
    }
    done
}

fn fixture(name: &str) -> String {
    fs::read_to_string(format!("{}/tests/import_anypoint/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn expected(name: &str, kind: &str) -> String {
    fixture(&format!("expected/{}.{kind}", name.split('.').next().unwrap()))
}

/// Follows a path such as `apis[0].match`.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| {
        let (name, indices) = step.split_at(step.find('[').unwrap_or(step.len()));
        let mut indices = indices.split(['[', ']']).filter(|index| !index.is_empty());
        indices.try_fold(value.get(name)?, |value, index| value.get(index.parse::<usize>().unwrap()))
    })
}

#[test]
fn each_fixture_makes_its_configuration_and_its_changes() {
    for (name, flags) in FIXTURES {
        let flags = [&[*name], *flags].concat();
        let done = run(&flags, "");
        assert_eq!(done.code, 0, "{name}\n{}", done.stderr);
        assert_eq!(done.stdout, expected(name, "configuration.yaml"), "{name}");
        assert_eq!(done.stderr, expected(name, "changes.txt"), "{name}");
    }
}

#[test]
fn json_says_the_same() {
    for (name, flags) in FIXTURES {
        let done = run(&[&["--json", *name], *flags].concat(), "");
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{name}");
        assert_eq!(done.stdout.matches('\n').count(), 1);
        let result: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(result["version"], 1);
        let changes = result["changes"].as_array().unwrap();
        let lines: String = changes.iter().map(|change| format!("{}\n", line(change))).collect();
        assert_eq!(lines, expected(name, "changes.txt"));
        for change in changes.iter().filter(|change| change["path"] != "") {
            let path = change["path"].as_str().unwrap();
            assert!(at(&result["configuration"], path).is_some(), "{name}: {path}");
        }
    }
}

fn line(change: &Value) -> String {
    let text = |member: &str| change[member].as_str().unwrap();
    let path = if text("path").is_empty() { "-" } else { text("path") };
    let place = format!("{}:{}:{}", text("file"), change["line"], change["column"]);
    format!("{place}: {} {} -> {path}: {}", text("kind"), text("parameter"), text("message"))
}

#[test]
fn check_finds_no_mistake_in_any_configuration() {
    for (name, _) in FIXTURES {
        let stem = name.split('.').next().unwrap();
        let file = format!("tests/import_anypoint/expected/{stem}.configuration.yaml");
        let output = Command::new(env!("CARGO_BIN_EXE_tessera"))
            .args(["check", &file])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}\n{report}");
        assert!(report.contains("0 mistakes") && report.contains("in 1 configuration of 1 file"), "{name}\n{report}");
    }
}

const HEAD: &str = "apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {name: a}
spec:
  address: http://0.0.0.0:8081
  policies:
  - policyRef: {name: oauth2-token-introspection-flex}
    config:
";

/// Inputs of which nothing can be made, and what is said: the parameters of a policy.
const FAULTS: &[(&str, &str)] = &[
    ("      scopes: x", "9:7: mistake: introspectionURL is missing"),
    ("      introspectionURL: SECRET-as-a-url", "9:25: mistake: introspectionURL must begin with"),
    (
        "      introspectionURL: https://SECRET-user:SECRET-pass@idp/x",
        "9:25: mistake: introspectionURL must not hold credentials",
    ),
    ("      introspectionURL: 7", "9:25: mistake: introspectionURL must be a text"),
    (
        "      introspectionURL: https://a/x\n      introspection_url: https://b/x",
        "10:7: mistake: introspectionURL is given twice",
    ),
    ("      introspectionURL: https://a/x\n      scopes: {a: SECRET-b}", "10:15: mistake: scopes must be a text"),
    ("      introspectionURL: https://a/x\n      scopes: 'a \"SECRET-b\"'", "10:15: mistake: scopes must be a text"),
    ("      SECRET-instead-of-an-object", "9:7: mistake: the configuration of the policy is no object"),
    ("      introspectionURL: https://a/x\n      authorizationValue: 'SECRET-unterminated", "mistake"),
    ("      introspectionURL: https://a/x\n      authorizationValue:Basic SECRET-b\n      scopes: a", "mistake"),
    ("      introspectionURL: https://a/x\n      authorizationValue: Basic SECRET-b: c", "mistake"),
    ("      introspectionURL: https://a/x\n      authorizationValue: *SECRET-alias", "mistake"),
];

#[test]
fn what_cannot_be_read_for_sure_is_a_mistake() {
    for (config, message) in FAULTS {
        let done = run(&["-"], &format!("{HEAD}{config}\n"));
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{config}\n{}", done.stderr);
        assert!(done.stderr.contains(message), "{config}\n{}", done.stderr);
    }
}

#[test]
fn without_a_policy_there_is_nothing_to_import() {
    let others = HEAD.replace("oauth2-token-introspection-flex", "rate-limiting-flex");
    let twice = format!("{HEAD}      introspectionURL: https://a/x\n  policies: []\n");
    let list = HEAD.split("  - policyRef").next().unwrap().replace("policies:", "policies: SECRET-text");
    for input in ["", "[]", "7", "a: b", "{\"policies\": []}", "{\"policies\": 1}", "[1, null]", &others, &list, &twice]
    {
        let done = run(&["-"], input);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{input}");
        assert!(!done.stderr.is_empty());
        let done = run(&["--json", "-"], input);
        let result: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &result["configuration"]), (2, &Value::Null), "{input}");
    }
}

#[test]
fn flags_that_cannot_be_used_are_refused_without_their_values() {
    for flags in [
        &["openid_connect.yaml"][..],
        &["openid_connect.yaml", "--client-id", "gateway"],
        &["openid_connect.yaml", "--introspection-url", "https://idp.example.com/introspect"],
        &["inline.yaml", "--introspection-url", "SECRET-url"],
        &["inline.yaml", "--contracts-url", "https://SECRET-user@host/"],
        &["inline.yaml", "--issuer", "SECRET-issuer"],
        &["inline.yaml", "--issuer", "https://a", "--issuer", "https://b"],
        &["inline.yaml", "--issuer", "https://a", "--issuer", "https://a"],
        &["inline.yaml", "--secret-env", "SECRET-value!"],
        &["inline.yaml", "--cluster", ""],
        &["inline.yaml", "--api", "SECRET-pair"],
        &["missing.yaml"],
        &["--contracts", "missing.csv"],
        &["--contracts", "contracts.csv", "--map", "SECRET-field"],
        &["--contracts", "contracts.csv", "--map", "name=clientSecret"],
        &["--contracts", "contracts.csv", "inline.yaml"],
        &["--map", "name=a", "inline.yaml"],
        &[],
    ] {
        let done = run(flags, "");
        assert_eq!((done.code, done.stdout.as_str()), (3, ""), "{flags:?}\n{}", done.stderr);
        assert!(!done.stderr.is_empty(), "{flags:?}");
    }
}

const CONTRACTS: &[(&str, &[&str])] = &[
    (
        "contracts.json",
        &[
            "--map",
            "client_id=application.clientId,tier=tier.name,name=application.name",
            "--api",
            "18423501=orders-v1",
        ],
    ),
    ("contracts.csv", &[]),
];

#[test]
fn a_table_of_contracts_becomes_a_document() {
    for (name, flags) in CONTRACTS {
        let flags = [&["--contracts", *name], *flags].concat();
        let done = run(&flags, "");
        assert_eq!(done.code, 0, "{name}\n{}", done.stderr);
        let stem = name.replace('.', "_");
        assert_eq!(done.stdout, fixture(&format!("expected/{stem}.json")));
        assert_eq!(done.stderr, fixture(&format!("expected/{stem}.changes.txt")));
        let json = run(&[&["--json"], flags.as_slice()].concat(), "");
        let result: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(result["document"], serde_json::from_str::<Value>(&done.stdout).unwrap());
        let changes = result["changes"].as_array().unwrap();
        let lines: String = changes.iter().map(|change| format!("{}\n", line(change))).collect();
        assert_eq!((lines, result["version"].as_i64()), (done.stderr, Some(1)));
        for change in changes.iter().filter(|change| change["path"] != "") {
            let path = change["path"].as_str().unwrap();
            // The member that is left out is not there, but its contract is.
            assert!(at(&result["document"], path.rsplit_once('.').unwrap().0).is_some(), "{name}: {path}");
        }
    }
}

#[test]
fn a_table_that_cannot_be_read_for_sure_is_a_mistake() {
    for (input, message) in [
        ("", "there is no column apiId"),
        ("apiId,status\n1,APPROVED\n", "there is no column clientId"),
        ("apiId,clientId,apiId\na,b,c\n", "the column apiId is there twice"),
        ("apiId,clientId,secret\na,b,SECRET-x\na,SECRET-y\n", "-:3:1: mistake: has another number of values"),
        ("apiId,clientId\na,\"SECRET-unterminated\n", "-:2:1: mistake: a value goes on in the next line"),
        (
            "apiId,clientId,clientSecret,applicationName\na,b,SECRET-x,\"Portal\na,c,SECRET-y,\"Batch\n",
            "-:2:1: mistake: a value goes on in the next line",
        ),
        ("apiId,clientId\n,b\na,\n", "there is nothing to import"),
        ("{\"a\": [], \"b\": []}", "wants one JSON array"),
        ("{\"a\": {\"apiId\": \"SECRET-x\"}}", "wants one JSON array"),
        ("[{\"apiId\": \"a\", \"clientId\": \"SECRET-b\"}", "mistake"),
        ("[{\"apiId\": \"a\", \"clientId\": 'SECRET-b\"}]", "mistake"),
        ("[[\"a\", \"SECRET-b\"]]", "there is nothing to import"),
    ] {
        let done = run(&["--contracts", "-"], input);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{input}\n{}", done.stderr);
        assert!(done.stderr.contains(message), "{input}\n{}", done.stderr);
        let done = run(&["--json", "--contracts", "-"], input);
        let result: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((done.code, &result["document"]), (2, &Value::Null), "{input}");
    }
}

#[test]
fn columns_and_ids_that_are_not_there_are_said() {
    let csv = "apiId,clientId,status,SLA\n7,c,APPROVED,Gold\n";
    let json = r#"[{"apiId": 7, "clientId": "c", "status": "APPROVED", "SLA": {"name": null}}]"#;
    for (input, flags, code, said) in [
        (csv, "--map=tier=SLA", 0, ""),
        (json, "--map=tier=SLA.name", 0, ""),
        (csv, "--map=tier=Tier", 2, "-:1:1: mistake: there is no column as --map names it for tier\n"),
        (json, "--map=tier=SLA.tier", 2, "-:1:1: mistake: there is no column as --map names it for tier\n"),
        (csv, "--map=status=State", 2, "-:1:1: mistake: there is no column as --map names it for status\n"),
        (csv, "--map=api=API", 2, "-:1:1: mistake: there is no column of that name: --map names another one\n"),
        (json, "--map=api=API", 2, "-:1:1: mistake: there is no column as --map names it for api\n"),
        (csv, "--api=7=orders", 0, NO_TIER),
        (json, "--color=never", 0, NO_TIER),
        (
            "apiId,clientId,status,tierName\n7,c,APPROVED,\n",
            "--api=8=x",
            0,
            "-:1:1: none --api -> -: no API is called 8 in the input\n",
        ),
        ("apiId,clientId\n", "--color=never", 0, ""),
    ] {
        let done = run(&["--contracts", "-", flags], input);
        assert_eq!((done.code, done.stdout.is_empty()), (code, code == 2), "{flags} {input}");
        let is_all = done.stderr == said || code == 2;
        assert!(is_all && done.stderr.ends_with(said), "{flags} {input}\n{}", done.stderr);
    }
    let done = run(&["inline.yaml", "--api", "SECRET nobody=x"], "");
    assert!(done.code == 0 && done.stderr.contains("inline.yaml:1:1: none --api -> -: no API is called … in"));
}

const NO_TIER: &str = "-:1:1: none tierName -> -: there is no such column, so no contract has a tier: \
                       --map tier=… names another one\n";

#[test]
fn no_row_grants_more_than_it_says() {
    let long = "x".repeat(257);
    for (row, status, said) in [
        (r#"{"apiId": "a", "clientId": "c", "status": "APPROVED"}"#, Some("active"), ""),
        (r#"{"apiId": 7, "clientId": "c", "status": "approved"}"#, Some("active"), ""),
        (r#"{"apiId": "a", "clientId": "c"}"#, Some("revoked"), "meaning status -> contracts[0].status: is missing"),
        (r#"{"apiId": "a", "clientId": "c", "status": null}"#, Some("revoked"), "is missing"),
        (r#"{"apiId": "a", "clientId": "c", "status": true}"#, Some("revoked"), "is none that is known"),
        (r#"{"apiId": "a", "clientId": "c", "status": "REVOKED", "status": "APPROVED"}"#, Some("revoked"), "known"),
        (
            &format!(r#"{{"apiId": "{long}", "clientId": "c", "status": "APPROVED"}}"#),
            None,
            "none apiId -> -: is too long",
        ),
        (
            &format!(r#"{{"apiId": "a", "clientId": "c", "status": "APPROVED", "tierName": "{long}"}}"#),
            Some("active"),
            "none tierName -> contracts[0].tier: is too long",
        ),
    ] {
        let other = r#"{"apiId": "other", "clientId": "other", "status": "APPROVED", "tierName": null}"#;
        let done = run(&["--contracts", "-"], &format!("[{row}, {other}]"));
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let contracts = document["contracts"].as_array().unwrap();
        assert_eq!(contracts.len(), 1 + usize::from(status.is_some()), "{row}");
        assert_eq!(status.map(|_| contracts[0]["status"].as_str().unwrap()), status, "{row}");
        assert!(done.stderr.contains(said) && done.stderr.is_empty() == said.is_empty(), "{row}\n{}", done.stderr);
    }
    assert_eq!(run(&["--contracts", "-"], "[]").code, 0, "nobody has a contract");
}

#[test]
fn policies_of_api_manager_come_in_several_forms() {
    let policy = r#"{"template": {"assetId": "oauth2-token-introspection"}, "apiId": 1,
        "configuration": {"introspectionURL": "https://a/x", "skipClientIdValidation": "true"}}"#;
    let two = format!("{{\"policies\": [{policy}, {}]}}", policy.replace("\"apiId\": 1", "\"apiId\": \"two\""));
    for (input, ids) in [
        (policy.to_owned(), vec!["orders"]),
        (format!("[{policy}, {policy}]"), vec!["orders"]),
        (policy.replace("\"apiId\": 1,", ""), vec!["api"]),
        (two, vec!["orders", "two"]),
    ] {
        let done = run(&["--json", "-", "--api", "1=orders"], &input);
        let result: Value = serde_json::from_str(&done.stdout).unwrap();
        let apis = result["configuration"]["apis"].as_array().unwrap();
        assert_eq!(apis.iter().map(|api| api["id"].as_str().unwrap()).collect::<Vec<_>>(), ids, "{input}");
        assert!(apis.iter().all(|api| api["match"]["hosts"].is_array() == (ids.len() > 1)), "{input}");
        assert!(apis.iter().all(|api| api["contract"] == "none"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn broken_inputs_give_nothing_away(
        file in 0..FIXTURES.len() + CONTRACTS.len(), at: prop::sample::Index, cut in 0_usize..4,
        added in "[\"':{}\\[\\],#&*|>!?%\\\\\\-\n \t\u{1b}]{0,3}", json: bool,
    ) {
        let (name, flags) = FIXTURES.iter().chain(CONTRACTS).nth(file).unwrap();
        let text = fixture(name);
        let at = at.index(text.len());
        let broken = [&text[..at], &added, text.get(at + cut..).unwrap_or_default()].concat();
        let kind: &[&str] = if file < FIXTURES.len() { &["-"] } else { &["--contracts", "-"] };
        let json: &[&str] = if json { &["--json"] } else { &[] };
        let done = run(&[json, kind, flags].concat(), &broken);
        // An issuer for a server that is no longer there is a usage error.
        prop_assert!(matches!(done.code, 0 | 2 | 3), "{}", done.stderr);
        prop_assert!(done.code != 3 || done.stderr.contains("--"), "{}", done.stderr);
    }
}
