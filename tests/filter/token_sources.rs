//! Where a token may be, and what is no token.

use crate::caller::active;
use crate::configuration::configuration;
use crate::host::{Outcome, Worker};
use crate::worker;
use serde_json::{Value, json};

fn reading(sources: Value) -> Worker {
    // No answer is kept, so that each token is asked about.
    worker(&configuration(json!({"token": {"sources": sources}, "cache": {"cache_control": "respect"}})))
}

fn everywhere() -> Worker {
    reading(json!([
        {"header": "authorization", "scheme": "Bearer"}, {"header": "X-Access-Token"}, {"query": "access_token"},
        {"cookie": "at"},
    ]))
}

/// The token that the server is asked about, or the error code of the refusal.
#[track_caller]
fn taken(worker: &Worker, headers: &[(&str, &[u8])]) -> Result<String, String> {
    let stream = worker.request(headers);
    let outcome = worker.outcome(stream);
    if outcome != Outcome::Paused {
        return Err(outcome.error());
    }
    let call = worker.callout();
    worker.answer(call.id, 200, &[("cache-control", "no-store")], active(json!({})));
    assert!(worker.outcome(stream).passed());
    worker.hang_up(stream);
    Ok(call.token())
}

#[test]
fn the_scheme_has_no_case_and_may_be_followed_by_spaces() {
    let worker = reading(json!([{"header": "authorization", "scheme": "Bearer"}]));
    for value in ["Bearer abc", "bearer abc", "BEARER abc", "bEaReR    abc", "Bearer abc  "] {
        assert_eq!(taken(&worker, &[("Authorization", value.as_bytes())]), Ok("abc".to_owned()), "{value:?}");
    }
}

#[test]
fn another_scheme_is_not_a_token() {
    let worker = reading(json!([{"header": "authorization", "scheme": "Bearer"}]));
    for value in ["Basic YTpi", "abc", "Bearerabc", "Bearer\tabc", "Dpo abc", "", " ", "Bear", "B", "Bearer:abc"] {
        assert_eq!(
            taken(&worker, &[("authorization", value.as_bytes())]),
            Err("missing_token".to_owned()),
            "{value:?}"
        );
    }
    let other = reading(json!([{"header": "authorization", "scheme": "Token"}]));
    assert_eq!(taken(&other, &[("authorization", b"token abc")]), Ok("abc".to_owned()));
    assert_eq!(taken(&other, &[("authorization", b"Bearer abc")]), Err("missing_token".to_owned()));
}

#[test]
fn each_source_is_read() {
    let worker = everywhere();
    for (name, value) in [
        ("authorization", "Bearer abc"),
        ("x-access-token", "abc"),
        (":path", "/?access_token=abc"),
        (":path", "/?a=1&access_token=abc&b"),
        (":path", "/?access%5Ftoken=%61bc"),
        ("cookie", "at=abc"),
        ("cookie", "a=1; at=abc; b=2"),
        ("cookie", "a=1,2; at=abc; b=3,4"),
        ("cookie", "a=\"x;y\"; at=abc"),
    ] {
        assert_eq!(taken(&worker, &[(name, value.as_bytes())]), Ok("abc".to_owned()), "{name}: {value}");
    }
}

#[test]
fn what_only_looks_like_a_source_is_none() {
    let worker = everywhere();
    for (name, value) in [
        ("x-access-tokens", "abc"),
        (":path", "/access_token=abc"),
        (":path", "/?ACCESS_TOKEN=abc"),
        (":path", "/?xaccess_token=abc"),
        ("cookie", "AT=abc"),
        ("cookie", "xat=abc; at"),
        ("cookie", "a=\"at=abc\""),
        ("cookie", "at"),
        (":path", "/?access_tokens=abc&x;y"),
        ("x-accesstoken", "abc"),
    ] {
        assert_eq!(taken(&worker, &[(name, value.as_bytes())]), Err("missing_token".to_owned()), "{name}: {value}");
    }
}

#[test]
fn two_tokens_are_refused_even_when_they_are_equal() {
    let worker = everywhere();
    let pairs: [&[(&str, &[u8])]; 9] = [
        &[("authorization", b"Bearer abc"), ("authorization", b"Bearer abc")],
        &[("authorization", b"Bearer abc"), ("x-access-token", b"abc")],
        &[("authorization", b"Bearer abc"), (":path", b"/?access_token=abc")],
        &[("authorization", b"Bearer abc"), ("cookie", b"at=abc")],
        &[("x-access-token", b"abc"), ("X-Access-Token", b"abc")],
        &[(":path", b"/?access_token=abc&access_token=abc")],
        &[("cookie", b"at=abc; at=def")],
        &[("cookie", b"at=abc"), ("cookie", b"at=abc")],
        &[("cookie", b"a=1; at=abc"), ("cookie", b"at=def; b=2")],
    ];
    for headers in pairs {
        assert_eq!(taken(&worker, headers), Err("invalid_request".to_owned()), "{headers:?}");
    }
    assert!(worker.sent_callouts().is_empty());
}

/// Places where no token is read, but where some upstream may find one.
const TWINS: [(&str, &str); 22] = [
    ("authorization", "Basic YTpi,Bearer evil"),
    ("authorization", "Basic YTpi, bearer evil"),
    ("authorization", "Basic YTpi Bearer evil"),
    ("authorization", ",Bearer evil"),
    ("authorization", "Bearer,evil"),
    ("x_access_token", "evil"),
    ("x-access_token", "evil"),
    ("x_access-token", "evil"),
    ("x.access.token", "evil"),
    (":path", "/?x=1;access_token=evil"),
    (":path", "/?x=1;access%5Ftoken=evil"),
    (":path", "/?access_token;x=evil"),
    (":path", "/?access_token[]=evil"),
    (":path", "/?access.token=evil"),
    (":path", "/?%20access_token=evil"),
    (":path", "/?access_token%00=evil"),
    ("cookie", "theme=x,at=evil"),
    ("cookie", "theme=x, at=evil"),
    ("cookie", "at =evil"),
    ("cookie", "%61t=evil"),
    ("cookie", "at[]=evil"),
    ("cookie", "a=\"x; at=evil; b=y\""),
];

#[test]
fn what_an_upstream_could_take_for_a_token_is_refused_beside_one_and_alone() {
    let worker = everywhere();
    for (name, value) in TWINS {
        let alone = [(name, value.as_bytes())];
        assert_eq!(taken(&worker, &alone), Err("invalid_request".to_owned()), "{name}: {value}");
        let mut beside = alone.to_vec();
        beside.push(if name == "cookie" { ("x-access-token", &b"abc"[..]) } else { ("cookie", b"at=abc") });
        assert_eq!(taken(&worker, &beside), Err("invalid_request".to_owned()), "{name}: {value}");
    }
    assert!(worker.sent_callouts().is_empty());
}

#[test]
fn what_few_upstreams_take_for_a_token_is_none_but_stands_beside_none() {
    let worker = everywhere();
    for (name, value) in [("authorization", "Bearer\tevil"), (":path", "/?Access_Token=evil")] {
        let alone = [(name, value.as_bytes())];
        assert_eq!(taken(&worker, &alone), Err("missing_token".to_owned()), "{name}: {value}");
        let beside = [alone[0], ("cookie", b"at=abc")];
        assert_eq!(taken(&worker, &beside), Err("invalid_request".to_owned()), "{name}: {value}");
    }
}

#[test]
fn where_no_token_is_needed_nothing_that_looks_like_one_passes_unjudged() {
    let sources = json!([
        {"header": "authorization", "scheme": "Bearer"}, {"header": "x-access-token"}, {"query": "access_token"},
        {"cookie": "at"},
    ]);
    let apis = json!([{"id": "orders-v1", "token": "optional"}]);
    let worker = worker(&configuration(json!({"token": {"sources": sources}, "apis": apis})));
    for (name, value) in TWINS.into_iter().chain([("authorization", "Bearer\tevil"), (":path", "/?Access_Token=evil")])
    {
        assert_eq!(worker.exchange(&[(name, value)]).error(), "invalid_request", "{name}: {value}");
    }
    for (name, value) in [("authorization", "Basic YTpi"), (":path", "/?x;y"), ("cookie", "a=\"b\"; AT=1")] {
        assert!(worker.exchange(&[(name, value)]).passed(), "{name}: {value}");
    }
}

#[test]
fn each_cookie_line_is_read_for_itself() {
    let worker = everywhere();
    assert_eq!(taken(&worker, &[("cookie", b"theme=\"x"), ("cookie", b"at=abc")]), Ok("abc".to_owned()));
    assert_eq!(taken(&worker, &[("cookie", b"theme=x,"), ("cookie", b"at=abc; y=1,2")]), Ok("abc".to_owned()));
    let one_line = [("cookie", &b"theme=x,at=abc"[..])];
    assert_eq!(taken(&worker, &one_line), Err("invalid_request".to_owned()));
}

#[test]
fn a_token_beside_an_empty_one_is_refused_too() {
    let worker = everywhere();
    let pairs: [&[(&str, &[u8])]; 4] = [
        &[("authorization", b"Bearer abc"), (":path", b"/?access_token=")],
        &[("authorization", b"Bearer abc"), ("cookie", b"at=")],
        &[("authorization", b"Bearer "), ("x-access-token", b"abc")],
        &[("authorization", b"Bearer abc"), ("x-access-token", b"")],
    ];
    for headers in pairs {
        assert_eq!(taken(&worker, headers), Err("invalid_request".to_owned()), "{headers:?}");
    }
}

#[test]
fn a_basic_credential_beside_a_token_is_none_of_ours() {
    let worker = everywhere();
    let headers: [(&str, &[u8]); 2] = [("authorization", b"Basic YTpi"), ("x-access-token", b"abc")];
    assert_eq!(taken(&worker, &headers), Ok("abc".to_owned()));
}

#[test]
fn empty_and_malformed_tokens_are_invalid_requests() {
    let worker = everywhere();
    for (name, value) in [
        ("authorization", &b"Bearer"[..]),
        ("authorization", b"Bearer "),
        ("authorization", b"Bearer      "),
        ("authorization", b"Bearer a b"),
        ("authorization", b"Bearer a,b"),
        ("authorization", b"Bearer \"abc\""),
        ("authorization", b"Bearer ="),
        ("authorization", b"Bearer a=b"),
        ("authorization", b"Bearer a\xffb"),
        ("authorization", b"Bearer \xc3\xa9"),
        ("authorization", b"Bearer a%41"),
        ("x-access-token", b""),
        ("x-access-token", b" "),
        ("x-access-token", b"a b"),
        (":path", b"/?access_token"),
        (":path", b"/?access_token="),
        (":path", b"/?access_token=%ff"),
        (":path", b"/?access_token=a+b"),
        ("cookie", b"at="),
        ("cookie", b"at=a\x80"),
        ("cookie", b"at=abc,def"),
    ] {
        assert_eq!(taken(&worker, &[(name, value)]), Err("invalid_request".to_owned()), "{name}: {value:?}");
    }
    assert!(worker.sent_callouts().is_empty());
}

#[test]
fn every_b64token_arrives_as_it_was_sent() {
    let worker = everywhere();
    for token in ["a", "0", "00D30!AQ4.x", "a-._~+/", "a==", "eyJ9.e30.sig", "AbC123/+~_-.==", "-", "."] {
        let value = format!("Bearer {token}");
        assert_eq!(taken(&worker, &[("authorization", value.as_bytes())]), Ok(token.to_owned()));
    }
    assert_eq!(taken(&worker, &[(":path", b"/?access_token=a%2Bb%2Fc%3D")]), Ok("a+b/c=".to_owned()));
}

#[test]
fn a_token_may_be_as_long_as_the_configuration_says() {
    let worker = worker(&configuration(json!({"token": {"max_length": 20}})));
    let bearer = |length: usize| format!("Bearer   {}  ", "x".repeat(length)).into_bytes();
    assert_eq!(taken(&worker, &[("authorization", &bearer(20))]), Ok("x".repeat(20)));
    assert_eq!(taken(&worker, &[("authorization", &bearer(21))]), Err("invalid_request".to_owned()));
    assert_eq!(taken(&worker, &[("authorization", &bearer(65_536))]), Err("invalid_request".to_owned()));
    let default = self::worker(&configuration(json!({})));
    assert_eq!(taken(&default, &[("authorization", &bearer(8192))]), Ok("x".repeat(8192)));
    assert_eq!(taken(&default, &[("authorization", &bearer(8193))]), Err("invalid_request".to_owned()));
}
