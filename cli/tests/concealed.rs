//! Secrets that a diagnostic comes to by another way than the place for them.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::io::Write;
use std::process::{Command, Stdio};

const SECRET: &str = "hunter2-Zq9";

fn check(arguments: &[&str], text: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
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
