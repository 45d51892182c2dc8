//! Webhooks: who wants to be told of what.

use serde::{Deserialize, Serialize};

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

    pub const fn word(self) -> &'static str {
        match self {
            Self::ContractRequested => "contract.requested",
            Self::ContractApproved => "contract.approved",
            Self::ContractRejected => "contract.rejected",
            Self::ContractSuspended => "contract.suspended",
            Self::ContractRevoked => "contract.revoked",
            Self::SecretExpiring => "client.secret_expiring",
            Self::TaskStuck => "task.stuck",
        }
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
