//! DPoP proofs that are wrong in one odd way each, and signed by the right key over just that.

use crate::caller::{A_TICK, active};
use crate::configuration::configuration;
use crate::host::{Process, Worker};
use crate::process;
use crate::tokens::{KeyKind, KeyPair, sha256};
use proxy_wasm::types::Status;
use serde_json::{Value, json};
use std::time::Duration;

const URI: &str = "https://api.example.com/";
const HEADER: &str = "there is not one proof of at most 4 KiB";
const SEGMENTS: &str = "it does not have three segments";
const PAYLOAD: &str = "its claims are no JSON object without repeated members";
const TARGET: &str = "htu is not the request's URI";
const TOKEN: &str = "ath is not the digest of the access token";
const TIME: &str = "iat is missing, too old or ahead";
const IDENTIFIER: &str = "jti is missing or too long";
const METHOD: &str = "htm is not the request's method";
const ALGORITHM: &str = "its algorithm is not accepted";

struct Scene {
    process: Process,
    worker: Worker,
    key: KeyPair,
}

impl Scene {
    /// A worker that knows the token `abc`, which is bound to the key.
    fn new(kind: KeyKind) -> Self {
        let (process, key) = (process(), KeyPair::generate(kind));
        let worker = process.worker(&configuration(json!({}))).expect("a configuration that is accepted");
        let stream = worker.bearer("abc");
        let answer = active(json!({"client_id": "portal", "cnf": {"jkt": key.thumbprint()}}));
        worker.answer_json(worker.callout().id, &answer);
        worker.hang_up(stream);
        Self { process, worker, key }
    }

    fn header(&self) -> Value {
        json!({"alg": self.key.usual_algorithm(), "typ": "dpop+jwt", "jwk": self.key.bare_jwk()})
    }

    fn claims(&self) -> Value {
        let now = self.process.now().as_secs();
        json!({"htm": "GET", "htu": URI, "iat": now, "jti": "j", "ath": sha256("abc")})
    }

    fn proof(&self, header: impl ToString, claims: impl ToString) -> String {
        self.key.jws_of(self.key.usual_algorithm(), header.to_string(), claims.to_string())
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.proof(self.header(), claims)
    }

    /// What was wrong with a request that shows these; `None` where nothing was.
    fn shown(&self, authority: &str, proofs: &[impl AsRef<str>]) -> Option<String> {
        let mut lines = vec![(":authority", authority), ("authorization", "DPoP abc"), ("x-forwarded-proto", "https")];
        lines.extend(proofs.iter().map(|proof| ("dpop", proof.as_ref())));
        let stream = self.worker.request(&lines);
        let detail = self.worker.property(stream, "tessera.detail");
        let detail = detail.map(|detail| String::from_utf8(detail).expect("text"));
        let outcome = self.worker.outcome(stream);
        assert_eq!(outcome.passed(), detail.is_none(), "{detail:?}");
        if !outcome.passed() {
            assert_eq!(
                (outcome.status(), self.worker.outcome_property(stream).as_deref()),
                (Some(401), Some("proof_invalid"))
            );
        }
        self.worker.hang_up(stream);
        detail
    }

    #[track_caller]
    fn refuses(&self, what: &str, proofs: &[impl AsRef<str>], why: &str) {
        let expected = Some(format!("DPoP proof: {why}"));
        assert_eq!(self.shown("api.example.com", proofs), expected, "{what}");
    }
}

#[test]
fn the_header_is_there_once_and_of_a_bounded_length() {
    let scene = Scene::new(KeyKind::P256);
    let good = scene.proof(scene.header(), scene.claims());
    let long = |length: usize| scene.with_claim("jti", json!("j".repeat(length)));
    for (what, proofs, why) in [
        ("two", vec![good.clone(), good.clone()], HEADER),
        ("a good one and an empty one", vec![good.clone(), String::new()], HEADER),
        ("an empty one and a good one", vec![String::new(), good.clone()], HEADER),
        ("two in one line", vec![format!("{good},{good}")], SEGMENTS),
        ("two in one line, and a space", vec![format!("{good}, {good}")], SEGMENTS),
        ("empty", vec![String::new()], SEGMENTS),
        ("a space", vec![" ".to_owned()], SEGMENTS),
        ("a space before it", vec![format!(" {good}")], "a segment is not base64url"),
        ("64 KiB", vec!["a".repeat(64 << 10)], HEADER),
        ("64 KiB of a good one", vec![long(48 << 10)], HEADER),
        ("a jti of 10 KiB", vec![long(10 << 10)], HEADER),
        ("a jti of 2 KiB", vec![long(2 << 10)], IDENTIFIER),
        ("a jti of 257 bytes", vec![long(257)], IDENTIFIER),
        ("a jti of 257 bytes in 129 characters", vec![scene.with_claim("jti", json!("é".repeat(129)))], IDENTIFIER),
    ] {
        scene.refuses(what, &proofs, why);
    }
    assert_eq!(scene.shown("api.example.com", &[good]), None);
    assert_eq!(scene.shown("api.example.com", &[long(256)]), None);
}

#[test]
fn the_target_is_spelled_in_one_of_the_ways_that_mean_it() {
    let scene = Scene::new(KeyKind::P256);
    let shown = |authority: &str, htu: &str, number: usize| {
        let mut claims = scene.claims();
        claims["htu"] = json!(htu);
        claims["jti"] = json!(number.to_string());
        scene.shown(authority, &[scene.proof(scene.header(), claims)])
    };
    let cases = [
        ("api.example.com", "https://user@api.example.com/", false),
        ("api.example.com", "https://user:password@api.example.com/", false),
        ("api.example.com", "https://api.example.com@evil.example/", false),
        ("api.example.com", "https://evil.example#@api.example.com/", false),
        ("api.example.com", "https://api.example.com./", false),
        ("api.example.com", "https://%61pi.example.com/", false),
        ("api.example.com", "https://api.example.com/%2F", false),
        ("api.example.com", "https://api.example.com//", false),
        ("api.example.com", "https://api.example.com\\", false),
        ("api.example.com", "https://api.example.com:0443/", false),
        ("api.example.com", "https://api.example.com:8443/", false),
        ("api.example.com", "https://api.example.com:80/", false),
        ("api.example.com", "//api.example.com/", false),
        ("api.example.com", "/", false),
        ("api.example.com", "wss://api.example.com/", false),
        ("api.example.com", "https://api.example.com/\u{0}", false),
        ("api.example.com", " https://api.example.com/", false),
        ("api.example.com", "https://api.example.com/ ", false),
        ("api.example.com", "https://аpi.example.com/", false),
        ("api.example.com", "HTTPS://API.EXAMPLE.COM/", true),
        ("api.example.com", "https://api.example.com", true),
        ("api.example.com", "https://api.example.com:443/", true),
        ("api.example.com", "https://api.example.com/?q=/%zz", true),
        ("api.example.com", "https://api.example.com/#f", true),
        ("api.example.com", "https://api.example.com/a/%2e%2E/", true),
        ("API.example.com:443", "https://api.example.com/", true),
        ("api.example.com.", "https://api.example.com./", true),
        ("api.example.com.", "https://api.example.com/", false),
        ("[2001:DB8::1]", "https://[2001:db8::1]/", true),
        ("[2001:db8::1]:443", "https://[2001:db8::1]/", true),
        // One address, but not one text: it is refused.
        ("[2001:db8::1]", "https://[2001:db8:0::1]/", false),
        ("[2001:db8::1]", "https://2001:db8::1/", false),
    ];
    for (number, (authority, htu, passes)) in cases.into_iter().enumerate() {
        let expected = (!passes).then(|| format!("DPoP proof: {TARGET}"));
        assert_eq!(shown(authority, htu, number), expected, "{authority} {htu}");
    }
}

#[test]
fn a_claim_is_of_its_type_and_in_its_bounds() {
    let scene = Scene::new(KeyKind::P256);
    let now = scene.process.now().as_secs();
    for (name, value, why) in [
        ("iat", json!(now + 11), TIME),
        ("iat", json!(now - 71), TIME),
        ("iat", json!(-1), TIME),
        ("iat", json!(i64::MIN), TIME),
        ("iat", json!(u64::MAX), TIME),
        ("iat", json!(u64::MAX / 1000), TIME),
        ("iat", json!(1e300), TIME),
        ("iat", json!(-0.5), TIME),
        ("iat", json!("NaN"), TIME),
        ("iat", json!(now.to_string()), TIME),
        ("iat", json!([now]), TIME),
        ("nbf", json!(u64::MAX), TIME),
        ("exp", json!(now - 11), TIME),
        ("exp", json!(-1), TIME),
        ("ath", json!(sha256("abd")), TOKEN),
        ("ath", json!(sha256("")), TOKEN),
        ("ath", json!(format!("{}=", sha256("abc"))), TOKEN),
        ("ath", json!(sha256("abc").to_uppercase()), TOKEN),
        ("ath", json!([sha256("abc")]), TOKEN),
        ("htm", json!("get"), METHOD),
        ("htm", json!("GET "), METHOD),
        ("htm", json!(["GET"]), METHOD),
        ("htm", json!("*"), METHOD),
        ("htu", json!([URI]), TARGET),
        ("jti", json!(1), IDENTIFIER),
        ("jti", json!(["j"]), IDENTIFIER),
    ] {
        scene.refuses(&format!("{name} {value}"), &[scene.with_claim(name, value)], why);
    }
    // What is no JSON, or no object, or says something twice.
    let claims = scene.claims().to_string();
    let iat = |value: &str| claims.replace(&format!("\"iat\":{now}"), &format!("\"iat\":{value}"));
    assert_ne!(iat("0"), claims);
    for (what, claims, why) in [
        ("NaN", iat("NaN"), PAYLOAD),
        ("infinity", iat("Infinity"), PAYLOAD),
        ("leading zeros", iat(&format!("0{now}")), PAYLOAD),
        ("hexadecimal", iat("0x10"), PAYLOAD),
        ("twice", iat(&format!("{now},\"iat\":{now}")), PAYLOAD),
        ("twice, escaped", iat(&format!("{now},\"\\u0069at\":{now}")), PAYLOAD),
        ("a list", format!("[{claims}]"), PAYLOAD),
        ("more behind it", format!("{claims} x"), PAYLOAD),
        ("nothing", String::new(), PAYLOAD),
        ("deep", "[".repeat(1500), PAYLOAD),
    ] {
        scene.refuses(what, &[scene.proof(scene.header(), claims)], why);
    }
    // Beyond what a number can be.
    let huge = scene.proof(scene.header(), iat("1e400"));
    assert!(scene.shown("api.example.com", &[huge]).is_some());
    assert_eq!(scene.shown("api.example.com", &[scene.proof(scene.header(), claims)]), None);
}

#[test]
fn a_key_is_public_and_signs_by_an_algorithm_of_its_own() {
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa] {
        let scene = Scene::new(kind);
        let shown = |change: &dyn Fn(&mut Value)| {
            let mut header = scene.header();
            change(&mut header);
            scene.shown("api.example.com", &[scene.proof(header, scene.claims())])
        };
        for algorithm in ["none", "None", "HS256", "HS512", "ES256K", "dir", ""] {
            let detail = shown(&|header| header["alg"] = json!(algorithm));
            assert_eq!(detail, Some(format!("DPoP proof: {ALGORITHM}")), "{algorithm}");
        }
        for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
            if algorithm != scene.key.usual_algorithm() {
                assert!(shown(&|header| header["alg"] = json!(algorithm)).is_some(), "{kind:?} {algorithm}");
            }
        }
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
            assert!(shown(&|header| header["jwk"][member] = json!("AQAB")).is_some(), "{kind:?} {member}");
        }
        for jwk in [json!({}), json!([]), json!("x"), json!(null), json!({"kty": "oct", "k": "AQAB"})] {
            assert!(shown(&|header| header["jwk"] = jwk.clone()).is_some(), "{kind:?} {jwk}");
        }
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", json!(["dpop+jwt"])),
            ("alg", json!(["ES256"])),
            ("crit", json!(["b64"])),
            ("crit", json!([])),
        ] {
            assert!(shown(&|header| header[name] = value.clone()).is_some(), "{kind:?} {name} {value}");
        }
        // Where a key is named elsewhere, it is not looked for there.
        let elsewhere = |header: &mut Value| {
            for name in ["jku", "x5u"] {
                header[name] = json!("https://evil.example/keys");
            }
            header["kid"] = json!("of somebody else");
        };
        assert_eq!(shown(&elsewhere), None, "{kind:?}");
        assert!(scene.worker.callouts().is_empty());
    }
}

#[test]
fn a_thumbprint_of_another_length_binds_to_what_nobody_has() {
    let scene = Scene::new(KeyKind::P256);
    let own = scene.key.thumbprint();
    for (number, jkt) in [
        String::new(),
        own[..42].to_owned(),
        own[..40].to_owned(),
        format!("{own}A"),
        format!("{own}AAAA"),
        format!("{own}="),
        own.repeat(2),
        own.repeat(100),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("token-{number}");
        let mut claims = scene.claims();
        claims["ath"] = json!(sha256(&token));
        let proof = scene.proof(scene.header(), claims);
        let lines =
            [("authorization", format!("DPoP {token}")), ("dpop", proof), ("x-forwarded-proto", "https".into())];
        let stream = scene.worker.request(&lines);
        scene.worker.answer_json(scene.worker.callout().id, &active(json!({"cnf": {"jkt": jkt}})));
        assert_eq!(scene.worker.outcome_property(stream).as_deref(), Some("proof_invalid"), "{jkt}");
        scene.worker.hang_up(stream);
    }
}

/// A proof with this `jti`, as lines of a request.
fn lines(scene: &Scene, jti: &str) -> Vec<(&'static str, String)> {
    let proof = scene.with_claim("jti", json!(jti));
    vec![("authorization", "DPoP abc".to_owned()), ("dpop", proof), ("x-forwarded-proto", "https".to_owned())]
}

#[test]
fn a_proof_whose_place_others_keep_writing_to_is_neither_good_nor_used() {
    let scene = Scene::new(KeyKind::P256);
    let worker = &scene.worker;
    assert!(worker.exchange(&lines(&scene, "salt")).passed());
    let conflicts = |count| (0..count).for_each(|_| worker.fail_next("proxy_set_shared_data", Status::CasMismatch));
    conflicts(15);
    assert!(worker.exchange(&lines(&scene, "late")).passed());
    conflicts(16);
    let stream = worker.request(&lines(&scene, "too late"));
    let outcome = worker.outcome(stream);
    assert_eq!((outcome.status(), outcome.error()), (Some(500), "server_error".to_owned()));
    assert_eq!(worker.outcome_property(stream).as_deref(), Some("internal_error"));
    let detail = worker.property(stream, "tessera.detail").expect("a detail");
    assert_eq!(String::from_utf8_lossy(&detail), "the host could not tell whether the proof is good");
    worker.hang_up(stream);
    assert!(worker.exchange(&lines(&scene, "too late")).passed());
    scene.process.advance(A_TICK);
    let metric = |name: &str| scene.process.metric(name);
    assert_eq!(metric("tessera_requests.outcome.internal_error.api.orders-v1"), 1);
    let proofs =
        ["good", "missing", "invalid", "replayed"].map(|result| metric(&format!("tessera_proofs.result.{result}")));
    // The first request learned the token, and showed nothing.
    assert_eq!(proofs, [3, 1, 0, 0]);
}

#[test]
fn however_many_proofs_there_are_the_newest_are_remembered() {
    let scene = Scene::new(KeyKind::P256);
    let few = scene
        .process
        .worker(&configuration(json!({"dpop": {"entries": 1}})))
        .expect("a configuration that is accepted");
    let all: Vec<_> = (0..2500).map(|number| lines(&scene, &number.to_string())).collect();
    assert!(all.iter().all(|lines| few.exchange(lines).passed()), "the oldest make room");
    // A set has places for eight: of so few, no nine meet in one.
    let newest = all.iter().rev().take(128);
    let refused = newest.filter(|lines| !few.exchange(lines).passed()).count();
    assert_eq!(refused, 128);
    let shared = scene.process.shared_data();
    let sets: Vec<_> = shared.iter().filter(|(key, _)| key.contains("/proofs/")).collect();
    assert!(sets.len() <= 257 && sets.iter().all(|(_, value)| value.len() <= 8 * 24));
}

#[test]
fn a_proof_is_used_once_whatever_the_configurations_of_a_process_say() {
    let scene = Scene::new(KeyKind::P256);
    let worker = |dpop: Value| {
        let worker =
            scene.process.worker(&configuration(json!({"dpop": dpop}))).expect("a configuration that is accepted");
        worker.known("abc");
        worker
    };
    let short = worker(json!({"max_age": "1s", "entries": 100}));
    let long = worker(json!({"max_age": "1h", "entries": 1000000}));
    let proof = lines(&scene, "once");
    assert!(short.exchange(&proof).passed());
    for after in [0, 12, 30] {
        scene.process.advance(Duration::from_secs(after));
        // What the first one forgets, or would, it forgets when it is shown something else.
        short.exchange(&lines(&scene, &format!("other-{after}")));
        assert!(!long.exchange(&proof).passed(), "{after}");
    }
}
