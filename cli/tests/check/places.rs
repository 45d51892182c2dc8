//! Each of the reader's codes at its place, in every kind of text.

use super::command::{SMALLEST, mistakes};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_code_of_the_reader_has_its_place() {
    let with = |line: &str| format!("{SMALLEST}{line}\n");
    let api = |member: &str| SMALLEST.replace("- id: orders", &format!("- id: orders\n  {member}"));
    let introspection = |member: &str| SMALLEST.replace("    cluster: idp", &format!("    cluster: idp\n    {member}"));
    let client = |client: &str| SMALLEST.replace("{id: gateway, secret: {env: IDP_SECRET}}", client);
    for (text, is) in [
        ("providers: [".to_owned(), &["syntax 1:13 "][..]),
        ("\t{".to_owned(), &["syntax 1:3 "]),
        (with("cache: {}\ncache: {}"), &["duplicate-member 11:1 cache"]),
        (
            with("cache: {entries: 1, entries: 2, entries: x}"),
            &[
                "duplicate-member 10:21 cache.entries",
                "duplicate-member 10:33 cache.entries",
                "wrong-type 10:42 cache.entries",
            ],
        ),
        (introspection("retrys: 1"), &["unknown-member 7:5 providers[0].introspection.retrys"]),
        (with("<<: {no_match: pass}"), &["unknown-member 10:1 <<"]),
        (with("\"a.b[0]\": {c: 1}"), &["unknown-member 10:1 a.b[0]"]),
        (with("\"\": 1"), &["unknown-member 10:1 "]),
        (SMALLEST.replace("- id: orders", "- {}"), &["missing-member 9:3 apis[0].id"]),
        ("apis:\n- id: a\nproviders:\n- name: main\n".to_owned(), &["missing-member 4:3 providers[0]"]),
        ("apis: [{id: a}]\n".to_owned(), &["missing-member 1:1 providers"]),
        (SMALLEST.replace("    cluster: idp\n", ""), &["missing-member 5:5 providers[0].introspection.cluster"]),
        (with("cache: {entries: \"10\"}"), &["wrong-type 10:18 cache.entries"]),
        (with("cache:"), &["wrong-type 10:7 cache"]),
        (with("cache: ~"), &["wrong-type 10:8 cache"]),
        (introspection("timeout: 0s"), &["out-of-range 7:14 providers[0].introspection.timeout"]),
        (introspection("retries: 11"), &["out-of-range 7:14 providers[0].introspection.retries"]),
        (introspection("retries: 1.5"), &["bad-value 7:14 providers[0].introspection.retries"]),
        (api("providers: []"), &["out-of-range 10:14 apis[0].providers"]),
        (with("no_match: allow"), &["bad-value 10:11 no_match"]),
        (introspection("timeout: 2"), &["wrong-type 7:14 providers[0].introspection.timeout"]),
        (introspection("timeout: 2 s"), &["bad-value 7:14 providers[0].introspection.timeout"]),
        (introspection("headers: {host: x}"), &["bad-value 7:21 providers[0].introspection.headers.host"]),
        (introspection("parameters: {token: x}"), &["bad-value 7:25 providers[0].introspection.parameters.token"]),
        (SMALLEST.replace("https://idp", "idp"), &["bad-value 5:15 providers[0].introspection.endpoint"]),
        (client("{id: g, secret: \"a\\n\"}"), &["bad-secret 7:29 providers[0].introspection.client.secret"]),
        (client("{id: g, secret: ''}"), &["out-of-range 7:29 providers[0].introspection.client.secret"]),
        (
            client("{id: g, auth: private_key_jwt, algorithm: ES256, key: x}"),
            &["bad-secret 7:67 providers[0].introspection.client.key"],
        ),
        (
            client("{id: g, auth: client_secret_jwt, algorithm: HS256, secret: x}"),
            &["bad-secret 7:72 providers[0].introspection.client.secret"],
        ),
        (api("providers: [x]"), &["unknown-reference 10:15 apis[0].providers[0]"]),
        (with("contracts: {inline: [{api: x, client_id: c}]}"), &["unknown-reference 10:28 contracts.inline[0].api"]),
        (with("contracts: {inline: [{client_id: c}]}"), &["missing-member 10:22 contracts.inline[0].api"]),
        (with("contracts: {inline: [{api: ~, client_id: c}]}"), &["wrong-type 10:28 contracts.inline[0].api"]),
        (api("operations: [{match: {}, public: true, scopes: {all: [a]}}]"), &["conflict 10:16 apis[0].operations[0]"]),
        (with("- id: orders"), &["conflict 10:7 apis[1].id"]),
        (api("contract: required"), &["conflict 10:13 apis[0].contract"]),
        (api("scopes: {}"), &["missing-member 10:11 apis[0].scopes"]),
        (api("scopes: {all: [a], any: [a]}"), &["conflict 10:11 apis[0].scopes"]),
        ("# nothing\n".to_owned(), &["no-configuration 1:1 "]),
    ] {
        assert_eq!(mistakes(&text), is, "{text}");
    }
}

#[test]
fn several_providers_need_an_issuer() {
    let second = SMALLEST.replace(
        "apis:",
        "- name: other\n  jwt: {keys: {url: 'https://a/', cluster: a}, algorithms: [ES256]}\n  \
                                            issuer: https://a\napis:",
    );
    assert_eq!(mistakes(&second), ["missing-member 2:3 providers[0].issuer"]);
}

#[test]
fn values_are_found_wherever_the_configuration_is() {
    let plugin = |config: &str| format!("kind: WasmPlugin\nspec:\n  pluginConfig:{config}\n");
    for (text, is) in [
        (plugin("\n    apis: [{id: a}]\n    providers: x"), "wrong-type 5:16 providers"),
        (plugin(" |\n    {\"apis\": [{\"id\": \"a\"}],\n     \"providers\": 1}"), "wrong-type 5:19 providers"),
        (plugin(" '{\"apis\": [{\"id\": \"a\"}], \"providers\": 1}'"), "wrong-type 3:55 providers"),
        (plugin(" \"{\\\"apis\\\": [{\\\"id\\\": \\\"a\\\"}], \\\"providers\\\": 1}\""), "wrong-type 3:63 providers"),
        (plugin(" >\n    {\"apis\": [{\"id\": \"a\"}],\n     \"providers\": 1}"), "wrong-type 3:17 providers"),
        (plugin(" |\n    {\"apis\": [}"), "syntax 4:15 "),
        ("kind: WasmPlugin\nspec: {pluginName: tessera}\n".to_owned(), "no-configuration 2:7 "),
        (
            "kind: WasmPlugin\nx: &c {apis: [{id: a}], providers: 1}\nspec: {pluginConfig: *c}\n".to_owned(),
            "wrong-type 2:36 providers",
        ),
        ("{\"apis\": [{\"id\": \"a\"}],\n \"providers\": 1}".to_owned(), "wrong-type 2:15 providers"),
    ] {
        assert_eq!(mistakes(&text), [is], "{text}");
    }
}
