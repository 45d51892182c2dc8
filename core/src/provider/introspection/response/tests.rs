use super::*;
use crate::base::http::NoAnswer;
use crate::outcome::Outcome;
use crate::token::facts::Facts;
use crate::token::scalar;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn names() -> ClaimNames {
    let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    ClaimNames {
        client_id: list(&["client_id", "azp"]),
        scope: list(&["scope", "scp"]),
        pointers: list(&["/ext/tenant", "/groups", "/a~1b"]),
        all_scalars: false,
        asked: [("/realm", "x"), ("/ext/acr", "1"), ("/ext/acr", "2")]
            .map(|(pointer, value)| (pointer.into(), scalar::string(value)))
            .into(),
        keeps_presence: false,
        keeps_answer: false,
    }
}

fn answered(status: u16, body: &[u8]) -> HttpResult {
    HttpResult::Answered(HttpAnswer { status, headers: Vec::new(), body: Body::Whole(body.to_vec()) })
}

fn outcome(status: u16, body: &str) -> Result<TokenState, ProviderFailure> {
    read(&answered(status, body.as_bytes()), &names(), false, NOW)
}

fn facts(members: &str) -> Result<Facts, ProviderFailure> {
    match outcome(200, &format!(r#"{{"active":true,{members}}}"#))? {
        TokenState::Active(facts) => Ok((*facts).clone()),
        TokenState::Inactive => panic!("inactive"),
    }
}

#[test]
fn active_is_the_json_boolean_and_nothing_else() {
    assert!(matches!(outcome(200, r#"{"active":true}"#), Ok(TokenState::Active(_))));
    assert_eq!(outcome(200, r#"{"active":false,"exp":[]}"#), Ok(TokenState::Inactive));
    for body in ["{}", r#"{"active":"true"}"#, r#"{"active":1}"#, r#"{"active":null}"#, r#"{"Active":true}"#] {
        assert_eq!(outcome(200, body), Err(ProviderFailure::ActiveUnreadable), "{body}");
    }
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        "true",
        "<html>",
        "{\"active\":true",
        "{\"active\":true}x",
        "{\"active\":true}{}",
        "{\"active\":true,\"exp\":1e400}",
        "{\"active\":true,\"sub\":\"\\ud800\"}",
        "{\"active\":true,}",
    ] {
        assert_eq!(outcome(200, body), Err(ProviderFailure::NotJson), "{body}");
    }
    let latin = answered(200, b"{\"active\":true,\"other\":\"\xe9\"}");
    assert_eq!(read(&latin, &names(), false, NOW), Err(ProviderFailure::NotJson));
    let deep = format!(r#"{{"active":true,"cnf":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(outcome(200, &deep), Err(ProviderFailure::NotJson));
}

#[test]
fn a_member_that_is_read_may_appear_once() {
    for member in ["active", "exp", "client_id", "azp", "scope", "aud", "sub", "groups"] {
        let body = format!(r#"{{"active":true,"{member}":null,"{member}":null}}"#);
        assert_eq!(outcome(200, &body), Err(ProviderFailure::GivenTwice), "{member}");
    }
    assert_eq!(outcome(200, r#"{"active":true,"groups":[{"a":1,"a":2}]}"#), Err(ProviderFailure::GivenTwice));
    assert!(outcome(200, r#"{"active":true,"other":1,"other":1e400}"#).is_ok());
}

#[test]
fn the_standard_members_may_appear_once_whatever_is_read_for_them() {
    let names = ClaimNames { client_id: vec!["azp".into()], scope: vec!["scp".into()], ..names() };
    for active in [true, false] {
        for member in ["active", "exp", "client_id", "scope", "aud", "\\u0061ud", "azp", "scp"] {
            let plain = member.replace("\\u0061", "a");
            let body = format!(r#"{{"active":{active},"{member}":null,"{plain}":null}}"#);
            let read = read(&answered(200, body.as_bytes()), &names, false, NOW);
            assert_eq!(read, Err(ProviderFailure::GivenTwice), "{body}");
        }
    }
}

#[test]
fn clients_and_scopes_may_be_found_within_members() {
    let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<_>>();
    let names = ClaimNames {
        client_id: list(&["/act/client", "/aud/0"]),
        scope: list(&["/access/orders~1v1/roles", "scope"]),
        ..names()
    };
    let read = |members: &str| {
        let body = format!(r#"{{"active":true,{members}}}"#);
        read(&answered(200, body.as_bytes()), &names, false, NOW).map(|answer| {
            let TokenState::Active(facts) = answer else { panic!("{members}") };
            (facts.client_id.clone(), facts.scope.join(" "))
        })
    };
    for (members, client_id, scope) in [
        (
            r#""act":{"client":"a"},"aud":["b"],"access":{"orders/v1":{"roles":["x","y"]}},"scope":"z""#,
            Some("a"),
            "x y",
        ),
        (r#""act":{"client":null},"aud":["b","c"],"access":{"orders/v1":{}},"scope":"z""#, Some("b"), "z"),
        (r#""act":"a","aud":"b","access":{"orders/v1":{"roles":null}},"/act/client":"c""#, None, ""),
        (r#""act":{"client":""},"aud":["b"],"access":[]"#, None, ""),
    ] {
        assert_eq!(read(members), Ok((client_id.map(Into::into), scope.to_owned())), "{members}");
    }
    assert_eq!(read(r#""act":{"client":7}"#), Err(ProviderFailure::Unreadable("client_id")));
    assert_eq!(read(r#""access":{"orders/v1":{"roles":{}}}"#), Err(ProviderFailure::Unreadable("scope")));
    assert_eq!(read(r#""act":{"client":"a","client":"a"}"#), Err(ProviderFailure::GivenTwice));
    assert_eq!(read(r#""access":{},"access":{}"#), Err(ProviderFailure::GivenTwice));
}

#[test]
fn of_however_many_members_none_may_appear_twice() {
    let names = ClaimNames { all_scalars: true, ..names() };
    for count in [62, 63, 64, 65, 66, 5_000] {
        let members = (0..count).map(|number| format!(r#","m{number}":{number}"#)).collect::<String>();
        let read = |more: &str| {
            let body = format!(r#"{{"active":true{members}{more}}}"#);
            read(&answered(200, body.as_bytes()), &names, false, NOW).map(|_| ())
        };
        assert_eq!(read(""), Ok(()), "{count}");
        for again in [r#","m0":0"#.to_owned(), format!(r#","m{}":null"#, count - 1), r#","active":true"#.to_owned()] {
            assert_eq!(read(&again), Err(ProviderFailure::GivenTwice), "{count} {again}");
        }
    }
}

#[test]
fn times_are_integers_floats_or_decimal_strings() {
    let expiry = |value: &str| facts(&format!(r#""exp":{value}"#)).map(|facts| facts.expires_at.unwrap());
    for (value, seconds) in [
        ("1800000100", 1_800_000_100),
        ("1800000100.9", 1_800_000_100),
        ("\"1800000100\"", 1_800_000_100),
        ("\"1800000100.25\"", 1_800_000_100),
        ("1.8000001e9", 1_800_000_100),
        ("0", 0),
        ("-5", 0),
        ("-5.5", 0),
        ("\"-5\"", 0),
        ("18446744073709551615", u64::MAX),
        ("1e300", u64::MAX),
        ("\"99999999999999999999\"", u64::MAX),
    ] {
        assert_eq!(expiry(value), Ok(Timestamp::from_secs(seconds)), "{value}");
    }
    for value in ["true", "[]", "{}", "\"\"", "\"soon\"", "\"1e9\"", "\" 1\"", "\"+1\"", "\"1.\"", "\".5\"", "\"-\""] {
        for member in ["exp", "nbf", "iat"] {
            assert_eq!(
                facts(&format!(r#""{member}":{value}"#)),
                Err(ProviderFailure::Unreadable(member)),
                "{member} {value}"
            );
        }
    }
    let long = |digits: usize| expiry(&format!("\"{}\"", "1".repeat(digits)));
    assert_eq!(long(64), Ok(Timestamp::from_secs(u64::MAX)));
    for digits in [65, 66, 1000] {
        assert_eq!(long(digits), Err(ProviderFailure::Unreadable("exp")), "{digits} digits");
    }
    assert_eq!(facts(r#""sub":"s""#).unwrap().expires_at, None);
}

#[test]
fn null_is_absence_for_every_member_but_active() {
    let nulls = [
        "exp",
        "nbf",
        "iat",
        "expires_in",
        "sub",
        "username",
        "iss",
        "aud",
        "client_id",
        "azp",
        "scope",
        "scp",
        "cnf",
        "token_type",
        "token_use",
        "token_usage",
        "purpose",
        "typ",
        "groups",
        "ext",
        "other",
    ];
    let nulls = nulls.map(|member| format!(r#""{member}":null"#)).join(",");
    assert_eq!(facts(&nulls), Ok(Facts::default()));
    let expiry = facts(r#""exp":null,"expires_in":60"#).unwrap().expires_at;
    assert_eq!(expiry, Some(NOW.plus(std::time::Duration::from_secs(60))));
}

#[test]
fn expires_in_counts_where_exp_is_absent() {
    let expiry = |members: &str| facts(members).unwrap().expires_at.unwrap();
    assert_eq!(expiry(r#""expires_in":60"#), NOW.plus(std::time::Duration::from_secs(60)));
    assert_eq!(expiry(r#""expires_in":"60""#), NOW.plus(std::time::Duration::from_secs(60)));
    for value in ["0", "\"0\"", "-1"] {
        // Over for certain, not only within the clock skew.
        assert_eq!(expiry(&format!(r#""expires_in":{value}"#)), Timestamp::default(), "{value}");
    }
    assert_eq!(expiry(r#""exp":7,"expires_in":60"#), Timestamp::from_secs(7));
}

#[test]
fn scope_and_audience_come_as_text_or_array() {
    let scope = |value: &str| facts(&format!(r#""scope":{value}"#)).map(|facts| facts.scope.join("|"));
    assert_eq!(scope(r#""a  b""#), Ok("a|b".to_owned()));
    assert_eq!(scope(r#"["a","b"]"#), Ok("a|b".to_owned()));
    assert_eq!(scope(r#"["","a b",""]"#), Ok("a b".to_owned()));
    assert_eq!(scope("null"), Ok(String::new()));
    for value in ["7", "true", "{}", "[1]", "[null]"] {
        assert_eq!(scope(value), Err(ProviderFailure::Unreadable("scope")), "{value}");
    }
    let audience = |value: &str| facts(&format!(r#""aud":{value}"#)).map(|facts| facts.audience.join("|"));
    assert_eq!(audience(r#""a b""#), Ok("a b".to_owned()));
    assert_eq!(audience(r#"["a","b"]"#), Ok("a|b".to_owned()));
    assert_eq!(audience("[1]"), Err(ProviderFailure::Unreadable("aud")));
}

#[test]
fn the_first_present_candidate_wins() {
    let found = facts(r#""azp":"second","client_id":"first","scp":["x"]"#).unwrap();
    assert_eq!(found.client_id.as_deref(), Some("first"));
    assert_eq!(found.scope, ["x".into()]);
    assert_eq!(facts(r#""client_id":null,"azp":"second""#).unwrap().client_id.as_deref(), Some("second"));
    assert_eq!(facts(r#""client_id":"""#).unwrap().client_id, None);
    assert_eq!(facts(r#""client_id":7"#), Err(ProviderFailure::Unreadable("client_id")));
    assert_eq!(facts(r#""sub":7"#), Err(ProviderFailure::Unreadable("sub")));
}

#[test]
fn a_token_bound_to_a_key_is_known_as_one() {
    assert!(facts(r#""cnf":{"jkt":"x"}"#).unwrap().confirmation.is_some());
    assert!(facts(r#""token_type":"dpop""#).unwrap().confirmation.is_some());
    assert!(facts(r#""token_type":"bearer","cnf":null"#).unwrap().confirmation.is_none());
}

#[test]
fn an_answer_may_say_that_it_is_about_another_kind_of_token() {
    let another = |members: &str| facts(members).map(|facts| facts.other_kind);
    for member in ["token_use", "token_usage", "purpose", "typ", "token_type"] {
        assert_eq!(another(&format!(r#""{member}":"Refresh""#)), Ok(true), "{member}");
        assert_eq!(another(&format!(r#""{member}":"\u0049D""#)), Ok(true), "{member}");
        assert_eq!(another(&format!(r#""{member}":"access_token""#)), Ok(false), "{member}");
        assert_eq!(another(&format!(r#""{member}":null"#)), Ok(false), "{member}");
        let twice = format!(r#""{member}":"access_token","{member}":"refresh_token""#);
        assert_eq!(another(&twice), Err(ProviderFailure::GivenTwice), "{member}");
    }
    for member in ["token_use", "token_usage", "purpose", "typ"] {
        for value in [r#"["access_token","refresh_token"]"#, r#"{"name":"id_token"}"#, r#"[[{"a":["Offline"]}]]"#] {
            assert_eq!(another(&format!(r#""{member}":{value}"#)), Ok(true), "{member} {value}");
        }
        for value in ["7", "true", "[]", "{}", r#"["access_token",1,null]"#, r#"{"refresh":"no"}"#] {
            assert_eq!(another(&format!(r#""{member}":{value}"#)), Ok(false), "{member} {value}");
        }
    }
    assert_eq!(another(r#""typ":"Bearer","token_type":"Bearer","token_use":"refresh_token""#), Ok(true));
    assert_eq!(another(r#""token_type":["refresh_token"]"#), Err(ProviderFailure::Unreadable("token_type")));
}

#[test]
fn further_claims_are_kept_as_header_text() {
    let found = facts(r#""ext":{"tenant":7},"groups":["a",1,true],"a/b":"c""#).unwrap();
    let kept: Vec<(&str, &str)> = found.claims.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(kept, [("/ext/tenant", "7"), ("/groups", "a,1,true"), ("/a~1b", "c")]);
    let listed = facts(r#""groups":["a,b"," c","100%",""]"#).unwrap();
    assert_eq!(&*listed.claims[0].1, "a%2Cb,%20c,100%25,");
    assert!(facts(r#""ext":{},"groups":[{}]"#).unwrap().claims.is_empty());
    let all = ClaimNames { pointers: Vec::new(), all_scalars: true, ..names() };
    let body = br#"{"active":true,"level":3,"list":[1],"name":"n"}"#;
    let Ok(TokenState::Active(found)) = read(&answered(200, body), &all, false, NOW) else { panic!("active") };
    let kept: Vec<(&str, &str)> = found.claims.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(kept, [("active", "true"), ("level", "3"), ("name", "n")]);
}

#[test]
fn presence_is_kept_once_and_never_beside_a_value() {
    let kept = |pointers: &[&str], all_scalars| {
        let pointers = pointers.iter().map(|pointer| (*pointer).into()).collect();
        let names = ClaimNames { pointers, all_scalars, keeps_presence: true, ..names() };
        let body = br#"{"active":true,"org":"x","list":[{}],"null":null,"nested":{"a":1}}"#;
        let TokenState::Active(facts) = read(&answered(200, body), &names, false, NOW).unwrap() else { panic!() };
        let mut claims: Vec<(String, String)> =
            facts.claims.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        claims.sort();
        claims
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let pointers = ["/org", "/list", "/null", "/absent", "/nested/a"];
    assert_eq!(kept(&pointers, false), pairs(&[("/list", ""), ("/nested/a", "1"), ("/null", ""), ("/org", "x")]));
    let all = [("active", "true"), ("list", ""), ("nested", ""), ("null", ""), ("org", "x")];
    assert_eq!(kept(&[], true), pairs(&all));
}

#[test]
fn of_members_that_meet_in_one_header_the_one_written_so_counts_else_none() {
    let kept = |members: &str| {
        let names = ClaimNames { pointers: Vec::new(), all_scalars: true, ..names() };
        let body = format!(r#"{{"active":true,{members}}}"#);
        let Ok(TokenState::Active(found)) = read(&answered(200, body.as_bytes()), &names, false, NOW) else {
            panic!("{members}")
        };
        found
            .claims
            .iter()
            .filter(|(name, _)| &**name != "active")
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (members, expected) in [
        (r#""role":"user","Role":"admin""#, "role=user"),
        (r#""ROLE":"admin","Role":"admin","role":"user""#, "role=user"),
        (r#""Role":"admin""#, "role=admin"),
        (r#""Role":"admin","ROLE":"user""#, ""),
        (r#""b c":"1","b-c":"2""#, "b-c=2"),
        (r#""b c":"1","b/c":"2""#, ""),
        (r#""b_c":"1","b c":"2""#, "b_c=1"),
        (r#""b_c":"1","b-c":"2""#, ""),
        (r#""b.c":"1","b_c":"2""#, ""),
        (r#""b.c":"1","b c":"2""#, "b.c=1"),
        (r#""b_c":"1","bc":"2""#, "b_c=1 bc=2"),
        // It is there, though it is no header.
        (r#""role":["user"],"Role":"admin""#, ""),
        (r#""role":null,"Role":"user""#, "role=user"),
        (r#""":"x","é":"50%""#, "--=50%25"),
    ] {
        assert_eq!(kept(members), expected, "{members}");
    }
}

#[test]
fn a_member_that_is_named_like_a_pointer_is_not_what_that_leads_to() {
    let names = ClaimNames { pointers: vec!["/org".into()], all_scalars: true, ..names() };
    let body = br#"{"active":true,"/org":"another","name":"n"}"#;
    let Ok(TokenState::Active(found)) = read(&answered(200, body), &names, false, NOW) else { panic!("active") };
    let kept: Vec<(&str, &str)> = found.claims.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(kept, [("active", "true"), ("name", "n")]);
}

#[test]
fn each_status_has_its_meaning() {
    assert_eq!(outcome(400, r#"{"error":"unsupported_token_type"}"#), Ok(TokenState::Inactive));
    assert_eq!(outcome(401, r#"{"error":"invalid_token"}"#), Ok(TokenState::Inactive));
    assert_eq!(outcome(403, r#"{"error":"invalid_token"}"#), Err(ProviderFailure::Unauthorized(403)));
    assert_eq!(outcome(401, r#"{"error":"invalid_client"}"#), Err(ProviderFailure::Unauthorized(401)));
    assert_eq!(outcome(400, "<html>"), Err(ProviderFailure::Unauthorized(400)));
    for status in [0, 100, 201, 204, 301, 302, 404, 405, 418] {
        assert_eq!(outcome(status, r#"{"active":true}"#), Err(ProviderFailure::UnexpectedStatus(status)), "{status}");
    }
    for status in [429, 500, 501, 502, 503, 504, 599] {
        assert_eq!(
            outcome(status, r#"{"active":true}"#),
            Err(ProviderFailure::Unavailable { status, retry_after: None }),
            "{status}"
        );
    }
    for reason in [NoAnswer::Unsent, NoAnswer::Unconnected, NoAnswer::TimedOut, NoAnswer::BrokenOff] {
        let failure = read(&HttpResult::Failed(reason), &names(), false, NOW).unwrap_err();
        assert_eq!((failure, failure.outcome()), (ProviderFailure::Unreachable(reason), Outcome::ProviderUnavailable));
        assert!(failure.is_worth_a_retry());
    }
}

#[test]
fn a_401_may_be_about_the_gateways_own_token() {
    let own = |status: u16, error: &str| {
        read(&answered(status, format!(r#"{{"error":"{error}"}}"#).as_bytes()), &names(), true, NOW)
    };
    assert_eq!(own(401, "invalid_token"), Err(ProviderFailure::Unauthorized(401)));
    // Neither is how RFC 6750 refuses it.
    assert_eq!(own(400, "invalid_token"), Ok(TokenState::Inactive));
    assert_eq!(own(401, "unsupported_token_type"), Ok(TokenState::Inactive));
}

#[test]
fn a_coded_answer_is_named_as_such() {
    let coded = |coding: &str| {
        let headers = vec![("content-encoding".to_owned(), coding.as_bytes().to_vec())];
        let answer = HttpAnswer { status: 200, headers, body: Body::Whole(br#"{"active":true}"#.to_vec()) };
        read(&HttpResult::Answered(answer), &names(), false, NOW)
    };
    for coding in ["gzip", "br", "deflate", "zstd", "x-gzip", "identity, gzip", "\u{1f}"] {
        assert_eq!(coded(coding), Err(ProviderFailure::Coded), "{coding}");
    }
    for coding in ["", "identity", " Identity "] {
        assert!(coded(coding).is_ok(), "{coding}");
    }
    assert_eq!(ProviderFailure::Coded.outcome(), crate::outcome::Outcome::ProviderError);
    assert!(
        !ProviderFailure::Coded.is_worth_a_retry() && ProviderFailure::Coded.to_string().contains("content-encoding")
    );
}

#[test]
fn what_may_be_gone_in_a_moment_is_worth_a_retry_unless_the_server_asks_for_time() {
    let retried = |status: u16, retry_after: Option<&str>| {
        let headers = retry_after.map(|value| ("retry-after".to_owned(), value.as_bytes().to_vec()));
        let answer = HttpAnswer { status, headers: headers.into_iter().collect(), body: Body::default() };
        let failure = read(&HttpResult::Answered(answer), &names(), false, NOW).unwrap_err();
        (failure.is_worth_a_retry(), failure.retry_after().map(|wait| wait.as_secs()))
    };
    for status in [502, 503, 504] {
        assert_eq!(retried(status, None), (true, None), "{status}");
    }
    for status in [429, 500, 501] {
        assert_eq!(retried(status, None), (false, None), "{status}");
    }
    for status in [429, 503] {
        assert_eq!(retried(status, Some("3")), (false, Some(3)), "{status}");
        assert_eq!(retried(status, Some("99999999999999999999")), (false, Some(10)), "{status}");
        assert_eq!(retried(status, Some("Fri, 15 Jan 2027 08:00:07 GMT")), (false, Some(7)), "{status}");
    }
    // It asks for no time, or for none that can be read.
    for value in ["0", "Fri, 15 Jan 2027 07:59:59 GMT", "soon", ""] {
        assert_eq!(retried(503, Some(value)), (true, None), "{value:?}");
    }
    assert_eq!(retried(502, Some("3")), (true, None));
}

#[test]
fn an_answer_over_the_limit_is_not_read() {
    let padded = |length: usize| {
        let body = format!(r#"{{"active":true,"pad":"{}"}}"#, "x".repeat(length - 24));
        assert_eq!(body.len(), length);
        outcome(200, &body)
    };
    assert_eq!(MAX_ANSWER_BYTES, 262_144);
    assert!(padded(MAX_ANSWER_BYTES).is_ok());
    assert_eq!(padded(MAX_ANSWER_BYTES + 1), Err(ProviderFailure::TooLarge(MAX_ANSWER_BYTES + 1)));
    let huge = HttpAnswer { status: 200, headers: Vec::new(), body: Body::TooLarge(10 << 20) };
    assert_eq!(read(&HttpResult::Answered(huge), &names(), false, NOW), Err(ProviderFailure::TooLarge(10 << 20)));
}

#[test]
fn of_what_rules_ask_for_is_kept_what_is_there() {
    let said = |members: &str| {
        let said = facts(members).unwrap().said;
        said.iter().map(|(pointer, value)| format!("{pointer}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(said(r#""realm":"x","ext":{"acr":["0","2","1",null,["1"]]}"#), "/realm=\"x /ext/acr=\"1 /ext/acr=\"2");
    for nothing in [
        r#""other":1"#,
        r#""realm":null,"ext":{"acr":null}"#,
        r#""realm":"y","ext":{"acr":1}"#,
        r#""realm":{"0":"x"},"ext":"acr""#,
        r#""/realm":"x","ext/acr":"1""#,
    ] {
        assert_eq!(said(nothing), "", "{nothing}");
    }
    assert_eq!(facts(r#""realm":"y","realm":"x""#), Err(ProviderFailure::GivenTwice));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(status: u16, body: Vec<u8>) {
        let _ = read(&answered(status, &body), &names(), false, NOW);
    }

    #[test]
    fn any_json_values_are_read_without_a_panic(value in json()) {
        for member in READ {
            let _ = outcome(200, &format!(r#"{{"active":true,"{member}":{value}}}"#));
        }
    }
}

const READ: [&str; 11] =
    ["exp", "nbf", "iat", "expires_in", "sub", "client_id", "scope", "aud", "cnf", "token_type", "typ"];

fn json() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just(r#"{"a":[]}"#.to_owned()),
        Just(r#"["a",1]"#.to_owned()),
        "-?[1-9][0-9]{0,25}",
        "-?[0-9][.][0-9]{1,3}e-?[0-9]{1,3}",
        "\"[a-z0-9.-]{0,8}\"",
    ]
}
