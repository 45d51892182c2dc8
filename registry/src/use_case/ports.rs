//! What the use cases need of the world beside a database: a clock, dice, a seal, access tokens.

use async_trait::async_trait;

use crate::domain::principal::Caller;
use crate::domain::refusal::Refusal;
use crate::domain::time::Time;

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
    /// Whose token it is; `None` for one that is not valid here.
    ///
    /// # Errors
    /// It could not be told.
    async fn judge(&self, token: &str) -> Result<Option<Caller>, Refusal>;
}
