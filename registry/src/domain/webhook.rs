//! Webhooks: who wants to be told of what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::words::word_of;

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    #[serde(rename = "contract.requested")]
    ContractRequested,
    #[serde(rename = "contract.approved")]
    ContractApproved,
    #[serde(rename = "contract.rejected")]
    ContractRejected,
    #[serde(rename = "contract.suspended")]
    ContractSuspended,
    #[serde(rename = "contract.revoked")]
    ContractRevoked,
    #[serde(rename = "client.secret_expiring")]
    SecretExpiring,
    #[serde(rename = "task.stuck")]
    TaskStuck,
}

impl NoticeKind {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("contract.requested", Self::ContractRequested),
        ("contract.approved", Self::ContractApproved),
        ("contract.rejected", Self::ContractRejected),
        ("contract.suspended", Self::ContractSuspended),
        ("contract.revoked", Self::ContractRevoked),
        ("client.secret_expiring", Self::SecretExpiring),
        ("task.stuck", Self::TaskStuck),
    ];

    pub fn word(self) -> &'static str {
        word_of(Self::WORDS, self)
    }
}

/// Somebody who is told, without the secret that signs what he is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub organisation: String,
    pub url: String,
    /// All of them when absent.
    pub events: Option<Vec<NoticeKind>>,
}

/// Everybody who is told, and where the things that they are told of can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribers {
    /// `public.url`
    pub origin: String,
    pub all: Vec<Subscriber>,
}

impl Subscribers {
    /// Who wants to be told of this.
    pub fn of<'a>(&'a self, organisation: &'a str, kind: NoticeKind) -> impl Iterator<Item = &'a Subscriber> {
        let wants = move |one: &&Subscriber| {
            one.organisation == organisation && one.events.as_ref().is_none_or(|events| events.contains(&kind))
        };
        self.all.iter().filter(wants)
    }
}

/// `webhook-signature` of Standard Webhooks. `None` for a key that HMAC does not take, which is none.
pub fn signature(key: &[u8], id: &str, timestamp: u64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The key in `whsec_…`: base64 of 24 to 64 bytes.
pub fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_signed_as_standard_webhooks_does() {
        // The example of its reference implementations.
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_!"] {
            assert!(signing_key(wrong).is_none(), "{wrong}");
        }
    }
}
