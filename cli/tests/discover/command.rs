//! `tessera discover` against a server on loopback.

use crate::server::{Authority, Server, answer, json, temporary};
use serde_json::{Value, json as value};
use std::process::{Command, Output};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

fn discover(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tessera")).arg("discover").args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The result, and what it says in JSON.
fn found(arguments: &[&str]) -> (String, Value) {
    let output = discover(arguments);
    assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{arguments:?}");
    let as_json = discover(&[&["--json"], arguments].concat());
    (text(&output.stdout), serde_json::from_slice(&as_json.stdout).unwrap())
}

fn refused(arguments: &[&str], exit: i32) -> String {
    let output = discover(arguments);
    assert_eq!((code(&output), text(&output.stdout)), (exit, String::new()), "{arguments:?}");
    let message = text(&output.stderr);
    assert!(message.ends_with('\n') && message.trim_end().chars().all(|letter| !letter.is_control()), "{message:?}");
    message
}

fn metadata(issuer: &str, members: &Value) -> Vec<u8> {
    let mut document = members.clone();
    document["issuer"] = issuer.into();
    json(&document.to_string())
}

#[test]
fn both_forms_are_merged_and_the_first_sound_one_counts() {
    let server = Server::start(None);
    let issuer = server.url("http", "/tenant");
    let both = value!({"introspection_endpoint": format!("{issuer}/introspect"), "registration_endpoint": null});
    server.answer("/.well-known/oauth-authorization-server/tenant", metadata(&issuer, &both));
    let other = value!({"introspection_endpoint": "http://localhost:1/other", "jwks_uri": format!("{issuer}/keys"),
        "introspection_endpoint_auth_methods_supported": ["tls_client_auth", "client_secret_post", "none"],
        "registration_endpoint": format!("{issuer}/register")});
    server.answer("/tenant/.well-known/openid-configuration", metadata(&issuer, &other));
    let (yaml, json) = found(&[&issuer, "--client-id", "gw", "--secret-env", "S"]);
    assert_eq!(
        json["provider"],
        value!({"name": "main", "issuer": issuer, "audiences": [], "introspection": {
        "endpoint": format!("{issuer}/introspect"), "cluster": "idp",
        "client": {"auth": "client_secret_post", "id": "gw", "secret": {"env": "S"}}}})
    );
    assert_eq!((&json["lacks"], &json["resources"], &json["version"]), (&value!([]), &value!([]), &value!(1)));
    assert_eq!(json["metadata"].as_array().unwrap().len(), 2);
    assert_eq!(json["issuer"], issuer);
    assert!(yaml.starts_with("# From http://localhost:") && !yaml.contains("---"), "{yaml}");
    for line in yaml.lines().filter(|line| !line.starts_with('#')).skip(1) {
        assert!(line.contains('#'), "{line}");
    }
}

#[test]
fn one_form_is_enough_and_what_is_missing_is_named() {
    for path in [OAUTH, OPENID] {
        let server = Server::start(None);
        let issuer = server.url("http", "");
        let members = value!({"jwks_uri": format!("{issuer}/keys"), "id_token_signing_alg_values_supported": ["HS256", "ES256", "RS256"]});
        server.answer(path, metadata(&issuer, &members));
        let (yaml, json) = found(&[&issuer]);
        assert_eq!(
            json["provider"]["jwt"],
            value!({"keys": {"url": format!("{issuer}/keys"), "cluster": "idp"}, "algorithms": ["RS256", "ES256"]})
        );
        assert_eq!(json["lacks"], value!(["introspection_endpoint", "registration_endpoint"]));
        assert!(yaml.contains("\n# lacks: introspection_endpoint: tokens cannot be"), "{yaml}");
        assert_eq!(json["metadata"], value!([format!("{issuer}{path}")]));
    }
}

#[test]
fn each_method_becomes_what_the_reader_takes() {
    let cases = [
        (value!(null), "client_secret_basic", None),
        (value!([]), "client_secret_basic", None),
        (value!(["tls_client_auth"]), "client_secret_basic", None),
        (value!(["client_secret_basic", "private_key_jwt"]), "client_secret_basic", None),
        (value!(["private_key_jwt", "client_secret_basic"]), "private_key_jwt", Some("PS256, RS384")),
        (value!(["client_secret_jwt"]), "client_secret_jwt", Some("RS256, HS512")),
        (value!(["private_key_jwt"]), "private_key_jwt", None),
    ];
    for (methods, auth, algorithms) in cases {
        let server = Server::start(None);
        let issuer = server.url("http", "");
        let algorithms: Vec<_> = algorithms.into_iter().flat_map(|list: &str| list.split(", ")).collect();
        let members = value!({"introspection_endpoint": format!("{issuer}/i"), "introspection_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms});
        server.answer(OAUTH, metadata(&issuer, &members));
        let (_, json) = found(&[&issuer]);
        let client = &json["provider"]["introspection"]["client"];
        assert_eq!(client["auth"], auth);
        let expected = match (auth, algorithms.is_empty()) {
            ("private_key_jwt", false) => value!("RS384"),
            ("private_key_jwt", true) => value!("ES256"),
            ("client_secret_jwt", _) => value!("HS512"),
            _ => Value::Null,
        };
        assert_eq!(client["algorithm"], expected, "{methods}");
        assert_eq!(client.get("key").is_some(), auth == "private_key_jwt");
    }
}

#[test]
fn slashes_at_the_end_count() {
    let server = Server::start(None);
    let (with, without) = (server.url("http", "/a/"), server.url("http", "/a"));
    server.answer(
        "/.well-known/oauth-authorization-server/a",
        metadata(&with, &value!({"jwks_uri": "https://keys.example.com/"})),
    );
    assert_eq!(found(&[&with]).1["issuer"], with);
    let message = refused(&[&without], 2);
    assert!(message.contains(&format!("its issuer is \"{with}\"")), "{message}");
}

#[test]
fn what_is_no_metadata_of_this_issuer_is_refused() {
    let server = Server::start(None);
    let issuer = server.url("http", "");
    let jwks = value!({"jwks_uri": format!("{issuer}/keys")});
    let other = String::from("https://other.example\u{1b}[31m\n");
    let cases = [
        (metadata(&other, &jwks), "\\u{1b}[31m\\n"),
        (json(&jwks.to_string()), "no \"issuer\""),
        (metadata(&issuer, &value!({})), "neither introspection_endpoint nor jwks_uri"),
        (metadata(&issuer, &value!({"jwks_uri": 7})), "\"jwks_uri\" is not a string"),
        (metadata(&issuer, &value!({"introspection_endpoint": "javascript:alert(1)"})), "must begin with"),
        (
            metadata(&issuer, &value!({"introspection_endpoint": "http://idp.example.com/"})),
            "must begin with \"https://\"",
        ),
        (metadata(&issuer, &value!({"introspection_endpoint": "https://idp.example.com:99999/"})), ""),
        (
            answer("302 Found", "location: https://evil.example/login?state=s3cret#s3cret\r\n", ""),
            "redirects to \"https://evil.example\", where",
        ),
        (answer("302 Found", "location: /login?state=s3cret\r\n", ""), "redirects to another address"),
        (answer("302 Found", "location: https://u:s3cret@evil.example/\r\n", ""), "redirects to"),
        (answer("200 OK", "content-type: text/html\r\n", "<html>login</html>"), "not a JSON object"),
        (
            json(&format!("{{\"issuer\": \"{issuer}\", \"a\": \"{}\"}}", "x".repeat(10 << 20))),
            "larger than 262144 bytes",
        ),
        (json(&"[".repeat(100_000)), "not a JSON object"),
        (answer("404 Not Found", "", "{}"), "status 404"),
    ];
    for (answer, reason) in cases {
        server.answer(OAUTH, answer);
        let message = refused(&[&issuer], 2);
        assert!(message.contains(reason), "{reason}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
    assert!(server.requests().iter().all(|sent| sent.starts_with("GET /.well-known/")));
}

#[test]
fn who_cannot_be_asked_is_another_matter() {
    refused(&["http://127.0.0.1:1"], 3);
    for issuer in
        ["http://idp.example.com", "ftp://localhost", "idp", "https://u:p4ss@localhost", "https://localhost/?a", ""]
    {
        let message = refused(&[issuer], 3);
        assert!(!message.contains("p4ss"), "{message}");
    }
    let server = Server::start(None);
    server.answer(OAUTH, answer("503 Unavailable", "", ""));
    server.answer(OPENID, answer("503 Unavailable", "", ""));
    let issuer = server.url("http", "");
    refused(&[&issuer], 3);
    let not_pem = temporary("pem", b"no");
    for flags in [
        ["--timeout", "0s"],
        ["--timeout", "1"],
        ["--name", "A b"],
        ["--secret-env", "a-b"],
        ["--ca", not_pem.to_str().unwrap()],
        ["--for", "nginx"],
    ] {
        assert_eq!(code(&discover(&[&[issuer.as_str()], &flags[..]].concat())), 3, "{flags:?}");
    }
    assert_eq!(code(&discover(&[&issuer, "--for", "istio", "--cluster", "a"])), 3);
}

#[test]
fn tls_is_checked() {
    let authority = Authority::new();
    let server = Server::start(Some(&authority));
    let issuer = server.url("https", "");
    server.answer(OAUTH, metadata(&issuer, &value!({"introspection_endpoint": format!("{issuer}/i")})));
    refused(&[&issuer], 3);
    found(&[&issuer, "--ca", authority.file()]);
    refused(&[&issuer, "--ca", Authority::new().file()], 3);
}

#[test]
fn markup_in_metadata_stays_text() {
    let server = Server::start(None);
    let issuer = server.url("http", "");
    let members = value!({"introspection_endpoint": format!("{issuer}/\"'{{a:b}},*&!|>%@`?x=1&y=[]"),
        "introspection_endpoint_auth_methods_supported": ["x\n# a: b", {"client_secret_post": 1}, 7],
        "id_token_signing_alg_values_supported": "RS256\n- a", "registration_endpoint": "\u{1b}]0;x\u{7}"});
    server.answer(OAUTH, metadata(&issuer, &members));
    let (yaml, json) = found(&[&issuer]);
    assert_eq!(json["provider"]["introspection"]["endpoint"], members["introspection_endpoint"]);
    assert!(yaml.chars().all(|letter| letter == '\n' || !letter.is_control()), "{yaml}");
    assert!(!yaml.contains("a: b"), "{yaml}");
}

/// What is written passes `check`, when an API and what is around it are added.
#[test]
fn what_is_written_passes_check_on_each_platform() {
    let server = Server::start(None);
    let issuer = server.url("http", "");
    let endpoints = [
        "https://idp.example.com/introspect",
        "https://idp.example.com:8443/i",
        "https://keycloak:8443/i",
        "https://192.0.2.7/i",
        "https://[2001:db8::7]/i",
    ];
    for endpoint in endpoints.map(String::from).into_iter().chain([format!("{issuer}/i")]) {
        server.answer(OAUTH, metadata(&issuer, &value!({"introspection_endpoint": endpoint})));
        for platform in ["envoy", "istio", "envoy-gateway"] {
            let is_address = endpoint.starts_with("https://192") || endpoint.contains('[');
            if platform == "envoy-gateway" && is_address {
                assert!(refused(&[&issuer, "--for", platform], 2).contains("certificate"));
                continue;
            }
            let (yaml, json) = found(&[&issuer, "--for", platform]);
            let file = temporary("yaml", yaml.as_bytes());
            let fragment = check(&[file.to_str().unwrap()]);
            let codes: Vec<_> = mistakes(&fragment, "mistake");
            assert_eq!(codes, ["missing-member"], "{yaml}\n{fragment}");
            let whole = temporary("json", whole(platform, &json).to_string().as_bytes());
            let report = match platform {
                "envoy" => check(&[whole.to_str().unwrap()]),
                _ => check(&[whole.to_str().unwrap(), file.to_str().unwrap(), "--allow", "no-audience"]),
            };
            let fragment = |found: &&Value| found["file"] == whole.to_str().unwrap();
            let found: Vec<_> = report["diagnostics"].as_array().unwrap().iter().filter(fragment).collect();
            let bad = |found: &&&Value| {
                found["severity"] == "mistake"
                    || ["tls-no-name-check", "cleartext-remote", "connect-timeout"]
                        .contains(&found["code"].as_str().unwrap())
            };
            assert!(!found.iter().any(|found| bad(&found)), "{platform} {endpoint}: {report:#}\n{yaml}");
        }
    }
}

fn check(arguments: &[&str]) -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tessera")).args(["check", "--json"]).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn mistakes(report: &Value, severity: &str) -> Vec<String> {
    let list = report["diagnostics"].as_array().unwrap().iter();
    list.filter(|found| found["severity"] == severity).map(|found| found["code"].as_str().unwrap().to_owned()).collect()
}

fn whole(platform: &str, json: &Value) -> Value {
    let configuration = value!({"providers": [json["provider"]], "apis": [{"id": "orders"}]});
    match platform {
        "envoy" => {
            let wasm = value!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {
                "vm_config": {"code": {"local": {"filename": "/tessera.wasm"}}, "environment_variables": {"host_env_keys": ["IDP_CLIENT_SECRET"]}},
                "configuration": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration}}});
            value!({"static_resources": {"clusters": json["resources"], "listeners": [{"filter_chains": [{"filters": [{"typed_config":
                {"http_filters": [{"name": "tessera", "typed_config": wasm}]}}]}]}]}})
        }
        "istio" => {
            value!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "metadata": {"name": "tessera", "namespace": "default"},
            "spec": {"url": "oci://example.com/tessera@sha256:00", "phase": "AUTHN", "pluginConfig": configuration, "match": [{"mode": "SERVER"}],
                "vmConfig": {"env": [{"name": "IDP_CLIENT_SECRET", "valueFrom": "HOST"}]}}})
        }
        _ => {
            value!({"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyExtensionPolicy", "metadata": {"name": "tessera", "namespace": "default"},
            "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"}],
                "wasm": [{"name": "tessera", "config": configuration, "env": {"hostKeys": ["IDP_CLIENT_SECRET"]}, "code": {"type": "Image", "image": {"url": "example.com/tessera@sha256:00"}}}]}})
        }
    }
}
