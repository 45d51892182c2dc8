//! What use cases need of the world beside a database.

use tessera_registry::domain::principal::Caller;
use tessera_registry::domain::time::Time;
use tessera_registry::domain::webhook::Subscribers;
use tessera_registry::use_case::context::{Context, Limits};
use tessera_registry::use_case::ports::{Randomness, Sealing};
use tessera_registry::use_case::store::Transaction;

pub struct Surroundings {
    pub caller: Caller,
    pub now: Time,
    limits: Limits,
    subscribers: Subscribers,
}

impl Surroundings {
    pub fn new(now: Time) -> Self {
        Self {
            caller: Caller::system("default"),
            now,
            limits: Limits { clients_per_application: 10, open_requests: 20 },
            subscribers: Subscribers::default(),
        }
    }

    pub fn context<'a>(&'a self, tx: &'a mut dyn Transaction) -> Context<'a> {
        Context {
            tx,
            caller: &self.caller,
            now: self.now,
            randomness: self,
            sealing: self,
            limits: &self.limits,
            subscribers: &self.subscribers,
            request_id: None,
        }
    }
}

impl Randomness for Surroundings {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }

    fn id(&self, _: Time) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// Nothing is sealed here.
impl Sealing for Surroundings {
    fn seal(&self, _: &[u8], _: &str, _: &dyn Randomness) -> String {
        String::new()
    }

    fn open(&self, _: &str, _: &str) -> Option<Vec<u8>> {
        None
    }
}
