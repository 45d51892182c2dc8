//! The clock of a configuration: a thread that does nothing but ask for ticks, and that has ended before Envoy may unload
//! the module.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(250);
/// Time to the first one: the first poll of contracts should not wait.
const FIRST_TICK: Duration = Duration::from_millis(5);

/// The thread. Dropping it ends and awaits it, but for within a tick.
pub struct Ticker {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tick` on a thread of its own from now on, which must be quick and never wait for the ticker's owner.
    ///
    /// # Errors
    /// That of a system that has no more threads.
    pub fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let (flag, bell) = &*stopped;
            let mut period = FIRST_TICK;
            loop {
                let flag = flag.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = bell.wait_timeout_while(flag, period, |stop| !*stop);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                    return;
                }
                tick();
                period = TICK;
            }
        };
        let thread = thread::Builder::new().name("tessera-tick".to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let (flag, bell) = &*self.stop;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_one();
        // Envoy may end the configuration within a tick: that thread is about to end, and cannot await itself.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            // One that has panicked has ended, too.
            let _ = thread.join();
        }
    }
}
