//! The engine of one thread's requests, and its mail.

use crate::abi::{Confined, Fault};
use crate::engine::Engine;
use crate::host::SystemRandom;
use crate::lock::lock;
use crate::post;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::sync::Mutex;
use tessera_core::config;
use tessera_core::engine::worker::{Worker, WorkerId};
use tessera_core::jose::verify::Verifier;
use tessera_signatures::AwsLc;

pub struct Shard {
    pub queue: u32,
    engine: Confined<Engine>,
    inbox: Mutex<Vec<Vec<u8>>>,
}

/// What is to be said of a configuration that was read.
#[derive(Default)]
pub struct Notes(pub Vec<(log::Level, String)>);

impl Shard {
    /// An engine for this configuration.
    ///
    /// # Errors
    /// What is wrong with it, one line each.
    pub fn new(text: &[u8], notes: &mut Notes) -> Result<Self, Vec<String>> {
        let queue = post::number();
        let engine = Confined::new(|| engine(text, queue, notes))?;
        Ok(Self { queue, engine, inbox: Mutex::default() })
    }

    /// Lets `work` use the engine. See [`Confined::with`].
    ///
    /// # Errors
    /// [`Fault`] when it panics: what of the engine's requests was lost by that is ended.
    pub fn with<R: Send>(&self, work: impl FnOnce(&mut Engine) -> R + Send) -> Result<R, Fault> {
        let done = self.engine.with(work);
        if done.is_err() {
            // If that fails, too, they end with their callers' patience.
            let _ = self.engine.with(Engine::recover);
        }
        done
    }

    pub fn put(&self, message: Vec<u8>) {
        lock(&self.inbox).push(message);
    }

    pub fn take_mail(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *lock(&self.inbox))
    }
}

fn engine(text: &[u8], queue: u32, Notes(notes): &mut Notes) -> Result<Engine, Vec<String>> {
    let lines = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let settings = config::read(text, &|name| std::env::var(name).ok()).map_err(lines)?;
    notes.extend(config::advice(&settings).iter().map(|line| (log::Level::Warn, line.to_string())));
    let chosen = config::choose_signers(&settings, &AwsLc)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    notes.extend(chosen.iter().map(|line| (log::Level::Info, line.to_string())));
    let verifier = Verifier::choose(&AwsLc, &settings.algorithms())
        .map_err(|unverifiable| vec![format!("jwt.algorithms or dpop.algorithms: {unverifiable}")])?;
    notes.extend(verifier.summary().map(|line| (log::Level::Info, line)));
    Ok(Engine::new(Worker::new(Rc::new(settings), verifier, WorkerId { number: random(), queue })))
}

/// A number that nobody can guess, and not 0.
fn random() -> u64 {
    use tessera_core::port::Random;
    let mut bytes = [0; 8];
    if SystemRandom.fill(&mut bytes).is_err() {
        // The standard library has seeded its hashers, or it would not run.
        return std::hash::RandomState::new().build_hasher().finish().max(1);
    }
    u64::from_le_bytes(bytes).max(1)
}
