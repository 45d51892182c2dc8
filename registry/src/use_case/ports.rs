//! What the use cases need of the world beside a database: a clock, dice, a seal, and who is asked or told.

use async_trait::async_trait;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;

pub use crate::use_case::proof_judge::{Proof, ProofJudge};

pub trait Clock: Send + Sync {
    fn now(&self) -> Time;
}

pub trait Randomness: Send + Sync {
    /// Unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A UUIDv7 of this moment (RFC 9562): identifiers ascend with time.
    fn id(&self, now: Time) -> String;
}

/// Keeps secrets from whoever reads the database.
pub trait Sealing: Send + Sync {
    /// Sealed with the first key, readable only together with the same `associated`: the row that has it.
    fn seal(&self, plain: &[u8], associated: &str, randomness: &dyn Randomness) -> String;

    /// `None` for what was not sealed so, or with a key that is not there.
    fn open(&self, sealed: &str, associated: &str) -> Option<Vec<u8>>;
}

/// Access tokens of the authorization server.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// Whose token it is; `None` for one that is not valid here, or that the server would have to be asked about where
    /// it may not be asked.
    ///
    /// # Errors
    /// It could not be told.
    async fn judge(&self, token: &str, may_ask: bool) -> Result<Option<Caller>, Refusal>;
}

/// A request of Standard Webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub organisation: String,
    pub url: String,
    pub id: String,
    /// Seconds since 1970.
    pub timestamp: u64,
    pub body: String,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Status(u16),
    /// No answer in time; the text is for admins.
    Failed(String),
    /// Nobody has subscribed with this URL any more.
    NobodyThere,
}

/// Signs and sends messages, each within 10 s, without following redirects.
#[async_trait]
pub trait Messenger: Send + Sync {
    async fn tell(&self, message: &Message) -> Told;
}
