//! Introspection by a client that authenticates with an assertion.

use super::*;
use crate::jose::curve::EcCurve;
use crate::jose::sign::samples::{self, NativeSignatures};
use crate::jose::sign::{JwsSigner, PrivateKey, SigningAlgorithm};
use crate::port::{HostFailure, Random, Signatures};
use crate::provider::client_auth::{ClientAssertion, ClientAuth};
use crate::provider::introspection::request::Introspection;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::cell::Cell;

/// Other bytes each time.
#[derive(Default)]
struct Counting(Cell<u8>);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostFailure> {
        self.0.set(self.0.get() + 1);
        bytes.fill(self.0.get());
        Ok(())
    }
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), HostFailure> {
        Err(HostFailure)
    }
}

/// A provider that is asked twice, by a client with a key that only a host signs with.
fn settings() -> Rc<Settings> {
    let algorithm = SigningAlgorithm::Ecdsa(EcCurve::P384);
    let key = PrivateKey::read(samples::P384[0], algorithm).unwrap();
    let signer = JwsSigner::with_key(algorithm, &key, None).unwrap();
    let assertion = ClientAssertion { id: "gateway".into(), audience: None, signer };
    let plain = provider("main");
    let introspection = Introspection {
        client: ClientAuth::Assertion(assertion.into()),
        retries: 1,
        ..plain.introspection.as_deref().unwrap().clone()
    };
    Sample { provider: Provider { introspection: Some(Rc::new(introspection)), ..plain }, ..Sample::default() }
        .settings()
}

/// What comes of an event on this host.
fn on(
    signatures: &dyn Signatures,
    random: &dyn Random,
    store: &MemoryStore,
    event: impl FnOnce(&mut Cx<'_>),
) -> Vec<Effect> {
    let mut cx = Cx::new(store, signatures, random, at(0));
    event(&mut cx);
    cx.effects
}

fn request(worker: &mut Worker, stream: u32, cx: &mut Cx<'_>) {
    let disposition = worker.on_request(StreamId(stream), &bearing("t0ken"), cx);
    assert!(matches!(disposition, Disposition::Waits), "{disposition:?}");
}

/// The call, and the `jti` of its assertion.
fn call(effects: &[Effect]) -> (CallId, String) {
    let [Effect::Call(id, call)] = effects else { panic!("{effects:?}") };
    let assertion = form_urlencoded::parse(&call.body).find(|(name, _)| name == "client_assertion").unwrap().1;
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["exp"], claims["iat"].as_u64().unwrap() + 60);
    (*id, claims["jti"].as_str().unwrap().to_owned())
}

fn refused(effects: &[Effect]) -> Vec<(u32, Outcome)> {
    let ending = |effect: &Effect| match effect {
        Effect::End(stream, Ending { verdict: Verdict::Refuse(refusal, _), .. }) => Some((stream.0, refusal.outcome)),
        _ => None,
    };
    effects.iter().filter_map(ending).collect()
}

#[test]
fn each_attempt_has_an_assertion_of_its_own() {
    let (settings, store, random) = (settings(), MemoryStore::default(), Counting::default());
    let mut worker = worker(&settings, 1);
    let sent = on(&NativeSignatures, &random, &store, |cx| request(&mut worker, 1, cx));
    let (first, jti) = call(&sent);
    let sent = on(&NativeSignatures, &random, &store, |cx| worker.on_call_result(first, status(503), cx));
    let (second, other) = call(&sent);
    assert_eq!(URL_SAFE_NO_PAD.decode(&jti).unwrap().len(), 16);
    assert_ne!(jti, other);
    let ended = worker.result(second, answer(r#"{"active": false}"#), &store, at(0));
    assert_eq!(refused(&ended), [(1, Outcome::Inactive)]);
    worker.check_calls();
}

#[test]
fn a_host_that_fails_ends_those_who_wait_and_pauses_nothing() {
    let (settings, store) = (settings(), MemoryStore::default());
    let mut worker = worker(&settings, 1);
    for (signatures, random) in
        [(&NoSignatures as &dyn Signatures, &FixedRandom(7) as &dyn Random), (&NativeSignatures, &NoRandom)]
    {
        let effects = on(signatures, random, &store, |cx| request(&mut worker, 1, cx));
        assert_eq!(refused(&effects), [(1, Outcome::InternalError)]);
        assert!(worker.release(StreamId(1)), "it waits until its end is carried out");
        assert!(worker.is_idle());
    }
    let sent = on(&NativeSignatures, &FixedRandom(7), &store, |cx| request(&mut worker, 2, cx));
    let (first, _) = call(&sent);
    // The same between two attempts.
    let effects = on(&NoSignatures, &FixedRandom(7), &store, |cx| worker.on_call_result(first, status(503), cx));
    assert_eq!(refused(&effects), [(2, Outcome::InternalError)]);
    assert!(worker.release(StreamId(2)) && worker.is_idle());
    worker.check_calls();
}

#[test]
fn followers_of_one_whose_host_failed_ask_themselves() {
    let (settings, store) = (settings(), MemoryStore::default());
    let (mut one, mut two) = (worker(&settings, 1), worker(&settings, 2));
    let sent = on(&NativeSignatures, &FixedRandom(7), &store, |cx| request(&mut one, 1, cx));
    let (first, _) = call(&sent);
    assert!(on(&NativeSignatures, &FixedRandom(7), &store, |cx| request(&mut two, 2, cx)).is_empty());
    let effects = on(&NoSignatures, &FixedRandom(7), &store, |cx| one.on_call_result(first, status(503), cx));
    let messages: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Message(2, message) => Some(message),
            _ => None,
        })
        .collect();
    let [message] = messages[..] else { panic!("{effects:?}") };
    let sent = on(&NativeSignatures, &FixedRandom(7), &store, |cx| two.on_message(message, cx));
    call(&sent);
}

#[test]
fn the_log_names_the_provider_and_nothing_secret() {
    let (settings, store) = (settings(), MemoryStore::default());
    let effects = on(&NoSignatures, &FixedRandom(7), &store, |cx| request(&mut worker(&settings, 1), 1, cx));
    let lines: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Log(level, line) => Some((*level, line.as_str())),
            _ => None,
        })
        .collect();
    let line = "provider \"main\": the host did not sign the assertion of the client, or had no randomness";
    assert_eq!(lines, [(log::Level::Error, line)]);
}
