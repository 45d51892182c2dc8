//! Secrets that a diagnostic comes to by another way than the place for them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may stop")]

use std::io::Write;
use std::process::{Command, Stdio};
use tessera_cli::check::input::understand;
use tessera_cli::document::file::File;

const SECRET: &str = "hunter2-Zq9";

fn check(arguments: &[&str], text: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn provider(secret: &str, more: &str) -> String {
    format!(
        "providers:\n- name: main\n  introspection:\n    endpoint: https://idp/x\n    cluster: idp\n    client: {{id: \
         gateway, auth: client_secret_basic, secret: {secret}}}\n{more}\n"
    )
}

fn hides(text: &str, code: &str) {
    for arguments in [&["check", "-"][..], &["--json", "check", "-"], &["--color", "always", "check", "-"]] {
        let shown = check(arguments, text);
        assert!(!shown.contains(SECRET), "{text}\n{shown}");
        assert!(shown.contains(code), "{code}\n{text}\n{shown}");
    }
}

#[test]
fn an_alias_of_a_secret() {
    for (more, code) in [
        ("no_match: *s", "bad-value"),
        ("cache: {max_ttl: *s}", "bad-value"),
        ("apis: [{id: a, providers: [*s]}]", "unknown-reference"),
        ("apis: [{id: *s}, {id: *s}]", "conflict"),
        ("apis: [{id: a, match: {paths: [*s]}}]", "bad-value"),
        ("contracts: {inline: [{api: *s, client_id: b}]}", "unknown-reference"),
    ] {
        hides(&provider(&format!("&s {SECRET}"), more), code);
    }
    hides(&format!("no_match: &s {SECRET}\n{}", provider("*s", "")), "bad-value");
}

#[test]
fn urls_with_credentials_that_a_warning_is_about() {
    let text = provider("{env: A}", "").replace("https://idp/x", &format!("http://idp/x?api_key={SECRET}"));
    hides(&text, "cleartext-remote");
    let plugin = format!(
        "kind: WasmPlugin\nmetadata: {{name: tessera}}\nspec: {{url: \"https://u:{SECRET}@h/m.wasm\", pluginConfig: {{}}}}"
    );
    hides(&plugin, "image-not-pinned");
}

/// `headers` with a key.
fn headers(key: &str) -> String {
    provider("{env: A}", "").replace("cluster: idp\n", &format!("cluster: idp\n    headers: {{\"{key}\": a}}\n"))
}

/// `discovery.clusters` with a key.
fn clusters(key: &str) -> String {
    let discovery =
        format!("  issuer: https://idp\n  discovery: {{cluster: idp, clusters: {{\"{key}\": 1, ok: c}}}}\n");
    provider("{env: A}", "").replace("- name: main\n", &format!("- name: main\n{discovery}"))
}

#[test]
fn keys_in_the_place_of_a_secret() {
    let block = provider(&format!("\n        {SECRET}: x\n        # c"), "")
        .replace(
            "client: {id: gateway, auth: client_secret_basic, secret:",
            "client:\n      id: gateway\n      secret:",
        )
        .replace("# c}", "# c");
    for (text, code) in [
        (block, "unknown-member"),
        (provider(&format!("{{{SECRET}}}"), ""), "unknown-member"),
        (provider(&format!("{{env: A, {SECRET}: x}}"), ""), "unknown-member"),
        (provider(&format!("{{env: A, {SECRET}: {{env: x}}, {SECRET}: 1}}"), ""), "duplicate-member"),
        (provider(&format!("{{env: {{{SECRET}: 1}}}}"), ""), "wrong-type"),
        (provider(&format!("[{{{SECRET}: 1}}]"), ""), "wrong-type"),
        (provider(&format!("&s {{{SECRET}: 1}}"), "cache: *s"), "unknown-member"),
        (provider(&format!("{{env: &s '{SECRET}'}}"), "no_match: *s"), "bad-value"),
        (provider(&format!("{{env: &s [{{{SECRET}: 1}}]}}"), "apis: *s"), "unknown-member"),
    ] {
        hides_in_every_form(&text, code);
    }
}

#[test]
fn credentials_in_keys() {
    for (text, code) in [
        (headers(&format!("authorization: Bearer {SECRET}")), "bad-value"),
        (headers(&format!("{SECRET} x")), "bad-value"),
        (clusters(&format!("https://u:{SECRET}@idp")), "bad-value"),
        (clusters(&format!("u:{SECRET}@idp")), "bad-value"),
        (clusters(&format!("https://idp/?key={SECRET}")), "bad-value"),
        (clusters(&format!("http://idp/?key={SECRET}")), "bad-value"),
        (provider("{env: A}", &format!("\"authorization: Bearer {SECRET}\": 1")), "unknown-member"),
    ] {
        hides_in_every_form(&text, code);
    }
}

/// In YAML, within a resource, in JSON, and in JSON text that a string holds.
fn hides_in_every_form(text: &str, code: &str) {
    let resource = "kind: WasmPlugin\nmetadata: {name: tessera}\nspec:\n  pluginConfig:";
    hides(text, code);
    hides(&format!("{resource}\n{}", indented(text)), code);
    // JSON has no aliases: what is there twice is no secret at its other place.
    if text.contains("&s") {
        return;
    }
    let input = understand(vec![File { name: "a".into(), text: text.into() }]);
    let json = input.configurations[0].root.as_ref().unwrap().to_json_text();
    hides(&json, code);
    let lines = json.replace(",\"", ",\n    \"").replace("{\"", "{\n    \"");
    for style in ["|", ">"] {
        hides(&format!("{resource} {style}\n    {lines}\n"), code);
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn what_an_alias_makes_a_name() {
    let plugin = |more: &str| {
        format!(
            "kind: WasmPlugin\nmetadata: {{name: &s {SECRET}}}\nspec:\n  url: tessera\n  vmConfig: {{env: [{{name: S, value: *s}}]}}\n  pluginConfig:\n{}",
            indented(&provider("{env: S}", more))
        )
    };
    hides(&plugin(""), "no-phase");
    let cluster = provider(&format!("&s {SECRET}"), "").replace("cluster: idp", "cluster: *t");
    let envoy = format!(
        "static_resources:\n  clusters: [{{name: &t {SECRET}}}]\n  listeners:\n  - '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config:\n      configuration:\n        value:\n{}",
        cluster.lines().map(|line| format!("          {line}\n")).collect::<String>()
    );
    hides(&envoy, "no-tls");
}

/// Of a long line, what is around the place is shown, and no secret of the rest.
#[test]
fn long_lines() {
    let many: String = (0..400).map(|index| format!("h{index}: {SECRET}, \"{SECRET} {index}\": a, ")).collect();
    let text =
        provider("{env: A}", "").replace("cluster: idp\n", &format!("cluster: idp\n    headers: {{{many} x: 1}}\n"));
    hides(&text, "wrong-type");
}

#[test]
fn what_the_command_line_says_wrongly() {
    for arguments in [
        &["check", "-", "--allow", "x\nmistake[fake]: y\u{1b}[31m"][..],
        &["check", "-", "--x\nmistake[fake]"],
        &["chek\nmistake[fake]"],
        &["check", "no/such\nmistake[fake]"],
        &["explain", "-", "x\nmistake[fake]"],
        &["discover", "http://x\nmistake[fake]"],
    ] {
        let shown = check(arguments, "");
        assert!(!shown.contains("\nmistake[fake]") && !shown.contains('\u{1b}'), "{shown}");
    }
}

/// A token that was given where it is not taken.
#[test]
fn what_the_command_line_says_in_a_wrong_place() {
    let url = "https://api.example.com/";
    let set = format!("--token={SECRET}");
    let header = format!("authorization: Bearer {SECRET}");
    let [long, short] = ["--", "-Q"].map(|dashes| format!("{dashes}{SECRET}"));
    let path = format!("{SECRET}/{}", "x".repeat(300));
    let map = format!("{SECRET}=x");
    let pair = format!("tier={SECRET}");
    for arguments in [
        &[SECRET][..],
        &["check", SECRET],
        &["check", &path],
        &["check", "-", "--allow", SECRET],
        &["check", "-", &long],
        &["check", "-", &short],
        &["check", "-", "--color", SECRET],
        &["explain", "-", &set, url],
        &["explain", "-", "--token", SECRET, url],
        &["explain", "-", SECRET, url],
        &["explain", "-", url, SECRET],
        &["explain", "-", "--configuration", SECRET, url],
        &["explain", "-", "--at", SECRET, url],
        &["explain", "-", "--expect", SECRET, url],
        &["explain", "-", "--token-file", SECRET, url],
        &["explain", "-", "--token-env", SECRET, url],
        &["explain", "-", "-X", &header, url],
        &["explain", "-", "-H", SECRET, url],
        &["explain", "-", "--request", SECRET],
        &["explain", "-", "--live", "--ca", SECRET, url],
        &["discover", SECRET],
        &["discover", "https://localhost", "--timeout", SECRET],
        &["discover", "https://localhost", "--secret-env", &path],
        &["discover", "https://localhost", "--for", SECRET],
        &["discover", "https://localhost", SECRET],
        &["discover", "https://localhost", "--ca", SECRET],
        &["schema", SECRET],
        &["completions", SECRET],
        &["import-anypoint", SECRET],
        &["import-anypoint", "--contracts", SECRET],
        &["import-anypoint", "--contracts", "-", "--map", SECRET],
        &["import-anypoint", "--contracts", "-", "--map", &map],
        &["import-anypoint", "--contracts", "-", "--map", &pair],
        &["import-anypoint", "-", "--api", SECRET],
        &["import-anypoint", "-", "--issuer", SECRET],
        &["import-anypoint", "-", "--secret-env", &path],
    ] {
        let table = if arguments.contains(&"--contracts") { "apiId,clientId\na,b\n" } else { "" };
        let configuration = provider("{env: A}", "apis: [{id: a}]");
        let shown = check(arguments, if arguments[0] == "explain" { &configuration } else { table });
        assert!(!shown.is_empty() && !shown.contains(SECRET), "{arguments:?}\n{shown}");
    }
}
