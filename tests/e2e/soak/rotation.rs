//! What is good now: tokens, keys and contracts.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::harness::authorization_server::AuthorizationServer;
use crate::harness::document_source::DocumentSource;
use crate::hostile_traffic::random::Random;
use crate::tokens::{Issuer, KeyKind, KeyPair};

pub const ISSUER: &str = "https://signed.example.com";
/// Opaque tokens in use, and how many of them are replaced each second.
const TOKENS: usize = 400;
const REPLACED: usize = 20;
/// How many seconds a key signs.
const SIGNS: u64 = 10;

pub struct Rotation {
    now: u64,
    issuer: Issuer,
    /// Shown already, and does not sign yet.
    next_key: KeyPair,
    keys: usize,
    tokens: Vec<String>,
    next: usize,
    sets: usize,
}

impl Rotation {
    pub fn start(server: &AuthorizationServer, source: &DocumentSource) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        let issuer = Issuer::new(ISSUER, now, &[KeyKind::P256]);
        let next_key = KeyPair::generate(KeyKind::P256);
        let mut rotation = Self { now, issuer, next_key, keys: 0, tokens: Vec::new(), next: 0, sets: 0 };
        rotation.replace(TOKENS, server);
        rotation.publish(source);
        rotation
    }

    /// Another second.
    pub fn turn(&mut self, second: u64, server: &AuthorizationServer, source: &DocumentSource) {
        if second.is_multiple_of(SIGNS) {
            self.rotate_key();
        }
        self.replace(REPLACED, server);
        self.publish(source);
    }

    /// So many, one in five of which is signed.
    pub fn some(&self, count: usize, random: &mut Random) -> Vec<String> {
        let signed = self.issuer.token("ES256", json!({"exp": self.now + 86_400, "aud": null}));
        let mut opaque = || self.tokens[random.below(TOKENS)].clone();
        (0..count).map(|number| if number % 5 == 0 { signed.clone() } else { opaque() }).collect()
    }

    fn replace(&mut self, count: usize, server: &AuthorizationServer) {
        for _ in 0..count {
            let token = format!("opaque-{}", self.next);
            server.activate(&token, json!({"client_id": format!("client-{}", self.next % 50)}));
            let place = self.next % TOKENS;
            match self.tokens.get_mut(place) {
                Some(old) => *old = token,
                None => self.tokens.push(token),
            }
            self.next += 1;
        }
    }

    fn publish(&mut self, source: &DocumentSource) {
        self.sets += 1;
        let rows: Vec<_> = (0..50)
            .map(|n| json!({"api": "orders", "client_id": format!("client-{n}"), "tier": format!("t{}", self.sets)}))
            .chain([json!({"api": "orders", "client_id": "portal"})])
            .collect();
        source.serve("/c", &format!("\"{}\"", self.sets), json!({"contracts": rows}));
        let mut keys = self.issuer.jwks();
        keys["keys"].as_array_mut().expect("keys").push(self.next_key.jwk());
        source.serve("/jwks", &format!("\"{}\"", self.keys), keys);
    }

    /// The key that has been shown signs from now on, and another one is shown.
    fn rotate_key(&mut self) {
        if self.issuer.keys.len() > 2 {
            self.issuer.keys.remove(0);
        }
        let shown = std::mem::replace(&mut self.next_key, KeyPair::generate(KeyKind::P256));
        self.issuer.keys.push(shown);
        self.keys += 1;
    }
}
