//! What the load generator is told to do in a turn.

use crate::headers;
use crate::proof::{Proofs, Prover};
use crate::token::{Form, scramble, token};
use serde::Deserialize;

/// What to do in a turn; ends at `millis` or after `requests`, whichever comes first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub(crate) port: u16,
    path: String,
    pub(crate) connections: usize,
    #[serde(default)]
    pub(crate) millis: Option<u64>,
    #[serde(default)]
    pub(crate) requests: Option<u64>,
    /// Requests a second; without it, the next request goes out as soon as an answer is in.
    #[serde(default)]
    pub(crate) rate: Option<f64>,
    credential: Credential,
    /// How many header lines a request has, at least the three or four that each has anyway, at most 40.
    #[serde(default)]
    headers: usize,
    /// `/proc/…/schedstat` of the threads whose CPU time is wanted.
    #[serde(default)]
    pub(crate) cpu: Vec<String>,
    /// A file for every request's start (microseconds since the Unix epoch) and latency (microseconds).
    #[serde(default)]
    pub(crate) samples: Option<String>,
    /// The first connection sends this long before the others, and hangs up once they have sent.
    #[serde(default)]
    pub(crate) hang_up_after_ms: Option<u64>,
}

/// Which token goes with each request.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Credential {
    None,
    Fixed(String),
    /// One token with a new DPoP proof for each request, by the key in this file.
    Proved {
        token: String,
        key: String,
    },
    /// `from`, `from + 1`, …
    Fresh {
        form: Form,
        from: u64,
    },
    /// Any of `from` … `from + count - 1`, evenly.
    Among {
        form: Form,
        from: u64,
        count: u64,
    },
}

impl Order {
    /// The proofs of the requests, or `None` where they show none.
    pub fn proofs(&self) -> Result<Option<Proofs<'_>>, String> {
        match &self.credential {
            Credential::Proved { token, key } => Proofs::new(Prover::load(key)?, token, &self.path).map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes of request number `number`, with this proof.
    pub fn request(&self, number: u64, proof: Option<&str>) -> Vec<u8> {
        let mut text =
            format!("GET {} HTTP/1.1\r\nhost: api.example.com\r\nuser-agent: bench\r\naccept: */*\r\n", self.path);
        let mut lines = 3;
        if let Some(token) = self.credential.token(number) {
            let scheme = if proof.is_some() { "DPoP" } else { "Bearer" };
            text.push_str(&format!("authorization: {scheme} {token}\r\n"));
            lines += 1;
        }
        if let Some(proof) = proof {
            text.push_str(&format!("dpop: {proof}\r\n"));
            lines += 1;
        }
        text.push_str(&headers::lines(self.headers.saturating_sub(lines)));
        text.push_str("\r\n");
        text.into_bytes()
    }
}

impl Credential {
    fn token(&self, number: u64) -> Option<String> {
        match self {
            Self::None => None,
            Self::Fixed(token) | Self::Proved { token, .. } => Some(token.clone()),
            Self::Fresh { form, from } => Some(token(*form, from + number)),
            Self::Among { form, from, count } => Some(token(*form, from + scramble(number) % (*count).max(1))),
        }
    }
}
