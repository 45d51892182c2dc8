//! No secret comes out, wherever it was put.

use super::command::{SMALLEST, run};
use serde_json::{Value, json};

const SECRET: &str = "hunter2-Zq9";

/// A configuration with a place for everything.
fn configuration() -> Value {
    json!({
        "providers": [{
            "name": "main", "issuer": "https://idp", "audiences": ["a"], "clock_skew": "1s",
            "introspection": {
                "endpoint": "https://idp/x", "cluster": "idp", "timeout": "1s", "retries": 1,
                "client": {"id": "g", "auth": "client_secret_basic", "secret": SECRET},
                "headers": {"x-key": SECRET}, "parameters": {"a": "b"},
            },
            "jwt": {"keys": {"url": "https://idp/k", "cluster": "idp"}, "algorithms": ["ES256"]},
        }],
        "apis": [{"id": "a", "scopes": {"all": ["s"]}, "upstream": {"headers": {"x-a": "client_id"}}}],
        "contracts": {"source": {"url": "https://c/", "cluster": "c", "headers": {"authorization": SECRET}}},
        "cache": {"entries": 1, "max_ttl": "1m"}, "token": {"sources": [{"header": "x-t"}]},
        "replies": {"resource_metadata": "https://r/"},
    })
}

/// Shows no secret as text, as JSON or in colour, with and without the environment.
fn hides(text: &str) {
    let env = [("IDP_SECRET", SECRET), ("NO", "x")];
    for arguments in [
        &["check", "-"][..],
        &["--json", "check", "-"],
        &["--color=always", "check", "-"],
        &["check", "-", "--with-env"],
    ] {
        let run = run(arguments, text, &env);
        assert!(!run.stdout.contains(SECRET) && !run.stderr.contains(SECRET), "{text}\n{}{}", run.stdout, run.stderr);
    }
}

/// Every pointer to a value in it.
fn pointers(value: &Value, pointer: &str, list: &mut Vec<String>) {
    list.push(pointer.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| pointers(value, &format!("{pointer}/{name}"), list))
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| pointers(value, &format!("{pointer}/{index}"), list));
        }
        _ => {}
    }
}

#[test]
fn secrets_in_places_for_them() {
    hides(&configuration().to_string());
    for wrong in ["\\n", "\\u0000", " ", "é"] {
        hides(&configuration().to_string().replace(SECRET, &format!("{SECRET}{wrong}")));
    }
    hides(&SMALLEST.replace("env: IDP_SECRET", &format!("env: \"{SECRET}\"")));
    hides(&SMALLEST.replace("env: IDP_SECRET", &format!("env: [\"{SECRET}\"]")));
    hides(&SMALLEST.replace("env: IDP_SECRET", &format!("environment: \"{SECRET}\"")));
    hides(SMALLEST);
}

#[test]
fn secrets_of_the_wrong_type_and_beside_unknown_members() {
    let mut list = Vec::new();
    pointers(&configuration(), "", &mut list);
    for pointer in list {
        for wrong in [json!([SECRET]), json!({"value": SECRET}), json!({SECRET.to_lowercase(): 1, "secrett": SECRET})] {
            let mut value = configuration();
            let place = value.pointer_mut(&pointer).unwrap();
            match (place, wrong) {
                (Value::Object(members), Value::Object(more)) => members.extend(more),
                // A list takes texts, and a text that is none of its words is what it is.
                (Value::Array(_), _) => continue,
                (place, wrong) => *place = wrong,
            }
            hides_in_every_form(&value.to_string());
        }
    }
}

/// As above, in few runs.
fn hides_in_every_form(text: &str) {
    let run = run(&["check", "-"], text, &[]);
    assert!(!run.stdout.contains(SECRET), "{text}\n{}", run.stdout);
}

#[test]
fn secrets_beside_repeated_members() {
    for line in [
        format!("no_match: {SECRET}\nno_match: pass"),
        format!("no_match: pass\nno_match: {SECRET}"),
        format!("cache: {{entries: {SECRET}}}\ncache: {{max_ttl: {SECRET}}}"),
        format!("replies: {{realm: x, realm: \"{SECRET}\\n\"}}"),
        format!("apiss: {{secret: {SECRET}}}"),
    ] {
        hides(&format!("{SMALLEST}{line}\n"));
    }
}

#[test]
fn secrets_in_urls_and_in_what_cannot_be_read() {
    for text in [
        SMALLEST.replace("https://idp", &format!("https://u:{SECRET}@idp")),
        SMALLEST.replace("https://idp", SECRET),
        format!("{SMALLEST}replies: {{resource_metadata: 'https://u:{SECRET}@r/'}}\n"),
        SMALLEST.replace("id: orders", &format!("id: orders\n  resource: {{identifier: 'http://u:{SECRET}@r/x?y#z'}}")),
        SMALLEST.replace(
            "apis:",
            &format!("- {{name: b, issuer: 'https://u:{SECRET}@x', discovery: {{cluster: c}}, jwt: 1}}\napis:"),
        ),
        format!("a: {SECRET}: x"),
        format!("a: \"{SECRET}"),
        format!("a: {SECRET}\n b: {SECRET}"),
        format!("*{SECRET}"),
        format!("&{SECRET} {SECRET}"),
        format!("!{SECRET} {{providers: !{SECRET} x, apis: &{SECRET} 1}} # {SECRET}"),
        format!("{{\"providers\": {SECRET}}}"),
        format!("%{SECRET}\n---\n{SECRET}"),
        format!("kind: WasmPlugin\nspec: {{pluginName: tessera, pluginConfig: '{{\"a\": {SECRET}}}'}}"),
        format!(
            "kind: WasmPlugin\nspec: {{url: 'https://u:{SECRET}@h/x', pluginConfig: {SECRET}, vmConfig: {{env: [{{name: A, value: {SECRET}}}]}}, pluginName: tessera}}"
        ),
        format!(
            "kind: WasmPlugin\nspec:\n  pluginName: tessera\n  pluginConfig: |\n    {{\"providers\": {{\"x\": \"{SECRET}\"}}, \"apis\": 1}}"
        ),
        format!(
            "kind: WasmPlugin\nspec:\n  pluginName: tessera\n  pluginConfig: >\n    {{\"providers\": {{\"x\": \"{SECRET}\"}},\n    \"apis\": 1}}"
        ),
        format!(
            "kind: WasmPlugin\nspec:\n  pluginName: tessera\n  pluginConfig: '{{\"x\": \"{SECRET}\",\n    \"apis\": 1}}'"
        ),
        format!(
            "kind: WasmPlugin\nspec:\n  pluginName: tessera\n  pluginConfig: \"{{\\\"x\\\": \\\"{SECRET}\\\",\\\n    \\\"apis\\\": 1}}\""
        ),
    ] {
        hides(&text);
    }
}

#[test]
fn an_excerpt_shows_no_other_value() {
    let text = format!(
        "providers: [{{name: main, introspection: {{client: {{id: g, secret: {SECRET}}}, timeout: 0s, x: &{SECRET} 1}}}}] # {SECRET}\n"
    );
    let run = run(&["check", "-"], &text, &[]);
    assert!(run.stdout.contains("secret: …}, timeout: 0s, x: … …}}]\n"), "{}", run.stdout);
    assert!(!run.stdout.contains(SECRET));
}
