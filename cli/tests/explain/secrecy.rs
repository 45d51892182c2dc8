//! No token comes out, however the run ends.

use super::{TOKEN, case};
use serde_json::{Value, json};

#[test]
fn a_token_is_shown_by_its_digest_alone() {
    let query = |it: &mut Value| it["token"] = json!({"sources": [{"query": "access_token"}, {"cookie": "at"}]});
    let header = format!("Authorization: Bearer {TOKEN}");
    let cookie = format!("cookie: a=b; at={TOKEN}");
    let echoes = |it: &mut Value| {
        it["apis"][0]["upstream"] = json!({"claims_prefix": "x-said-"});
        it["providers"][0]["claims"] = json!({"client_id": ["jti"]});
    };
    for case in [
        case(),
        case().with(&["-H", &header]),
        case().url(&format!("/orders/1?access_token={TOKEN}&b=c")).without_token().configured(query),
        case().url(&format!("/orders/1?access_token={TOKEN}")),
        case().url(&format!("/orders/1?Access%5Ftoken={TOKEN}")).configured(query),
        case().url(&format!("/orders/{TOKEN}")),
        case().without_token().configured(query).with(&["-H", &cookie]),
        case().configured(query),
        case().facts(json!({"jti": TOKEN, "sub": TOKEN})).configured(echoes),
        case().without_answer(),
        case().with(&["--at", "never"]),
        case().configured(|it| it["oops"] = json!(1)),
    ] {
        for global in [&[][..], &["--json"]] {
            let ran = case.run(global);
            for shown in [&ran.stdout, &ran.stderr] {
                assert!(!shown.contains(TOKEN), "{shown}");
            }
        }
    }
    let told = case().url(&format!("/orders/1?access_token={TOKEN}&b=c")).without_token().configured(query).json();
    assert_eq!(told["upstream"]["path"], "/orders/1?access_token=***&b=c");
    assert_eq!(told["token"].as_str().map(str::len), Some(12));
}

#[test]
fn what_is_secret_in_a_url_is_not_shown() {
    const SECRET: &str = "not-to-be-shown";
    let host = format!("host: user:{SECRET}@api.example.com");
    for (case, shown) in [
        (case().with(&["-H", &host]), "***@api.example.com/orders/1"),
        (case().url(&format!("/orders/1#access_token={SECRET}")), "/orders/1#***"),
        (case().url(&format!("/orders/1?a=b#{SECRET}")), "/orders/1?a=b#***"),
        (case().url(&format!("/orders/1;access_token={SECRET}/2;b=c")), "/orders/1;access_token=***/2;b=c"),
        (case().url(&format!("/orders/1?a=b&id_token={SECRET}")), "/orders/1?a=b&id_token=***"),
        (case().url(&format!("/orders/1?client_secret={SECRET}&a=b")), "/orders/1?client_secret=***&a=b"),
    ] {
        for global in [&[][..], &["--json"]] {
            let ran = case.run(global);
            let told = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!told.contains(SECRET), "{told}");
            assert!(!global.is_empty() || told.contains(shown), "{shown}: {told}");
        }
    }
}

#[test]
fn nothing_makes_a_line_of_its_own() {
    let facts = json!({"client_id": "a\nb\u{1b}[31m", "iss": "https://idp.example.com"});
    let ran = case().facts(facts).run(&[]);
    assert!(!ran.stdout.contains('\u{1b}') && ran.stdout.contains("a\\nb\\u{1b}"), "{}", ran.stdout);
}
