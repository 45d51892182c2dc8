//! Secrets that a diagnostic comes to by another way than the place for them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may stop")]

use std::io::Write;
use std::process::{Command, Stdio};

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

/// Keys that stand where a secret should, each in YAML, block and flow, and in JSON text that a string holds.
#[test]
fn keys_in_the_place_of_a_secret_and_credentials_in_keys() {
    let headers = |key: &str| {
        provider("{env: A}", "").replace("cluster: idp\n", &format!("cluster: idp\n    headers: {{\"{key}\": a}}\n"))
    };
    let clusters = |key: &str| {
        let discovery =
            format!("  issuer: https://idp\n  discovery: {{cluster: idp, clusters: {{\"{key}\": 1, ok: c}}}}\n");
        provider("{env: A}", "").replace("- name: main\n", &format!("- name: main\n{discovery}"))
    };
    for (text, code) in [
        (provider(&format!("{{{SECRET}}}"), ""), "unknown-member"),
        (provider(&format!("{{env: A, {SECRET}: x}}"), ""), "unknown-member"),
        (provider(&format!("{{env: A, {SECRET}: {{env: x}}, {SECRET}: 1}}"), ""), "duplicate-member"),
        (provider(&format!("{{env: {{{SECRET}: 1}}}}"), ""), "wrong-type"),
        (provider(&format!("[{{{SECRET}: 1}}]"), ""), "wrong-type"),
        (
            provider(&format!("\n        {SECRET}: x\n        # c"), "")
                .replace(
                    "client: {id: gateway, auth: client_secret_basic, secret:",
                    "client:\n      id: gateway\n      secret:",
                )
                .replace("# c}", "# c"),
            "unknown-member",
        ),
        (headers(&format!("authorization: Bearer {SECRET}")), "bad-value"),
        (headers(&format!("{SECRET} x")), "bad-value"),
        (clusters(&format!("https://u:{SECRET}@idp")), "bad-value"),
        (clusters(&format!("u:{SECRET}@idp")), "bad-value"),
        (clusters(&format!("https://idp/?key={SECRET}")), "bad-value"),
        (clusters(&format!("http://idp/?key={SECRET}")), "bad-value"),
        (provider("{env: A}", &format!("\"authorization: Bearer {SECRET}\": 1")), "unknown-member"),
        (provider(&format!("&s {{{SECRET}: 1}}"), "cache: *s"), "unknown-member"),
        (provider(&format!("{{env: &s '{SECRET}'}}"), "no_match: *s"), "bad-value"),
        (provider(&format!("{{env: &s [{{{SECRET}: 1}}]}}"), "apis: *s"), "unknown-member"),
    ] {
        hides(&text, code);
        hides(
            &format!("kind: WasmPlugin\nmetadata: {{name: tessera}}\nspec:\n  pluginConfig:\n{}", indented(&text)),
            code,
        );
        if text.contains("&s") {
            continue;
        }
        let input = tessera_cli::check::input::understand(vec![tessera_cli::document::file::File {
            name: "a".into(),
            text: text.clone(),
        }]);
        let json = input.configurations[0].root.as_ref().unwrap().to_json_text();
        hides(&json, code);
        for style in ["|", ">"] {
            let folded = json.replace(", \"", ",\n    \"").replace("{\"", "{\n    \"");
            hides(
                &format!(
                    "kind: WasmPlugin\nmetadata: {{name: tessera}}\nspec:\n  pluginConfig: {style}\n    {folded}\n"
                ),
                code,
            );
        }
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
