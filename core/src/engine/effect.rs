//! What the engine asks its host to do, and how requests end.

use super::about::About;
use crate::base::http::HttpCall;
use crate::decision::decide::Permit;
use crate::decision::policy::ApiIndex;
use crate::reply::Refusal;

/// A request, as the host numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// A call that the engine has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// How a request ends here.
#[derive(Debug)]
pub enum Verdict {
    /// It passes, with an identity.
    Admit(Permit),
    /// It passes without one, under this API: the operation is public, or there is no token and none is required.
    AdmitPublic(ApiIndex),
    /// It passes without one, outside every API.
    AdmitUnmatched,
    /// It does not pass.
    Refuse(Refusal, Box<About>),
}

impl Verdict {
    /// Has a refusal say more; for one that passes nothing is done.
    pub fn explain(&mut self, explain: impl FnOnce(&mut About)) {
        if let Self::Refuse(_, about) = self {
            explain(about);
        }
    }
}

/// A verdict, and what else access logs may say of it.
#[derive(Debug)]
pub struct Ending {
    /// How the request ends.
    pub verdict: Verdict,
    /// Whether facts past their freshness were used, because the authorization server cannot be asked.
    pub stale: bool,
}

/// What comes of a request's headers.
#[derive(Debug)]
pub enum Step {
    /// The request ends now.
    Ended(Ending),
    /// It waits for an [`Effect::End`].
    Waits,
}

/// Something for the host to do.
#[derive(Debug)]
pub enum Effect {
    /// Send a call; its result goes to [`super::worker::Worker::on_result`].
    Call(CallId, HttpCall),
    /// End a waiting request; one that is gone is skipped.
    End(StreamId, Ending),
    /// Put a message into another worker's queue.
    Message(u32, Vec<u8>),
    /// Call [`super::worker::Worker::on_yield`] in a turn that does nothing else.
    Yield,
    /// Write a log line.
    Log(log::Level, String),
}
