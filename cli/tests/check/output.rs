//! Forms of output, and how the command ends.

use super::command::{SMALLEST, check, json, run};
use serde_json::json;

#[test]
fn the_text_is_a_line_an_excerpt_a_hint_and_a_summary() {
    let text = SMALLEST.replace("cluster: idp", "cluster: idp  # it's there\n    timeout: \"0s\" # c");
    let run = check(&text);
    assert_eq!(run.status, 2);
    assert_eq!(run.stderr, "");
    assert_eq!(
        run.stdout.lines().take(5).collect::<Vec<_>>(),
        [
            "-:7:14: mistake[out-of-range] providers[0].introspection.timeout: must be between 1ms and 60s, got \"0s\"",
            "  |",
            "7 |     timeout: \"0s\"",
            "  |              ^^^^",
            "  = hint: write a duration such as \"2s\"",
        ]
    );
    assert!(run.stdout.ends_with("\n1 mistake, 0 warnings in 1 configuration of 1 file\n"), "{}", run.stdout);
}

#[test]
fn the_whole_is_called_configuration() {
    let run = check("[providers]\n");
    assert!(
        run.stdout.starts_with("-:1:1: mistake[wrong-type] configuration: must be an object, got an array\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn json_has_all_members() {
    let report = json(&SMALLEST.replace("id: orders", "id: orders\n  contract: allow"), &[], &[]);
    assert_eq!(report["version"], 1);
    assert_eq!(report["mistakes"], 1);
    assert_eq!(
        report["configurations"],
        json!([{"file": "-", "document": 1, "line": 1, "column": 1, "kind": "plain", "path": "", "name": null}])
    );
    let mistake = report["diagnostics"].as_array().unwrap().iter().find(|one| one["severity"] == "mistake").unwrap();
    assert_eq!(
        *mistake,
        json!({
            "code": "bad-value", "severity": "mistake", "file": "-", "document": 1, "line": 10, "column": 13,
            "configuration": 0, "path": "apis[0].contract", "hint": null,
            "message": "must be \"required\" or \"optional\" or \"none\", got \"allow\"",
        })
    );
}

#[test]
fn a_sound_file_is_done() {
    let run = check(SMALLEST);
    assert_eq!(
        (run.status, run.stdout.lines().last().unwrap()),
        (0, "0 mistakes, 0 warnings in 1 configuration of 1 file")
    );
}

#[test]
fn what_keeps_it_from_working_ends_with_3() {
    let folder = env!("CARGO_MANIFEST_DIR");
    for arguments in [
        &["check"][..],
        &["check", "/nowhere/at-all"],
        &["check", folder],
        &["check", "-", "--allow", "syntax"],
        &["check", "-", "--allow", "no-such-warning"],
        &["check", "-", "--unknown"],
        &["check", "-", "-"],
    ] {
        let run = run(arguments, SMALLEST, &[]);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{arguments:?}");
        assert!(!run.stderr.is_empty());
    }
    assert_eq!(run(&["check", "--help"], "", &[]).status, 0);
}

#[test]
fn colours_are_for_those_who_ask() {
    let wrong = "providers: 1\n";
    assert!(!check(wrong).stdout.contains('\u{1b}'));
    assert!(
        run(&["--color", "always", "check", "-"], wrong, &[])
            .stdout
            .contains("\u{1b}[1;31mmistake[wrong-type]\u{1b}[0m")
    );
    assert!(!run(&["check", "-", "--color=never"], wrong, &[]).stdout.contains('\u{1b}'));
    assert!(!run(&["--json", "--color=always", "check", "-"], wrong, &[]).stdout.contains('\u{1b}'));
}

#[test]
fn variables_count_as_set_unless_they_are_asked_for() {
    let codes = |env: &[(&str, &str)]| super::command::listed(&json(SMALLEST, &["--with-env"], env));
    assert_eq!(check(SMALLEST).status, 0);
    assert_eq!(codes(&[]), ["env-not-set 7:41 providers[0].introspection.client.secret.env"]);
    assert_eq!(codes(&[("IDP_SECRET", "")]), ["env-not-set 7:41 providers[0].introspection.client.secret.env"]);
    assert_eq!(codes(&[("IDP_SECRET", "a\n")]), ["bad-secret 7:41 providers[0].introspection.client.secret.env"]);
    assert_eq!(codes(&[("IDP_SECRET", "abc")]), Vec::<String>::new());
}

#[test]
fn keys_from_the_environment_count_as_sound() {
    for algorithm in ["ES256", "ES384", "ES512", "EdDSA", "RS256"] {
        let client = format!("client: {{id: g, auth: private_key_jwt, algorithm: {algorithm}, key: {{env: KEY}}}}");
        let run = check(&SMALLEST.replace("client: {id: gateway, secret: {env: IDP_SECRET}}", &client));
        assert_eq!(run.status, 0, "{algorithm}: {}", run.stdout);
    }
    for algorithm in ["HS256", "HS512"] {
        let client =
            format!("client: {{id: g, auth: client_secret_jwt, algorithm: {algorithm}, secret: {{env: KEY}}}}");
        assert_eq!(check(&SMALLEST.replace("client: {id: gateway, secret: {env: IDP_SECRET}}", &client)).status, 0);
    }
}

#[test]
fn files_are_reported_in_their_order() {
    let folder = std::env::temp_dir().join(format!("tessera-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [one, other] = ["b.yaml", "a.yaml"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    std::fs::write(&one, "providers: 1\n---\napis: 1\n").unwrap();
    std::fs::write(&other, "\u{feff}x: [\n").unwrap();
    let run = run(&["check", &one, &other], "", &[]);
    std::fs::remove_dir_all(&folder).unwrap();
    let heads: Vec<&str> = run.stdout.lines().filter(|line| line.contains("mistake[")).collect();
    let places =
        [(&one, "1:1: "), (&one, "1:12: "), (&one, "3:1: "), (&one, "3:7: "), (&other, "2:1: mistake[syntax]")];
    assert_eq!(heads.len(), places.len(), "{}", run.stdout);
    for (head, (file, place)) in heads.iter().zip(places) {
        assert!(head.starts_with(&format!("{file}:{place}")), "{head}");
    }
    assert!(run.stdout.ends_with("5 mistakes, 0 warnings in 2 configurations of 2 files\n"), "{}", run.stdout);
}

#[test]
fn no_input_makes_a_line_of_its_own() {
    for text in [
        "\"x\\n[critical]\\u001b[31m\\u202e\": 1\n",
        "providers: \"a\\n\\e[31m\"\nno_match: \"b\\nmistake[x]\\u2028\\u2066\"\n",
        "apis: [{id: a, match: {hosts: [\"a\\r\\nb\\x9b\"]}}]\n",
        "kind: WasmPlugin\nmetadata: {name: \"tessera\\n\"}\nspec: {\"a\\nb\": 1}\n",
        "@\u{1b}[31m\n",
    ] {
        for run in [check(text), run(&["--json", "check", "-"], text, &[])] {
            let line_is_ours = |line: &str| {
                line.starts_with("-:")
                    || line.starts_with('{')
                    || line.contains(" | ")
                    || line.ends_with(" |")
                    || line.contains("= hint: ")
                    || line.contains(" mistake")
            };
            assert!(run.stdout.lines().all(line_is_ours), "{text}: {}", run.stdout);
            assert!(!run.stdout.replace('\n', "").contains(char::is_control), "{text}: {}", run.stdout);
        }
    }
}
