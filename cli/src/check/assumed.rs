//! A configuration whose environment variables count as set and sound.

use crate::document::node::{Node, Value};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair};
use aws_lc_rs::{rand::SystemRandom, rsa};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The value of every variable: long enough for every algorithm, and fit for a header.
pub fn variable() -> String {
    "x".repeat(64)
}

/// The configuration with a key that fits in each place where one comes from the environment.
pub fn with_keys(root: &Node) -> Node {
    let mut root = root.clone();
    for provider in elements_of(&mut root, "providers") {
        let Some(client) = member(provider, "introspection").and_then(|node| member(node, "client")) else { continue };
        let made = client.get("algorithm").and_then(Node::text).and_then(made);
        let is_asked = client.get("auth").and_then(Node::text) == Some("private_key_jwt");
        if let (true, Some(pem), Some(key)) = (is_asked, made, member(client, "key"))
            && names_a_variable(key)
        {
            key.value = Value::Text(pem.into());
        }
    }
    root
}

/// Whether the reader takes it for one.
fn names_a_variable(key: &Node) -> bool {
    let name = key.get("env").and_then(Node::text).unwrap_or_default();
    key.members().len() == 1 && !name.is_empty() && !name.contains(char::is_control)
}

fn member<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    let Value::Object(members) = &mut node.value else { return None };
    members.iter_mut().rev().find(|member| &*member.key == name).map(|member| &mut member.value)
}

fn elements_of<'a>(node: &'a mut Node, name: &str) -> &'a mut [Node] {
    match member(node, name).map(|node| &mut node.value) {
        Some(Value::Array(elements)) => elements,
        _ => &mut [],
    }
}

/// A key that nobody has, for an algorithm.
fn made(algorithm: &str) -> Option<String> {
    let random = SystemRandom::new();
    let curve = |curve| EcdsaKeyPair::generate_pkcs8(curve, &random).ok().map(|key| key.as_ref().to_vec());
    let pkcs8 = match algorithm {
        "ES256" => curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        "ES512" => curve(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
        "EdDSA" => Ed25519KeyPair::generate_pkcs8v1(&random).ok().map(|key| key.as_ref().to_vec()),
        "RS256" | "RS384" | "RS512" => {
            let key = rsa::KeyPair::generate(KeySize::Rsa2048).ok()?;
            AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).ok().map(|key| key.as_ref().to_vec())
        }
        _ => None,
    }?;
    let text = BASE64_STANDARD.encode(pkcs8);
    Some(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}

#[cfg(test)]
mod tests {
    use super::made;
    use tessera_core::jose::sign::{PrivateKey, SigningAlgorithm};

    #[test]
    fn there_is_a_key_for_every_algorithm_that_needs_one() {
        for (name, algorithm) in SigningAlgorithm::NAMED {
            let key = made(name);
            assert_eq!(key.is_some(), algorithm.key_kind().is_some(), "{name}");
            assert!(key.is_none_or(|key| PrivateKey::read(&key, algorithm).is_ok()), "{name}");
        }
    }
}
