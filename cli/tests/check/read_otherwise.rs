//! Values and keys without quotes that a platform's reader of YAML takes for others: what is none of them, and merge keys.

use super::command::{SMALLEST, json, run};
use serde_json::Value;

/// `line:column path` of each, in a text that comes by standard input.
fn otherwise(text: &str) -> Vec<String> {
    listed(&json(text, &[], &[]))
}

fn listed(report: &Value) -> Vec<String> {
    let found = report["diagnostics"].as_array().unwrap().iter().filter(|one| one["code"] == "read-otherwise");
    found.map(|one| format!("{}:{} {}", one["line"], one["column"], one["path"].as_str().unwrap())).collect()
}

/// A plugin with this name of an API, and these lines in its specification.
fn plugin(id: &str, lines: &str) -> String {
    let configuration = SMALLEST.replace("id: orders", &format!("id: {id}")).replace('\n', "\n    ");
    format!("kind: WasmPlugin\nmetadata: {{name: tessera}}\nspec:\n{lines}  pluginConfig:\n    {configuration}\n")
}

/// A bootstrap with this name of an API.
fn bootstrap(id: &str) -> String {
    let configuration = SMALLEST.replace("id: orders", &format!("id: {id}")).replace('\n', "\n      ");
    format!(
        "admin: {{}}\nx:\n  '@type': x/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    name: tessera\n    \
         configuration:\n     value:\n      {configuration}\n"
    )
}

#[test]
fn each_reader_heeds_tags_of_its_own() {
    for (id, of_envoy, of_kubectl) in [
        ("on", true, true),
        ("!!str on", true, false),
        ("!!str 'on'", false, false),
        ("!<tag:yaml.org,2002:str> &a on", true, false),
        ("!own on", true, false),
        ("! on", false, true),
        ("!!bool on", true, true),
        ("!!str orders", false, false),
    ] {
        let said = [otherwise(&bootstrap(id)), otherwise(&plugin(id, ""))].map(|said| said.len());
        assert_eq!(said, [of_envoy, of_kubectl].map(usize::from), "{id}");
    }
    let key = |key: &str| {
        plugin("orders", "").replace(
            "        cluster: idp\n",
            &format!("        cluster: idp\n        headers: {{{key}: {{env: A}}}}\n"),
        )
    };
    assert_eq!(otherwise(&key("on")).len(), 1);
    assert_eq!(otherwise(&key("!!str on")), [""; 0]);
}

#[test]
fn json_is_told_by_what_is_in_it() {
    let of = |number: &str| {
        format!(
            "{{\"admin\": {{}}, \"x\": {{\"@type\": \"x/envoy.extensions.filters.http.wasm.v3.Wasm\", \"config\": {{\"configuration\": \
             {{\"value\": {{\"apis\": [{{\"id\": \"a\", \"claims\": {{\"/x\": [{number}]}}}}]}}}}}}}}}}"
        )
    };
    assert_eq!(otherwise(&of("1.5")), [""; 0]);
    assert_eq!(otherwise(&of("5000000000")), [""; 0]);
    assert_eq!(otherwise(&of("9007199254740993")).len(), 1, "digits are lost all the same");
    // Envoy goes by the name.
    let folder = std::env::temp_dir().join(format!("tessera-otherwise-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, count) in [("a.yaml", 1), ("a.yml", 1), ("a.json", 0), ("a", 0)] {
        let path = folder.join(name);
        std::fs::write(&path, of("1.5")).unwrap();
        let run = run(&["--json", "check", path.to_str().unwrap()], "", &[]);
        assert_eq!(listed(&serde_json::from_str(&run.stdout).unwrap()).len(), count, "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_around_a_configuration_is_read_by_kubectl_too() {
    let env = |value: &str| plugin("orders", &format!("  vmConfig: {{env: [{{name: LEVEL, value: {value}}}]}}\n"));
    assert_eq!(otherwise(&env("010")), ["4:41 spec.vmConfig.env[0].value"]);
    for value in ["'010'", "10", "a"] {
        assert_eq!(otherwise(&env(value)), [""; 0], "{value}");
    }
    assert_eq!(
        otherwise(&plugin("orders", "  on: 9007199254740993\n")),
        ["4:3 spec.on"],
        "of its keys, not its numbers"
    );
    assert_eq!(otherwise("kind: Deployment\nspec: {on: 010}\n"), [""; 0]);
    let shown = run(&["check", "-"], &env("010"), &[]).stdout;
    assert!(!shown.contains("010"), "it may be a secret: {shown}");
}

#[test]
fn keys_that_kubectl_merges_are_told_wherever_something_is_taken_from() {
    let merging = plugin("orders", "  <<: {phase: AUTHN}\n");
    assert_eq!(otherwise(&merging), ["4:3 spec.<<"]);
    assert_eq!(otherwise(&merging.replace("<<", "'<<'")), [""; 0]);
    // It may hold what makes it Tessera's.
    let hidden = "kind: WasmPlugin\nmetadata: {name: other, annotations: {x: &x {pluginConfig: {providers: [], apis: []}}}}\nspec: {<<: *x}\n";
    assert_eq!(otherwise(hidden), ["3:8 spec.<<"]);
    assert_eq!(otherwise("kind: ServiceEntry\nspec: {<<: {hosts: [a]}}\n"), ["2:8 spec.<<"]);
    assert_eq!(otherwise("kind: List\nitems: [{kind: Service, spec: {<<: {}}}]\n"), ["2:32 items[0].spec.<<"]);
    assert_eq!(otherwise("kind: Deployment\nspec: {<<: {}}\n"), [""; 0]);
    let plain = SMALLEST.to_owned() + "cache:\n  <<: {entries: 10}\n";
    assert_eq!(otherwise(&plain), ["11:3 cache.<<"]);
    let envoy = bootstrap("orders\n      <<: {}");
    assert_eq!(otherwise(&envoy), [""; 0], "Envoy does not");
}
