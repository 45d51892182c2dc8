//! Signed things, by the whole filter: JWT access tokens, signed answers, DPoP proofs. Some inputs are the text of one:
//! it counts only if the key has signed that text. Others are header and payload, which the key signs whatever they are:
//! they count only if a second reader finds all that is asked for.

use super::super::Target;
use super::super::message::Lines;
use super::super::scene::{Ended, Scene, introspection};
use super::super::signer::{base64url, jwk, sha256, sign, thumbprint};
use serde_json::{Value, json};
use std::cell::RefCell;

mod seeds;

use seeds::{good_answer, good_proof, good_token, seeds};

pub const TARGET: Target = Target {
    name: "signatures",
    seeds,
    words: &[
        "\"alg\":\"EdDSA\"",
        "\"alg\":\"none\"",
        "\"alg\":\"HS256\"",
        "\"typ\":\"at+jwt\"",
        "\"crit\":[\"exp\"]",
        "\"iss\":",
        "\"aud\":[",
        "\"exp\":1767229200",
        "\"exp\":1",
        "\"nbf\":",
        "1e999",
        "-1",
        "null",
        "\"jti\":\"j\"",
        "\"ath\":",
        "\"htm\":\"GET\"",
        "\"htu\":",
        "https://api.example.com/",
        "\"jwk\":{",
        "\"active\":true",
        "\"token_introspection\":{",
        "{",
        "}",
        ",",
        ".",
        "=",
        "\\u0061",
        "\"b64\":false",
        "\"iat\":1767225600",
        "\"zip\":\"DEF\"",
    ],
    run,
    rounds: 1500,
    reaches: &["token passed", "answer passed", "proof passed", "bad_signature", "proof_invalid", "malformed_token"],
};

const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "https://api.example.com";
const URI: &str = "https://api.example.com/";
/// The time in every scene, in seconds; nothing moves its clock.
const NOW: u64 = super::super::host::START;

/// What is signed, and how it is given.
fn parts(input: &[u8]) -> (&[u8], &[u8]) {
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..at], input.get(at + 1..).unwrap_or_default())
}

thread_local! {
    static SCENE: RefCell<Option<(Scene, u32)>> = const { RefCell::new(None) };
}

fn configuration() -> Value {
    let keys = json!({"inline": {"keys": [jwk()]}});
    let jwt = json!({"keys": keys, "algorithms": ["EdDSA"]});
    let mut signed = introspection();
    signed["response"] = "jwt".into();
    json!({
        "providers": [
            {"name": "jwt", "issuer": ISSUER, "jwt": jwt, "audiences": [AUDIENCE]},
            {"name": "signed", "issuer": ISSUER.to_owned() + "/signed", "introspection": signed, "jwt": jwt},
            {"name": "plain", "issuer": ISSUER.to_owned() + "/plain", "introspection": introspection()},
        ],
        "apis": [
            {"id": "jwt", "match": {"hosts": ["jwt.example.com"]}, "providers": ["jwt"]},
            {"id": "signed", "match": {"hosts": ["signed.example.com"]}, "providers": ["signed"]},
            {"id": "plain", "match": {"hosts": ["api.example.com"]}, "providers": ["plain"]},
        ],
        "token": {"sources": [{"header": "authorization", "scheme": "Bearer"}]},
        // Nothing is remembered but used proofs, and those go with the scene.
        "cache": {"entries": 0},
    })
}

fn run(input: &[u8]) -> String {
    let (kind, rest) = parts(input);
    let kind = String::from_utf8_lossy(kind).into_owned();
    let (what, form) = kind.split_once(' ').unwrap_or(("token", "text"));
    let (text, signed) = match form {
        "parts" => {
            let (header, payload) = parts(rest);
            (sign(header, payload), true)
        }
        _ => (String::from_utf8_lossy(rest).into_owned(), false),
    };
    SCENE.with_borrow_mut(|scene| {
        // Proofs are used up.
        if scene.as_ref().is_none_or(|(_, used)| *used == 50) || what == "proof" {
            *scene = Some((Scene::start(&configuration()), 0));
        }
        let (scene, used) = scene.as_mut().expect("a scene");
        *used += 1;
        match what {
            "answer" => signed_answer(scene, &text, signed),
            "proof" => proof(scene, &text, signed),
            _ => token(scene, &text, signed),
        }
    })
}

fn lines<const N: usize>(lines: [(&str, String); N]) -> Option<Lines> {
    let sound = lines.iter().all(|(_, value)| !value.bytes().any(|byte| matches!(byte, 0 | b'\r' | b'\n')));
    sound.then(|| lines.map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes())).to_vec())
}

/// The signature is over one of the good texts; of texts that are signed here, all are.
fn is_signed(text: &str, signed: bool, good: [String; 2]) -> bool {
    let [header, payload] = good;
    let input = format!("{}.{}", base64url(header), base64url(payload));
    signed || text.trim().rsplit_once('.').is_some_and(|(signed, _)| signed == input)
}

fn members(part: Option<&str>) -> Value {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part.unwrap_or_default()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn header_and_claims(text: &str) -> (Value, Value) {
    let mut parts = text.trim().split('.');
    (members(parts.next()), members(parts.next()))
}

fn has(value: &Value, wanted: &str) -> bool {
    value == wanted || value.as_array().is_some_and(|list| list.iter().any(|one| one == wanted))
}

/// Within the ten seconds that clocks may be off.
fn is_past(value: &Value) -> bool {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).is_some_and(|time| time <= NOW as f64 + 10.0)
}

fn is_ahead(value: &Value) -> bool {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).is_some_and(|time| time > NOW as f64 - 10.0)
}

fn token(scene: &Scene, text: &str, signed: bool) -> String {
    let Some(lines) = lines([("authorization", format!("Bearer {text}")), (":authority", "jwt.example.com".into())])
    else {
        return "unsendable".into();
    };
    match scene.send(&lines, |_, call| panic!("nobody is asked: {call:?}")) {
        Ended::Refused(outcome, _) => outcome,
        Ended::Passed(_) => {
            let (header, claims) = header_and_claims(text);
            assert!(is_signed(text, signed, good_token()), "a forged token passes: {text}");
            assert_eq!(header["alg"], "EdDSA");
            assert!(header["crit"].is_null() && header["b64"].is_null(), "{header}");
            let typ = header["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
            assert!(header["typ"].is_null() || ["at+jwt", "application/at+jwt", "jwt"].contains(&&*typ), "{header}");
            assert!(claims["iss"] == ISSUER && has(&claims["aud"], AUDIENCE), "{claims}");
            assert!(is_ahead(&claims["exp"]) && claims["cnf"].is_null(), "{claims}");
            assert!(claims["nbf"].is_null() || is_past(&claims["nbf"]), "{claims}");
            "token passed".into()
        }
    }
}

fn signed_answer(scene: &Scene, text: &str, signed: bool) -> String {
    let lines = lines([("authorization", "Bearer t".into()), (":authority", "signed.example.com".into())]);
    let media = [("content-type", "application/token-introspection+jwt")];
    match scene.send(&lines.expect("plain text"), |worker, call| worker.answer(call.id, 200, &media, text)) {
        Ended::Refused(outcome, _) => outcome,
        Ended::Passed(_) => {
            let (header, claims) = header_and_claims(text);
            assert!(is_signed(text, signed, good_answer()), "a forged answer counts: {text}");
            let typ = header["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
            assert!(typ.ends_with("token-introspection+jwt") && header["crit"].is_null(), "{header}");
            assert!(claims["iss"] == ISSUER.to_owned() + "/signed", "{claims}");
            assert!(has(&claims["aud"], "gateway") && is_past(&claims["iat"]), "{claims}");
            assert!(claims["exp"].is_null() || is_ahead(&claims["exp"]), "{claims}");
            assert_eq!(claims["token_introspection"]["active"], true);
            "answer passed".into()
        }
    }
}

fn proof(scene: &Scene, text: &str, signed: bool) -> String {
    let lines = lines([
        ("authorization", "DPoP bound".into()),
        ("x-forwarded-proto", "https".into()),
        ("dpop", text.to_owned()),
    ]);
    let Some(lines) = lines else { return "unsendable".into() };
    let bound = json!({"active": true, "client_id": "portal", "cnf": {"jkt": thumbprint()}}).to_string();
    match scene.send(&lines, |worker, call| worker.answer_json(call.id, &bound)) {
        Ended::Refused(outcome, _) => outcome,
        Ended::Passed(_) => {
            let (header, claims) = header_and_claims(text);
            assert!(is_signed(text, signed, good_proof()), "a forged proof counts: {text}");
            let key = ["crv", "kty", "x"].iter().all(|name| header["jwk"][name] == jwk()[name]);
            assert!(
                key && header["typ"].as_str().is_some_and(
                    |typ| typ.eq_ignore_ascii_case("dpop+jwt") || typ.eq_ignore_ascii_case("application/dpop+jwt")
                ),
                "{header}"
            );
            assert!(header["jwk"]["d"].is_null() && header["crit"].is_null(), "{header}");
            assert!(claims["htm"] == "GET" && claims["ath"] == sha256("bound"), "{claims}");
            let uri = claims["htu"].as_str().unwrap_or_default().to_ascii_lowercase();
            let uri = uri.split(['?', '#']).next().unwrap_or_default();
            let path = ["https://api.example.com:443", "https://api.example.com:", "https://api.example.com"]
                .iter()
                .find_map(|origin| uri.strip_prefix(origin));
            assert!(path.is_some_and(is_root), "{claims}");
            assert!(is_past(&claims["iat"]) && claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()), "{claims}");
            assert!(claims["iat"].as_f64().is_some_and(|time| time >= NOW as f64 - 400.0), "{claims}");
            // The same once more is a replay, whichever worker has it.
            for scene in [scene, &scene.other(&configuration())] {
                let again = scene.send(&lines, |worker, call| worker.answer_json(call.id, &bound));
                assert!(
                    matches!(again, Ended::Refused(outcome, _) if outcome == "proof_invalid"),
                    "a proof counts twice"
                );
            }
            "proof passed".into()
        }
    }
}

/// Whether a path is `/` once dot segments are gone (RFC 3986 §5.2.4); none is the same.
fn is_root(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return path.is_empty() };
    let path = rest.replace("%2e", ".");
    let mut left: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    left.pop();
                }
                if segments.peek().is_none() {
                    left.push("");
                }
            }
            other => left.push(other),
        }
    }
    left.is_empty() || left == [""]
}
