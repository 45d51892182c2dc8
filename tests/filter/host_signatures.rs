//! The host's signatures as the filter asks for them: every status and every answer of Envoy, and garbage, is a result.

use crate::host::{HostSignatures, Module, Process, Worker};
use crate::module;
use crate::tokens::{KeyKind, KeyPair};
use proxy_wasm::types::Status;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tessera::signatures::ForeignSignatures;
use tessera_core::port::{HostFailure, SignatureHash, Signatures};

const TEXT: &[u8] = b"header.payload";

type Job = Box<dyn FnOnce(&dyn Signatures) + Send>;

/// What the VM does with its next request.
static JOB: Mutex<Option<Job>> = Mutex::new(None);

/// A VM that asks its host what the test wants to know.
struct Asker {
    process: Process,
    worker: Worker,
    _alone: MutexGuard<'static, ()>,
}

impl Asker {
    fn start() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let request_headers = |_, _, _| {
            let job = JOB.lock().expect("the job").take();
            job.expect("a job")(&ForeignSignatures);
            0
        };
        let process = Process::new(Module { request_headers, ..module() }, &["idp"]);
        let configuration = r#"{"providers": [{"name": "main", "introspection": {
            "endpoint": "http://idp.example.com/introspect", "cluster": "idp", "client": {"auth": "none"}}}],
            "apis": [{"id": "orders-v1"}]}"#;
        let worker = process.worker(configuration).expect("a configuration that is accepted");
        Self { process, worker, _alone: alone }
    }

    /// Asks in a request's turn.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&dyn Signatures) -> T + Send + 'static) -> T {
        let (answers, answer) = std::sync::mpsc::channel();
        *JOB.lock().expect("the job") =
            Some(Box::new(move |host| answers.send(question(host)).expect("a test that waits")));
        let stream = self.worker.request(&[("x", "y")]);
        self.worker.hang_up(stream);
        answer.recv().expect("an answer")
    }

    fn verify(&self, hash: SignatureHash, key: Vec<u8>, signature: Vec<u8>) -> Result<bool, HostFailure> {
        self.ask(move |host| host.verify(hash, &key, &signature, TEXT))
    }

    fn sign(&self, hash: SignatureHash, key: Vec<u8>) -> Result<Option<Vec<u8>>, HostFailure> {
        self.ask(move |host| host.sign(hash, &key, TEXT))
    }
}

#[test]
fn each_hash_and_kind_of_key_is_signed_with_and_verified() {
    let host = Asker::start();
    for (kind, hash) in [
        (KeyKind::Rsa, SignatureHash::Sha256),
        (KeyKind::Rsa, SignatureHash::Sha384),
        (KeyKind::Rsa, SignatureHash::Sha512),
        (KeyKind::P256, SignatureHash::Sha256),
        (KeyKind::P384, SignatureHash::Sha384),
        (KeyKind::P521, SignatureHash::Sha512),
    ] {
        let (key, other) = (KeyPair::generate(kind), KeyPair::generate(kind));
        let signature = host.sign(hash, key.pkcs8()).expect("a host that signs").expect("a key of use");
        assert_eq!(host.verify(hash, key.spki(), signature.clone()), Ok(true), "{kind:?} {hash:?}");
        assert_eq!(host.verify(hash, other.spki(), signature), Ok(false), "{kind:?} {hash:?}");
    }
}

#[test]
fn an_unusable_key_is_a_no() {
    let host = Asker::start();
    let key = KeyPair::generate(KeyKind::Ed25519);
    let signature = key.sign("EdDSA", TEXT);
    assert_eq!(host.verify(SignatureHash::Sha512, key.spki(), signature), Ok(false));
    assert_eq!(host.sign(SignatureHash::Sha512, key.pkcs8()), Ok(None));
    // A request without a key is none to Envoy.
    assert_eq!(host.verify(SignatureHash::Sha256, Vec::new(), Vec::new()), Err(HostFailure));
    assert_eq!(host.sign(SignatureHash::Sha256, Vec::new()), Err(HostFailure));
}

#[test]
fn a_host_without_them_could_not_tell() {
    let host = Asker::start();
    let key = KeyPair::generate(KeyKind::P256);
    host.process.set_signatures(HostSignatures::WithoutSign);
    assert_eq!(host.sign(SignatureHash::Sha256, key.pkcs8()), Err(HostFailure));
    assert_eq!(host.verify(SignatureHash::Sha256, key.spki(), Vec::new()), Ok(false));
    host.process.set_signatures(HostSignatures::Missing);
    assert_eq!(host.verify(SignatureHash::Sha256, key.spki(), Vec::new()), Err(HostFailure));
}

#[test]
fn no_status_traps() {
    let host = Asker::start();
    for status in [
        Status::NotFound,
        Status::BadArgument,
        Status::ParseFailure,
        Status::Empty,
        Status::CasMismatch,
        Status::InternalFailure,
    ] {
        for _ in 0..2 {
            host.worker.fail_next("proxy_call_foreign_function", status);
        }
        assert_eq!(host.verify(SignatureHash::Sha256, vec![1], vec![2]), Err(HostFailure), "{status:?}");
        assert_eq!(host.sign(SignatureHash::Sha256, vec![1]), Err(HostFailure), "{status:?}");
    }
}

#[test]
fn an_answer_that_is_no_message_could_not_tell() {
    let host = Asker::start();
    host.process.set_signatures(HostSignatures::Garbled);
    assert_eq!(host.verify(SignatureHash::Sha256, vec![1], vec![2]), Err(HostFailure));
    assert_eq!(host.sign(SignatureHash::Sha256, vec![1]), Err(HostFailure));
    // A good result, and then a field that breaks off.
    let broken = |_: &[u8]| Ok(b"\x08\x01\x12\x09abc".to_vec());
    host.process.offer("verify_signature", broken);
    host.process.offer("sign", broken);
    assert_eq!(host.verify(SignatureHash::Sha256, vec![1], vec![2]), Err(HostFailure));
    assert_eq!(host.sign(SignatureHash::Sha256, vec![1]), Err(HostFailure));
}

#[test]
fn only_a_result_that_is_true_is_good() {
    let host = Asker::start();
    for (answer, good) in [
        (b"".as_slice(), false),
        (b"\x08\x00", false),
        (b"\x08\x01", true),
        // More than a truth value has; of two results the last one counts, and one of another kind does not.
        (b"\x08\x02", false),
        (b"\x08\x01\x08\x00", false),
        (b"\x0a\x01\x01", false),
        (b"\x12\x01\x01", false),
    ] {
        static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        *ANSWER.lock().expect("the answer") = answer.to_vec();
        let told = |_: &[u8]| Ok(ANSWER.lock().expect("the answer").clone());
        host.process.offer("verify_signature", told);
        host.process.offer("sign", told);
        assert_eq!(host.verify(SignatureHash::Sha256, vec![1], vec![2]), Ok(good), "{answer:?}");
        // No signature, whatever the result.
        assert_eq!(host.sign(SignatureHash::Sha256, vec![1]), Ok(None), "{answer:?}");
    }
}
