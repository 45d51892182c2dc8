use super::*;
use crate::domain::webhook::NoticeKind;
use std::env::VarError;

const KEY: &str = "[[sealing_keys]]\nid = \"k1\"\nkey = {env = \"TESSERA_TEST_SEALING_KEY\"}\n";
const LEAST: &str = "public.url = \"https://registry.example.com\"\n";

fn environment(name: &str) -> Result<String, VarError> {
    let value = match name {
        "TESSERA_TEST_SEALING_KEY" => "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "TESSERA_TEST_WEBHOOK" => "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "TESSERA_TEST_EMPTY" => "\n",
        _ => return Err(VarError::NotPresent),
    };
    Ok(value.to_owned())
}

fn read(text: &str) -> Result<Configuration, Vec<String>> {
    Configuration::read(text, &environment).map_err(|faults| faults.iter().map(Wrong::to_string).collect())
}

#[test]
fn what_is_required_is_enough() {
    let read = read(&format!("{LEAST}{KEY}")).unwrap();
    assert_eq!(read.listeners.api, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(read.listeners.feed.port(), 8081);
    assert_eq!(read.listeners.ops.port(), 8082);
    assert_eq!((read.database.pool, read.database.migrates), (10, true));
    assert_eq!(read.rates, Rates { requests_per_second: 50, burst: 200, failed_authentications: 20 });
    assert_eq!(read.limits, Limits { clients_per_application: 10, open_requests: 20 });
    assert_eq!(read.feed, FeedSettings { page_rows: 10_000, max_held: 10_000, removals_kept: 7 * DAY });
    assert_eq!(read.tasks, TaskSettings { workers: 4, stuck_after: Duration::from_secs(900) });
    assert_eq!(read.log, Log { level: "info", is_json: true });
    assert!(read.auth.is_none() && read.sign_in.is_none() && read.webhooks.is_empty());
}

#[test]
fn everything_can_be_said() {
    let text = format!(
        r#"
        listen = {{api = "0.0.0.0:80", feed = "[::1]:0", ops = "127.0.0.1:0"}}
        public = {{url = "http://localhost:8080/", trusted_proxies = ["10.0.0.0/8", "::1"]}}
        tls = {{cert = "c.pem", key = "k.pem"}}
        database = {{url = "postgres://user@db/registry?sslmode=require", pool = 200, migrate = false}}
        limits = {{requests_per_second = 1, burst = 2, failed_authentications = 3, clients_per_application = 4, open_requests = 5}}
        feed = {{page_rows = 1, max_held = 0, removals_kept = "1s"}}
        tasks = {{workers = 64, stuck_after = "7d"}}
        log = {{level = "trace", format = "text"}}
        {KEY}
        [auth]
        issuer = "https://idp.example.com"
        audience = "registry"
        algorithms = ["ES256"]
        organisation_claim = "/org"
        roles_claim = "/realm_access/roles"
        roles = {{"Admins" = ["admin"], "Dev" = ["payments:developer", "root:auditor"]}}
        [sign_in]
        client_id = "portal"
        scopes = ["openid"]
        idle = "1m"
        absolute = "7d"
        [[webhooks]]
        url = "https://hooks.example.com/x"
        secret = {{env = "TESSERA_TEST_WEBHOOK"}}
        events = ["task.stuck"]
        "#
    );
    let read = read(&text).unwrap();
    assert_eq!(read.listeners.public_url, "http://localhost:8080");
    assert!(read.listeners.trusted_proxies[0].contains("10.9.8.7".parse().unwrap()));
    assert!(read.listeners.trusted_proxies[0].contains("::ffff:10.9.8.7".parse().unwrap()));
    assert!(!read.listeners.trusted_proxies[0].contains("11.0.0.1".parse().unwrap()));
    assert!(!read.listeners.trusted_proxies[1].contains("::2".parse().unwrap()));
    let auth = read.auth.unwrap();
    assert_eq!(
        auth.roles["Dev"].iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["payments:developer", "root:auditor"]
    );
    assert_eq!(read.webhooks[0].subscriber.events, Some(vec![NoticeKind::TaskStuck]));
}

#[test]
fn every_fault_is_told_at_once_by_its_path() {
    let faults = read(
        r#"
        listen = {api = "here", feed = "127.0.0.1:8082"}
        public = {trusted_proxies = ["10.0.0.0/33"], port = 1}
        tls = {cert = "only.pem"}
        database = {pool = 0}
        feed = {removals_kept = "1y"}
        log = 5
        sign_in = {client_id = "x", scopes = ["profile"]}
        surprise = true
        "#,
    )
    .unwrap_err();
    let paths: Vec<_> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    let expected = [
        "listen.api",
        "listen.ops",
        "tls",
        "public.url",
        "public.trusted_proxies[0]",
        "public.port",
        "database.pool",
        "sealing_keys",
        "sign_in",
        "sign_in.scopes",
        "feed.removals_kept",
        "log",
        "surprise",
    ];
    assert_eq!(paths, expected, "{faults:#?}");
}

#[test]
fn a_receiver_has_one_secret_in_an_organisation() {
    let webhook = |organisation: &str, url: &str| {
        let secret = "secret = {env = \"TESSERA_TEST_WEBHOOK\"}";
        format!("[[webhooks]]\norganisation = \"{organisation}\"\nurl = \"{url}\"\n{secret}\n")
    };
    let (one, other) = ("https://hooks.example.com/x", "https://hooks.example.com/y");
    let text = [LEAST, KEY, &webhook("a", one), &webhook("b", one), &webhook("a", other)].concat();
    assert_eq!(read(&text).unwrap().webhooks.len(), 3);
    let faults = read(&format!("{text}{}", webhook("a", one))).unwrap_err();
    assert_eq!(faults, ["webhooks[3].url: is there twice for the organisation"]);
}

#[test]
fn no_fault_quotes_a_secret() {
    for (text, path) in [
        ("database.url = \"postgres://u:hunter2@db/x\"", "database.url"),
        ("database.url = \"postgres://u@db/x?password=hunter2\"", "database.url"),
        ("database.url = \"mysql://hunter2\"", "database.url"),
        ("sealing_keys = [{id = \"a\", key = \"hunter2\"}]", "sealing_keys[0].key"),
        ("sealing_keys = [{id = \"a\", key = {file = \"/nowhere\"}}]", "sealing_keys[0].key"),
        ("sealing_keys = [{id = \"a\", key = {env = \"TESSERA_TEST_EMPTY\"}}]", "sealing_keys[0].key"),
        ("sealing_keys = [{id = \"a\", key = {env = \"TESSERA_TEST_NOT_SET\"}}]", "sealing_keys[0].key"),
        ("sealing_keys = [{id = \"a\", key = {env = \"TESSERA_TEST_WEBHOOK\"}}]", "sealing_keys[0].key"),
        ("webhooks = [{url = \"https://u:hunter2@x\", secret = {env = \"TESSERA_TEST_WEBHOOK\"}}]", "webhooks[0].url"),
        ("log.level = \"hunter2\"", "log.level"),
        ("x = \"hunter2", "line 1"),
    ] {
        let faults = read(text).unwrap_err();
        assert!(faults.iter().any(|fault| fault.starts_with(path)), "{text}: {faults:?}");
        assert!(
            !faults.iter().any(|fault| fault.contains("hunter2") || fault.contains("whsec_")),
            "{text}: {faults:?}"
        );
    }
}
