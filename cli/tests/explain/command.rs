//! The command line: what is read, and how it ends.

use super::{Folder, case, configuration, facts, tessera};
use serde_json::json;

#[test]
fn the_text_has_a_line_for_each_check_and_the_verdict() {
    let ran = case().facts(json!({"client_id": "halted"})).run(&[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("request GET api.example.com/orders/1, token "), "{}", ran.stdout);
    assert_eq!(lines[1], "  ok      request: host, path, method can be read in one way only");
    assert!(lines.contains(&"  skipped signature: this provider verifies none"), "{}", ran.stdout);
    assert!(lines.contains(&"  failed  contract: (orders-v1, halted) is suspended"), "{}", ran.stdout);
    assert!(lines.contains(&"=> contract_suspended: 403"), "{}", ran.stdout);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(case().run(&["--color", "always"]).stdout.contains("\u{1b}[32mok     \u{1b}[0m request"));
}

#[test]
fn a_request_may_come_as_a_file() {
    let folder = Folder::new();
    let configuration =
        folder.file("configuration.yaml", serde_json::to_string_pretty(&configuration()).expect("JSON"));
    let facts = folder.file("facts.json", facts().to_string());
    let head = "GET /orders/1?a=%2F HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: bEARER  token-7\r\n\r\nbody";
    let request = folder.file("request", head);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}", super::facts());
    let answer = folder.file("answer", answer);
    for given in [["--facts", &*facts], ["--answer", &*answer]] {
        let ran = tessera(&[
            "explain",
            "--json",
            "--at",
            super::AT,
            "--request",
            &request,
            given[0],
            given[1],
            &configuration,
        ]);
        let told = ran.json();
        assert_eq!((told["outcome"].as_str(), ran.code), (Some("allowed"), 0), "{told}{}", ran.stderr);
        assert_eq!(told["upstream"]["path"], "/orders/1?a=%2F");
    }
}

#[test]
fn what_cannot_be_done_is_said_in_a_line_and_ends_with_3() {
    let folder = Folder::new();
    let one = folder.file("one.json", configuration().to_string());
    let two = folder.file("two.json", configuration().to_string());
    let url = "https://api.example.com/orders/1";
    for arguments in [
        &[&*one][..],
        &[url],
        &["/none/such", url],
        &[&one, "ftp://api.example.com/"],
        &[&one, "/orders/1"],
        &[&one, "-H", ":path: /a", url],
        &[&one, "-H", "a: b\nc: d", url],
        &[&one, "-H", "no name", url],
        &[&one, "-X", "A B", url],
        &[&one, "--at", "yesterday", url],
        &[&one, "--expect", "good", url],
        &[&one, "--expect", "1", url],
        &[&one, "--facts", "/none/such", url],
        &[&one, "--token-env", "NO_SUCH_VARIABLE", url],
        &[&one, "--unavailable", "--live", url],
        &[&one, "--configuration", "1", url],
        &[&one, &two, url],
        &[&one, "--contracts", &two, "--contracts-age", "1 hour", url],
        &[&one, "--request", &two],
    ] {
        let ran = tessera(&[&["explain", "--json"], arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (3, ""), "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    let second =
        tessera(&["explain", &one, &two, "--configuration", "1", "--unavailable", "--token-env", "A_TOKEN", url]);
    assert!(second.stdout.ends_with("Try again later.\"}\n"), "{}{}", second.stdout, second.stderr);
}

#[test]
fn mistakes_are_printed_where_they_are() {
    let folder = Folder::new();
    let broken = folder.file("broken.yaml", "providers:\n- name: main\n  introspection: {retrys: 1}\napis: []\n");
    let ran = tessera(&["explain", &broken, "https://api.example.com/"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stdout.contains(":3:"), "{}", ran.stdout);
    assert!(ran.stdout.contains("mistake[unknown-member]"), "{}", ran.stdout);
    let ran = tessera(&["explain", "--json", &broken, "https://api.example.com/"]);
    assert_eq!((ran.code, &ran.json()["version"]), (2, &json!(1)));
}

#[test]
fn mistakes_of_the_surroundings_are_mistakes_here_too() {
    let folder = Folder::new();
    let envoy = |cluster: &str, variables: &str| {
        let wasm = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "vm_config": {"environment_variables": {"host_env_keys": [variables]}},
                "configuration": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration()},
            },
        });
        let clusters = json!([{"name": cluster, "connect_timeout": "1s"}]);
        folder.file("envoy.json", json!({"static_resources": {"listeners": [wasm], "clusters": clusters}}).to_string())
    };
    let explained = |file: &str, further: &[&str]| {
        let url = "https://api.example.com/orders/1";
        let told = ["explain", file, "--unavailable", "--token-env", "A_TOKEN", url];
        tessera(&[&told[..], further].concat())
    };
    for (cluster, variable, codes) in [
        ("other", "IDP_CLIENT_SECRET", &["unknown-cluster"][..]),
        ("idp", "IDP_CLIENT_SECRET", &["no-tls"]),
        ("other", "OTHER", &["unknown-cluster", "env-not-passed"]),
    ] {
        let ran = explained(&envoy(cluster, variable), &[]);
        assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
        for code in codes {
            assert!(ran.stdout.contains(&format!("mistake[{code}]")), "{code}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("warning["), "{}", ran.stdout);
    }
    let ran = explained(&envoy("other", "IDP_CLIENT_SECRET"), &["--cluster", "idp"]);
    assert!(ran.stdout.contains("=> provider_unavailable"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_key_that_is_not_read_counts_as_sound() {
    let keyed = case().configured(|it| {
        it["providers"][0]["introspection"]["client"] =
            json!({"id": "gateway", "auth": "private_key_jwt", "key": {"env": "KEY"}, "algorithm": "ES256"});
    });
    let ran = keyed.run(&["--json"]);
    assert_eq!(ran.json()["outcome"], "allowed", "{}", ran.stderr);
}

#[test]
fn a_file_is_not_cut() {
    let folder = Folder::new();
    let facts = folder.0.join("facts.json");
    let file = std::fs::File::create(&facts).expect("a file");
    file.set_len((64 << 20) + 1).expect("a length");
    let ran = case().without_answer().with(&["--facts", facts.to_str().expect("text")]).run(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.ends_with("cannot be read: it is longer than 64 MiB\n"), "{}", ran.stderr);
}
