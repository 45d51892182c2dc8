//! Foreign functions of real Envoy, called by a small module that does nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::envoy::Envoy;
use crate::harness::eventually::{SOON, eventually};

/// The name of a function and its arguments.
pub type ForeignCall = (&'static str, Vec<u8>);

/// Calls them all, in order, and gives their answers, or the status where it is not 0.
#[track_caller]
pub fn call_in_envoy(calls: &[ForeignCall]) -> Vec<Result<Vec<u8>, u32>> {
    let mut configuration = Vec::new();
    for part in calls.iter().flat_map(|(name, arguments)| [name.as_bytes(), arguments]) {
        configuration.extend(u32::try_from(part.len()).expect("a length").to_le_bytes());
        configuration.extend(part);
    }
    let module = wat::parse_str(include_str!("foreign_calls.wat")).expect("a module");
    let envoy = Envoy::builder()
        .workers(1)
        .quiet()
        .filter(
            "caller",
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": "caller",
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.BytesValue",
                        "value": STANDARD.encode(configuration),
                    },
                    "vm_config": {
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"inline_bytes": STANDARD.encode(module)}},
                    },
                },
            }),
        )
        .start();
    let told = eventually(SOON, "what came of the calls", || {
        let log = envoy.log();
        let line = log.lines().find(|line| line.contains("wasm log"))?;
        line.rsplit(' ').next().map(str::to_owned)
    });
    let answers = answers(&told);
    assert_eq!(answers.len(), calls.len(), "an answer to each call");
    answers
}

fn answers(told: &str) -> Vec<Result<Vec<u8>, u32>> {
    let digits = told.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits");
    let mut bytes: Vec<u8> = digits.map(byte).collect();
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a number"));
        let (status, length) = (number(0), number(4) as usize);
        let rest = bytes.split_off(8 + length);
        answers.push(if status == 0 { Ok(bytes[8..].to_vec()) } else { Err(status) });
        bytes = rest;
    }
    answers
}
