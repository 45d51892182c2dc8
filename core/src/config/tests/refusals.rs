//! What is refused, where, and in which words.

use super::{accepted, problems, provider, smallest, with};
use serde_json::{Value, json};

/// The smallest configuration with one mistake, and the one line that it earns.
fn refused(pointer: &str, value: Value, line: &str) {
    assert_eq!(problems(&with(smallest(), pointer, value)), [line], "{pointer}");
}

#[test]
fn durations() {
    let timeout = "/providers/0/introspection/timeout";
    let path = "providers[0].introspection.timeout";
    let between = |got: &str| format!("{path}: must be between 1ms and 60s, got {got:?}");
    refused(timeout, json!("0s"), &between("0s"));
    refused(timeout, json!("61s"), &between("61s"));
    refused(timeout, json!("18446744073709551615ms"), &between("18446744073709551615ms"));
    let unit = |got: &str| format!("{path}: must be a whole number and ms, s, m, h or d, such as \"15s\", got {got:?}");
    for text in ["", "2", "1.5s", "-1s", "2 s", "2S", "1w", "99999999999999999999s", "18446744073709551615d"] {
        refused(timeout, json!(text), &unit(text));
    }
    refused(timeout, json!(2), &format!("{path}: must be a string, got a number"));
    for (pointer, line) in [
        ("/cache", "cache.max_ttl: must be between 1ms and 30d, got \"0s\""),
        ("/replies", "replies.retry_after: must be between 1ms and 24h, got \"0s\""),
    ] {
        let value = match pointer {
            "/cache" => json!({"max_ttl": "0s"}),
            "/replies" => json!({"retry_after": "0s"}),
            _ => json!("0s"),
        };
        refused(pointer, value, line);
    }
    let skew = "providers[0].clock_skew: must be between 0s and 60m, got \"61m\"";
    refused("/providers/0/clock_skew", json!("61m"), skew);
}

#[test]
fn numbers() {
    for (value, got) in [(json!(11), "11"), (json!(-1), "-1"), (json!(1.5), "1.5"), (json!("1"), "a string")] {
        let line = format!("providers[0].introspection.retries: must be a whole number from 0 to 10, got {got}");
        refused("/providers/0/introspection/retries", value, &line);
    }
    let line = "cache.entries: must be a whole number from 0 to 1000000, got 1e+300";
    refused("/cache", json!({"entries": 1e300}), line);
    refused("/token", json!({"max_length": 0}), "token.max_length: must be a whole number from 1 to 65536, got 0");
}

#[test]
fn what_is_missing() {
    assert_eq!(problems(&json!({})), ["apis: is required", "providers: is required"]);
    assert_eq!(
        problems(&json!({"providers": [{}], "apis": [{}]})),
        [
            "apis[0].id: is required",
            "providers[0].name: is required",
            "providers[0]: must hold \"introspection\", \"jwt\" or both: who says whether a token is good",
        ]
    );
    assert_eq!(
        problems(&json!({"providers": [], "apis": []})),
        ["apis: must not be empty", "providers: must not be empty",]
    );
    assert_eq!(
        problems(&with(smallest(), "/providers/0/introspection", json!({}))),
        [
            "providers[0].introspection.client: is required",
            "providers[0].introspection.cluster: is required",
            "providers[0].introspection.endpoint: is required",
        ]
    );
}

#[test]
fn what_is_not_an_object() {
    for (value, got) in
        [(json!([]), "an array"), (json!("x"), "a string"), (json!(null), "null"), (json!(true), "a boolean")]
    {
        assert_eq!(problems(&value), [format!("configuration: must be an object, got {got}")]);
        refused("/cache", value, &format!("cache: must be an object, got {got}"));
    }
}

#[test]
fn what_is_not_json() {
    let lines = |text: &str| -> Vec<String> {
        super::super::read(text.as_bytes(), &super::env).unwrap_err().iter().map(ToString::to_string).collect()
    };
    assert_eq!(lines(""), ["configuration: is empty; the plugin needs a JSON object with \"providers\" and \"apis\""]);
    assert_eq!(lines("{\n  \"providers\" 1}"), ["configuration: is not valid JSON at line 2 column 15"]);
    assert_eq!(lines("{} {}"), ["configuration: is not valid JSON at line 1 column 4"]);
    assert_eq!(lines("\n{"), ["configuration: is not valid JSON at line 2 column 1"]);
}

#[test]
fn members_given_twice() {
    let text = smallest().to_string().replacen("\"cluster\":", "\"cluster\":\"x\",\"cluster\":", 1);
    let text = text.replacen("\"id\":\"orders\"", "\"id\":\"orders\",\"id\":\"orders\"", 1);
    let lines: Vec<String> =
        super::super::read(text.as_bytes(), &super::env).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["apis[0].id: is given twice", "providers[0].introspection.cluster: is given twice"]);
}

#[test]
fn endpoints() {
    let endpoint = "/providers/0/introspection/endpoint";
    let line = |reason: &str| format!("providers[0].introspection.endpoint: {reason}");
    refused(endpoint, json!("idp/introspect"), &line("must begin with \"https://\" or \"http://\""));
    refused(endpoint, json!("https:///x"), &line("must name a host"));
    refused(endpoint, json!("https://h/#f"), &line("must not hold a fragment"));
    refused(endpoint, json!("https://me:hush@h/"), &line("must not hold credentials"));
}

#[test]
fn clients() {
    let client = "/providers/0/introspection/client";
    let path = "providers[0].introspection.client";
    let words = "must be \"client_secret_basic\" or \"client_secret_post\" or \"private_key_jwt\" or \
                 \"client_secret_jwt\" or \"bearer\" or \"none\"";
    // Methods that do not exist (yet) are refused, without further ado about what belongs to them.
    for method in ["tls_client_auth", "self_signed_tls_client_auth", ""] {
        let value = json!({"auth": method, "id": "g", "secret": "s"});
        refused(client, value, &format!("{path}.auth: {words}, got {method:?}"));
    }
    for key in ["key", "key_id", "algorithm", "audience"] {
        let value = json!({"id": "g", "secret": "s", key: "k"});
        refused(client, value, &format!("{path}.{key}: is not known here; known are auth, id, secret, basic_encoding"));
    }
    refused(client, json!({"id": "g"}), &format!("{path}.secret: is required"));
    refused(client, json!({"auth": "client_secret_post", "secret": "s"}), &format!("{path}.id: is required"));
    refused(
        client,
        json!({"auth": "bearer", "secret": "s", "id": "g"}),
        &format!("{path}.id: is not known here; known are auth, secret"),
    );
    refused(
        client,
        json!({"auth": "bearer", "secret": "a "}),
        &format!("{path}.secret: must be printable ASCII without spaces at its ends to stand in a header"),
    );
    refused(
        client,
        json!({"id": "a:b", "secret": "s", "basic_encoding": "raw"}),
        &format!("{path}: \"id\" must not hold \":\" with basic_encoding \"raw\" (RFC 7617 §2)"),
    );
}

#[test]
fn secrets() {
    let secret = "/providers/0/introspection/client/secret";
    let path = "providers[0].introspection.client.secret";
    for name in ["EMPTY", "UNSET"] {
        let line = format!("{path}.env: environment variable {name:?} is not set or empty in the VM");
        refused(secret, json!({"env": name}), &line);
    }
    for (name, fault) in [
        ("FROM_A_FILE", "must not end in a line break"),
        ("FROM_WINDOWS", "must not end in a line break"),
        ("CONTROLLED", "must not hold control characters"),
    ] {
        refused(secret, json!({"env": name}), &format!("{path}.env: environment variable {name:?} {fault}"));
        let header = "providers[0].introspection.headers.x-key.env";
        let line = format!("{header}: environment variable {name:?} {fault}");
        refused("/providers/0/introspection/headers", json!({"x-key": {"env": name}}), &line);
    }
    for text in ["Sesame\n", "Sesame\r", "\n"] {
        refused(secret, json!(text), &format!("{path}: must not end in a line break"));
    }
    for text in ["Ses\name", "\u{0}Sesame", "Sesame\u{7f}", "Sesame\u{85}", "Sesame\t"] {
        refused(secret, json!(text), &format!("{path}: must not hold control characters"));
    }
    refused(secret, json!(""), &format!("{path}: must not be empty"));
    refused(secret, json!(7), &format!("{path}: must be a string or {{\"env\": \"NAME\"}}, got a number"));
    refused(secret, json!({}), &format!("{path}.env: is required"));
    refused(secret, json!({"env": ""}), &format!("{path}.env: must not be empty"));
}

#[test]
fn texts_that_bring_a_line_break_along() {
    let fault = "must not end in a line break";
    for (pointer, path) in [
        ("/providers/0/issuer", "providers[0].issuer"),
        ("/providers/0/introspection/cluster", "providers[0].introspection.cluster"),
        ("/providers/0/introspection/client/id", "providers[0].introspection.client.id"),
    ] {
        refused(pointer, json!("idp\n"), &format!("{path}: {fault}"));
    }
    refused("/providers/0/audiences", json!(["a", "b\n"]), &format!("providers[0].audiences[1]: {fault}"));
    let parameters = "/providers/0/introspection/parameters";
    refused(parameters, json!({"a": "b\n"}), &format!("providers[0].introspection.parameters.a: {fault}"));
    accepted(&with(smallest(), parameters, json!({"a": ""})));
}

#[test]
fn addresses_whose_host_is_none() {
    let line = |path: &str| {
        format!(
            "{path}: must name a host: labels of letters, digits, \"-\" and \"_\" between dots, or an address (the name \
             of an Envoy cluster stands in \"cluster\")"
        )
    };
    let istio = "https://outbound|443||idp.example.com/x";
    refused("/providers/0/introspection/endpoint", json!(istio), &line("providers[0].introspection.endpoint"));
    let source = json!({"source": {"url": istio, "cluster": "c"}});
    refused("/contracts", source, &line("contracts.source.url"));
}

#[test]
fn text_of_the_configuration_stays_part_of_its_line() {
    let line = "x\\n[critical] forged\\u{1b}[31m\\u{202e}: is not known here; known are providers, contracts, apis, \
                no_match, ambiguous_paths, token, dpop, client_certificate, access_log, cache, replies";
    refused("/x\n[critical] forged\u{1b}[31m\u{202e}", json!(1), line);
    for value in [
        with(smallest(), "/no_match", json!("a\nb\u{2028}\u{2066}")),
        with(smallest(), "/apis/0/providers", json!(["a\r\nb"])),
        with(smallest(), "/providers/0/introspection/headers", json!({"a\nb": "x"})),
        with(smallest(), "/providers/0/introspection/client/secret", json!({"env": "a\nb"})),
        with(smallest(), "/apis/0/upstream", json!({"headers": {"x\ny": "z\u{85}"}})),
        with(smallest(), "/apis/0/match", json!({"hosts": ["a\nb"], "paths": ["\n"]})),
        with(smallest(), "/token", json!({"sources": [{"header": "a\nb"}]})),
        with(smallest(), "/contracts", json!({"inline": [{"api": "a\nb", "client_id": "c", "expires_at": "\n"}]})),
    ] {
        for line in problems(&value) {
            assert!(!line.contains(|letter: char| letter.is_control() || letter > '\u{2000}'), "{line:?}");
        }
    }
}

#[test]
fn text_of_the_configuration_is_shown_in_part_only() {
    let long = "x".repeat(100_000);
    for value in [
        with(smallest(), &format!("/{long}"), json!(1)),
        with(smallest(), "/no_match", json!(long)),
        with(smallest(), "/providers/0/name", json!(long.to_uppercase())),
        with(smallest(), "/providers/0/introspection/client/secret", json!({"env": long})),
        with(smallest(), "/providers/0/introspection/timeout", json!("0".repeat(100_000) + "s")),
        with(smallest(), "/providers/0/introspection/parameters", json!({"token": {long.clone(): 1}, "": 1})),
    ] {
        for line in problems(&value) {
            assert!(line.len() < 900, "{} bytes", line.len());
        }
    }
    let line = &problems(&with(smallest(), &format!("/{long}"), json!(1)))[0];
    assert!(line.contains("…: is not known here; known are "), "{line}");
}

#[test]
fn requests_to_the_provider_that_contradict_themselves() {
    let introspection = "providers[0].introspection";
    for name in ["", "token"] {
        let line =
            format!("{introspection}.parameters.{name}: cannot be set: the request's own token is sent as \"token\"");
        refused("/providers/0/introspection/parameters", json!({name: "x"}), &line);
    }
    for name in ["host", "Content-Type", ":path", "a b", ""] {
        let line = format!("{introspection}.headers.{name}: is not a header that can be set here");
        refused("/providers/0/introspection/headers", json!({name: "x"}), &line);
    }
    let line = format!("{introspection}.headers: \"x-a\" is given twice");
    refused("/providers/0/introspection/headers", json!({"x-a": "1", "X-A": "2"}), &line);
    let line = format!("{introspection}: \"headers\" sets authorization, which \"client\" sets too");
    refused("/providers/0/introspection/headers", json!({"Authorization": "x"}), &line);
    let post = with(smallest(), "/providers/0/introspection/client/auth", json!("client_secret_post"));
    let twice = with(post, "/providers/0/introspection/parameters", json!({"client_id": "x"}));
    assert_eq!(
        problems(&twice),
        [format!("{introspection}: \"parameters\" sets client_id, which \"client\" sets too")]
    );
}

#[test]
fn names_of_providers() {
    for name in ["", "-a", "A", "a_b", "ä", "a b"] {
        let reason = "must be lower-case letters, digits and \"-\", and not begin with \"-\"";
        refused("/providers/0/name", json!(name), &format!("providers[0].name: {reason}, got {name:?}"));
    }
}

#[test]
fn scopes() {
    let either = "apis[0].scopes: must hold either \"all\" or \"any\"";
    refused("/apis/0/scopes", json!({}), either);
    refused("/apis/0/scopes", json!({"all": ["a"], "any": ["b"]}), either);
    refused("/apis/0/scopes", json!({"any": []}), "apis[0].scopes.any: must not be empty");
    for scope in ["", "a b", "a\"", "a\\", "é"] {
        let reason = "must be one scope: printable ASCII without spaces, quotes and backslashes";
        refused("/apis/0/scopes", json!({"any": [scope]}), &format!("apis[0].scopes.any[0]: {reason}, got {scope:?}"));
    }
}

#[test]
fn operations() {
    let operations = "/apis/0/operations";
    let public = "apis[0].operations[0]: is public: no token is looked at, so token, claims, scopes, contract and max_age have no \
         effect";
    let operation = |more: Value| {
        let mut operation = json!({"match": {}});
        operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([operation])
    };
    for more in [
        json!({"public": true, "scopes": {"all": ["a"]}}),
        json!({"public": true, "contract": "none"}),
        json!({"public": true, "token": "optional"}),
        json!({"public": true, "claims": {"/realm": ["x"]}}),
        json!({"public": true, "max_age": "1s"}),
    ] {
        refused(operations, operation(more), public);
    }
    let escaped = "apis[0].operations[0]: can never be public: its paths hold escapes that make nothing public";
    refused(operations, json!([{"match": {"paths": ["/a", "/%3b"]}, "public": true}]), escaped);
    refused(
        operations,
        json!([{"match": {"paths": ["/%7Euser"]}}]),
        "apis[0].operations[0].match.paths[0]: must hold no escape of a character that may stand in a path as it is, \
         got \"/%7Euser\"",
    );
    refused(operations, json!([{}]), "apis[0].operations[0].match: is required");
    refused(
        operations,
        operation(json!({"public": "yes"})),
        "apis[0].operations[0].public: must be true or false, got a string",
    );
    refused(
        operations,
        operation(json!({"max_age": "0s"})),
        "apis[0].operations[0].max_age: must be between 1ms and 24h, got \"0s\"",
    );
    refused(
        operations,
        json!([{"match": {"methods": ["GET POST"]}}]),
        "apis[0].operations[0].match.methods[0]: must be a request method, got \"GET POST\"",
    );
}

#[test]
fn names_of_claims() {
    for pointer in ["/", "/a~", "/a~2b"] {
        let line = format!(
            "providers[0].claims.scope[1]: must be the name of a member or a JSON pointer such as \"/roles/orders\", \
             got {pointer:?}"
        );
        refused("/providers/0/claims", json!({"scope": ["a~", pointer, "/a/0"]}), &line);
    }
}

#[test]
fn claims_and_tokens() {
    let pointer = "must be named by a JSON pointer such as \"/realm\"";
    for name in ["realm", "", "/", "/a~", "/a~2b"] {
        let path = if name.is_empty() { "apis[0].claims.".to_owned() } else { format!("apis[0].claims.{name}") };
        refused("/apis/0/claims", json!({name: ["x"]}), &format!("{path}: {pointer}"));
    }
    refused("/apis/0/claims", json!(["/realm"]), "apis[0].claims: must be an object, got an array");
    refused("/apis/0/claims", json!({"/realm": "x"}), "apis[0].claims./realm: must be an array, got a string");
    refused("/apis/0/claims", json!({"/realm": []}), "apis[0].claims./realm: must not be empty");
    for value in [json!(null), json!(["x"]), json!({})] {
        let line = "apis[0].claims./realm[1]: must be a string, a number or a boolean";
        refused("/apis/0/claims", json!({"/realm": ["x", value]}), line);
    }
    refused("/apis/0/token", json!("none"), "apis[0].token: must be \"required\" or \"optional\", got \"none\"");
}

#[test]
fn contracts_of_an_api() {
    for rule in ["required", "optional"] {
        let line = "asks for contracts, but \"contracts\" is not configured";
        refused("/apis/0/contract", json!(rule), &format!("apis[0].contract: {line}"));
        let operations = json!([{"match": {}, "contract": rule}]);
        refused("/apis/0/operations", operations, &format!("apis[0].operations[0].contract: {line}"));
    }
    let line = "apis[0].contract: must be \"required\" or \"optional\" or \"none\", got \"maybe\"";
    refused("/apis/0/contract", json!("maybe"), line);
}

#[test]
fn upstream_headers() {
    for name in
        ["X-Id", "authorization", ":path", "host", "a b", "", "_path", "-path", "_authority", ".method", "~scheme"]
    {
        let line = format!("apis[0].upstream.headers.{name}: is not a header name in lower case that can be set here");
        refused("/apis/0/upstream", json!({"headers": {name: "client_id"}}), &line);
    }
    for value in ["clientid", "claim:", "claim:/", "claim:a"] {
        let lines = problems(&with(smallest(), "/apis/0/upstream", json!({"headers": {"x-a": value}})));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("apis[0].upstream.headers.x-a: must be client_id, subject,"), "{lines:?}");
    }
    for prefix in ["", "x-", "agw-", "X-AGW-", "x-agw", "x-a b-"] {
        let reason = "must be a header prefix in lower case such as \"x-agw-\"";
        let line = format!("apis[0].upstream.claims_prefix: {reason}, got {prefix:?}");
        refused("/apis/0/upstream", json!({"claims_prefix": prefix}), &line);
    }
}

#[test]
fn token_sources() {
    let twins = json!([{"header": "x-token"}, {"header": "X_Token"}]);
    refused("/token", json!({"sources": twins}), "token.sources: names one place twice");
    let one = "token.sources[0]: must hold one of \"header\", \"query\" and \"cookie\"";
    for source in [json!({}), json!({"header": "a", "query": "b"}), json!({"scheme": "Bearer"})] {
        refused("/token", json!({"sources": [source]}), one);
    }
    let twice = "token.sources: names one place twice";
    for sources in [
        json!([{"header": "X-Token"}, {"header": "x-token"}]),
        json!([{"header": "authorization", "scheme": "Bearer"}, {"header": "authorization", "scheme": "DPoP"}]),
        json!([{"query": "a"}, {"query": "b"}, {"query": "a"}]),
        json!([{"cookie": "a"}, {"cookie": "a"}]),
        json!([{"query": "access_token"}, {"query": "Access_Token"}]),
        json!([{"query": "access.token"}, {"query": "access_token"}]),
        json!([{"query": "t"}, {"query": "t[0]"}]),
        json!([{"cookie": "a.t"}, {"cookie": "a_t"}]),
    ] {
        refused("/token", json!({"sources": sources}), twice);
    }
    refused("/token", json!({"sources": []}), "token.sources: must not be empty");
    refused(
        "/token",
        json!({"sources": [{"header": "authorization"}]}),
        "token.sources[0]: \"scheme\" is required with the header authorization, such as \"Bearer\"",
    );
    refused(
        "/token",
        json!({"sources": [{"query": "a", "scheme": "Bearer"}]}),
        "token.sources[0].scheme: is not known here; known are header, query, cookie",
    );
    for name in ["cookie", "Host", ":path", ""] {
        let line = format!("token.sources[0].header: must be a header name that can hold a token, got {name:?}");
        refused("/token", json!({"sources": [{"header": name}]}), &line);
    }
}

#[test]
fn what_ends_a_poll_that_is_held_as_it_was_asked_to_be() {
    let contracts = |timeout: &str, max_staleness: &str, prefer: &str| {
        let headers = json!({"authorization": "x", "Prefer": prefer});
        let source = json!({"url": "https://c/", "cluster": "c", "timeout": timeout, "headers": headers});
        json!({"source": source, "max_staleness": max_staleness})
    };
    let longer = "must be longer than the \"wait\" that the header \"prefer\" of the source asks for";
    for (timeout, max_staleness, member) in
        [("20s", "24h", "source.timeout"), ("5s", "24h", "source.timeout"), ("25s", "20s", "max_staleness")]
    {
        let wrong = contracts(timeout, max_staleness, "respond-async, wait=20");
        refused("/contracts", wrong, &format!("contracts.{member}: {longer}"));
    }
    for (timeout, max_staleness, prefer) in
        [("21s", "21s", "wait=20"), ("25s", "0s", "wait=20"), ("1s", "1s", "wait=0"), ("1s", "1s", "return=minimal")]
    {
        let right = with(smallest(), "/contracts", contracts(timeout, max_staleness, prefer));
        accepted(&right);
    }
}

#[test]
fn contract_settings() {
    refused("/contracts", json!({}), "contracts: must hold \"inline\", \"source\" or both");
    refused(
        "/contracts",
        json!({"inline": [], "max_staleness": "1h"}),
        "contracts: \"max_staleness\" and \"before_first_load\" have no effect without \"source\"",
    );
    let source = json!({"url": "https://c/", "cluster": "c"});
    refused(
        "/contracts",
        json!({"source": source, "before_first_load": "inline"}),
        "contracts: \"before_first_load\" is \"inline\", but \"inline\" is not given",
    );
    refused(
        "/contracts",
        json!({"source": {"url": "https://u:p@c/", "cluster": "c"}}),
        "contracts.source.url: must not hold credentials",
    );
    for wrong in ["999ms", "8d"] {
        refused(
            "/contracts",
            json!({"source": {"url": "https://c/", "cluster": "c", "full_reload": wrong}}),
            &format!("contracts.source.full_reload: must be between 1000ms and 7d, got {wrong:?}"),
        );
    }
    let row = |row: Value, line: &str| refused("/contracts", json!({"inline": [row]}), line);
    row(json!({"client_id": "c"}), "contracts.inline[0].api: is missing");
    row(json!({"api": "orders", "client_id": ""}), "contracts.inline[0].client_id: is empty");
    row(
        json!({"api": "orders", "client_id": "c", "expires_at": "2026-13-01"}),
        "contracts.inline[0].expires_at: not a date of RFC 3339",
    );
    row(
        json!({"api": "orders", "client_id": "c", "status": "removed"}),
        "contracts.inline[0].status: must be \"active\" or \"pending\" or \"suspended\" or \"revoked\", got \"removed\"",
    );
    row(json!("x"), "contracts.inline[0]: must be an object, got a string");
    row(json!({"api": "other", "client_id": "c"}), "contracts.inline[0].api: no API \"other\" is configured");
    row(
        json!({"api": "orders", "client_id": "c", "provider": "other"}),
        "contracts.inline[0].provider: no provider \"other\" is configured",
    );
}

#[test]
fn replies() {
    let ends = "must be printable ASCII without spaces at its ends";
    refused("/replies", json!({"realm": " a"}), &format!("replies.realm: {ends}, got \" a\""));
    let lines = problems(&with(smallest(), "/replies", json!({"resource_metadata": "x"})));
    assert!(lines[0].starts_with("replies.resource_metadata: must begin with"), "{lines:?}");
}

#[test]
fn several_providers_are_told_apart() {
    let issued = |name: &str, issuer: &str| with(provider(name), "/issuer", json!(issuer));
    refused(
        "/providers",
        json!([provider("a"), issued("b", "i")]),
        "providers[0].issuer: is required: with several providers tokens are told apart by it",
    );
    refused(
        "/providers",
        json!([issued("a", "i"), issued("a", "j")]),
        "providers[1].name: is the name of another provider",
    );
    refused(
        "/providers",
        json!([issued("a", "i"), issued("b", "i")]),
        "providers[1].issuer: is the issuer of another provider",
    );
    refused("/apis/0/providers", json!(["main", "other"]), "apis[0].providers[1]: no provider is named \"other\"");
    refused("/apis/0/providers", json!([]), "apis[0].providers: must not be empty");
    refused("/apis/0/providers", json!(["main", "main"]), "apis[0].providers: names a provider twice");
    refused("/apis", json!([{"id": "a"}, {"id": "b"}, {"id": "a"}]), "apis[2].id: is the id of another API");
}
