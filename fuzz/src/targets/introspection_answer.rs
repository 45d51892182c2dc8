//! Answers of an authorization server: what is read of them is what they say, to somebody who reads JSON with another
//! library and no cleverness.

use super::super::Target;
use super::super::message::Message;
use serde_json::Value;
use std::time::Duration;
use tessera_core::base::http::{HttpAnswer, HttpResult};
use tessera_core::base::json::Object;
use tessera_core::base::retry_after::retry_after;
use tessera_core::base::time::Timestamp;
use tessera_core::cache::{CacheControl, Lifetime, Remembered, codec};
use tessera_core::provider::introspection::response;
use tessera_core::token::claims::ClaimNames;
use tessera_core::token::facts::{Facts, TokenState};

pub const TARGET: Target = Target {
    name: "introspection_answer",
    seeds,
    words: &[
        "\"active\":true",
        "\"active\":false",
        "\"active\":\"true\"",
        "\"exp\":",
        "1767229200",
        "1e400",
        "-1",
        "null",
        "\"\\ud800\"",
        "\"aud\":[",
        "\"scope\":\"a b\"",
        "\"client_id\":\"",
        "\"expires_in\":",
        "\"cnf\":{\"jkt\":\"x\"}",
        "{",
        "}",
        "[",
        "]",
        ",",
        "retry-after: 5\n",
        "cache-control: no-store\n",
        "content-encoding: gzip\n",
        "503\n",
        "429\n",
        "401\n",
        "\"error\":\"invalid_token\"",
        "\"nbf\":",
        ".5",
        "18446744073709551616",
        "\"token_type\":\"DPoP\"",
        "\\u0000",
        "\\u0061ctive",
    ],
    run,
    rounds: 40_000,
    reaches: &["active", "inactive", "inactive by error", "unavailable", "unusable"],
};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn seeds() -> Vec<Vec<u8>> {
    let whole = r#"{"active":true,"client_id":"portal","scope":"orders.read a","exp":1767229200,"nbf":1.5,"iat":"17",
        "sub":"u","aud":["api","b"],"iss":"https://idp","username":"José","org":{"name":"A","n":[1,2]},"level":2.5}"#;
    [
        format!("200\ncontent-type: application/json\ncache-control: max-age=60\n\n{whole}"),
        "200\n\n{\"active\":false}".into(),
        "200\n\n{\"active\":true,\"expires_in\":\"600\",\"azp\":\"x\",\"scp\":[\"a\",\"b\"]}".into(),
        "200\n\n{\"active\":true,\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"},\"token_use\":\"refresh_token\"}".into(),
        "401\n\n{\"error\":\"invalid_token\"}".into(),
        "400\n\n{\"error\":\"unsupported_token_type\"}".into(),
        "503\nretry-after: Thu, 01 Jan 2026 00:00:09 GMT\n\n".into(),
        "429\nretry-after: 7\ncache-control: no-cache=\"x, y\", must-revalidate\n\n".into(),
        "302\nlocation: /\n\n<html>".into(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

fn names() -> ClaimNames {
    let list = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    ClaimNames {
        client_id: list(&["client_id", "azp", "appid", "cid"]),
        scope: list(&["scope", "scp"]),
        pointers: list(&["/org/name", "/org/n"]),
        all_scalars: true,
        asked: vec![("/org/name".into(), "\"A\"".into())],
        keeps_presence: false,
        keeps_answer: false,
    }
}

fn run(input: &[u8]) -> String {
    let message = Message::read(input);
    let answer = message.answer();
    check_waiting(&answer);
    check_cache_control(&answer);
    let status = answer.status;
    let read = response::read(&HttpResult::Answered(answer.clone()), &names(), false, NOW);
    let json: Option<Value> = serde_json::from_slice(message.body).ok();
    match read {
        Ok(TokenState::Active(facts)) => {
            let said = json.expect("what passes for JSON is JSON");
            assert!(status == 200 && !answer.is_coded() && said["active"] == true, "active, by {said}");
            assert_eq!(times_named(message.body, "active"), 1, "active, though it is said twice");
            check_facts(&facts, &said);
            check_round_trip(&TokenState::Active(facts));
            "active".into()
        }
        Ok(TokenState::Inactive) => {
            let said = json.expect("what passes for JSON is JSON");
            check_round_trip(&TokenState::Inactive);
            if status == 200 {
                assert_eq!(said["active"], false);
                return "inactive".into();
            }
            assert!(matches!(status, 400 | 401), "inactive by a {status}");
            assert!(said["error"] == "invalid_token" || said["error"] == "unsupported_token_type");
            "inactive by error".into()
        }
        Err(failure) => {
            let plain = status == 200 && !answer.is_coded() && Object::read(message.body, &|_| true).is_ok();
            let is_false = plain && json.as_ref().is_some_and(|said| said["active"] == false);
            assert!(!is_false || message.body.len() > response::MAX_ANSWER_BYTES, "not inactive, but {failure}");
            let wait = failure.retry_after().unwrap_or_default();
            assert!(wait <= Duration::from_secs(10), "a pause of {wait:?}");
            if status == 429 || status >= 500 { "unavailable".into() } else { "unusable".into() }
        }
    }
}

/// How often the top object has this member, as another reader of JSON sees it.
fn times_named(json: &[u8], name: &str) -> usize {
    struct Count<'n>(&'n str);
    impl<'de> serde::de::Visitor<'de> for Count<'_> {
        type Value = usize;
        fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            text.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while let Some(key) = map.next_key::<String>()? {
                count += usize::from(key == self.0);
                map.next_value::<serde::de::IgnoredAny>()?;
            }
            Ok(count)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    serde::Deserializer::deserialize_map(&mut reader, Count(name)).expect("an object")
}

/// The times, the client and the scopes are those that are said.
fn check_facts(facts: &Facts, said: &Value) {
    let seconds = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let Some(end) = facts.expires_at {
        let exp = seconds(&said["exp"]);
        let relative = exp.is_none().then(|| seconds(&said["expires_in"])).flatten();
        let latest = exp.or(relative.map(|left| left + NOW.as_millis() as f64 / 1000.0)).expect("an end that is said");
        let end = end.as_millis() as f64 / 1000.0;
        assert!(end <= latest.max(0.0) + 1e-3 * latest.abs().max(1.0) * 1e-9 + 1e-3, "it ends at {end}, not {latest}");
    } else {
        assert!(said["exp"].is_null() && said["expires_in"].is_null(), "an end is said, and passed over");
    }
    if !said["nbf"].is_null() {
        assert!(facts.not_before.is_some(), "a beginning is said, and passed over");
    }
    if let Some(client) = &facts.client_id {
        let named = ["client_id", "azp", "appid", "cid"].iter().any(|name| said[name] == **client);
        assert!(named && !client.is_empty(), "a client that is not named: {client}");
    }
    for scope in &facts.scope {
        let holds = |value: &Value| match value {
            Value::String(text) => text.split(' ').any(|part| part == &**scope),
            Value::Array(list) => list.iter().any(|part| {
                *part == **scope || part.as_str().is_some_and(|text| text.split(' ').any(|part| part == &**scope))
            }),
            _ => false,
        };
        assert!(holds(&said["scope"]) || holds(&said["scp"]), "a scope that is not said: {scope}");
    }
    let bound =
        !said["cnf"].is_null() || said["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"));
    assert!(!bound || facts.confirmation.is_some(), "a token that is bound, and is not");
}

fn check_round_trip(state: &TokenState) {
    let lifetime = Lifetime {
        asked_at: NOW,
        fresh_until: NOW.plus(Duration::from_secs(9)),
        stale_until: NOW.plus(Duration::from_secs(20)),
    };
    let remembered = Remembered::within_exp(state.clone(), lifetime);
    let bytes = codec::encode(&remembered, &[7; 32]);
    if bytes.len() <= codec::MAX_ENTRY {
        assert_eq!(codec::decode(&bytes, &[7; 32]), Ok(Some(remembered)), "what is stored is not what is read");
        assert_eq!(codec::decode(&bytes, &[8; 32]), Ok(None), "an entry of another token");
    }
}

fn check_waiting(answer: &HttpAnswer) {
    let longest = Duration::from_secs(3600);
    let wait = retry_after(answer, NOW, longest);
    let text = answer.header("retry-after").and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    if let Ok(seconds) = text.parse::<u32>()
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        assert_eq!(wait, Some(Duration::from_secs(seconds.into()).min(longest)));
    }
    assert!(wait.is_none_or(|wait| wait <= longest));
}

/// What forbids keeping is never overlooked.
fn check_cache_control(answer: &HttpAnswer) {
    let found = CacheControl::of(answer);
    let lines = answer.headers.iter().filter(|(name, _)| name == "cache-control");
    for (_, value) in lines {
        let text = String::from_utf8_lossy(value).to_ascii_lowercase();
        if text.contains('"') {
            continue;
        }
        for directive in text.split(',').map(str::trim) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            assert!(found.no_store || !matches!(name, "no-store" | "no-cache"), "{directive} is overlooked");
            if let ("max-age", Ok(age)) = (name, value.parse::<u32>()) {
                let short = found.max_age.is_some_and(|found| found <= Duration::from_secs(age.into()));
                assert!(found.no_store || short, "{directive} is overlooked");
            }
        }
    }
}
