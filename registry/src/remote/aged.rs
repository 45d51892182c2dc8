//! What is fetched from elsewhere, used for a while, and then fetched anew, by one at a time: whoever can do with what is
//! known does not wait for those who cannot.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A thing with its age.
pub struct Aged<T> {
    fresh: Duration,
    pause: Duration,
    state: Mutex<AgedState<T>>,
    /// Whose turn it is to fetch it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct AgedState<T> {
    value: Option<Arc<T>>,
    /// When it was fetched.
    since: Option<Instant>,
    /// When the latest fetch ended,
    tried: Option<Instant>,
    /// and why it brought nothing.
    failure: Option<String>,
}

impl<T> AgedState<T> {
    fn known(&self) -> Result<Arc<T>, String> {
        let why = || self.failure.clone().unwrap_or_else(|| "it is not known".to_owned());
        self.value.clone().ok_or_else(why)
    }
}

impl<T: Send + Sync + 'static> Aged<T> {
    /// It is used for so long as it is `fresh` before it is fetched anew, and between two fetches there is a pause.
    pub fn new(fresh: Duration, pause: Duration) -> Arc<Self> {
        let state = AgedState { value: None, since: None, tried: None, failure: None };
        Arc::new(Self { fresh, pause, state: Mutex::new(state), turn: Arc::default() })
    }

    /// It, as it is known; fetched anew first where it is old or does not suit. One that suits and is not twice as old as
    /// it is used is given while another one is fetched, and the one of before stays in use while the new one cannot be
    /// had. A fetch that has begun ends, whoever goes away meanwhile: nobody keeps the others from what it brings.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub async fn get<F>(
        self: &Arc<Self>,
        suits: impl Fn(&T) -> bool,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, String>
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        if let Some(settled) = self.settled(&suits) {
            return settled;
        }
        let turn = match (Arc::clone(&self.turn).try_lock_owned(), self.former(&suits)) {
            (Ok(turn), _) => turn,
            (Err(_), Some(former)) => return Ok(former),
            (Err(_), None) => Arc::clone(&self.turn).lock_owned().await,
        };
        if let Some(settled) = self.settled(&suits) {
            return settled;
        }
        let (own, fetching) = (Arc::clone(self), fetch());
        let fetched = tokio::spawn(async move {
            let fetched = fetching.await;
            own.take(fetched);
            drop(turn);
        });
        if let Some(ageing) = self.ageing(&suits) {
            return Ok(ageing);
        }
        fetched.await.map_err(|error| error.to_string())?;
        self.state().known()
    }

    /// What no fetch is needed for: it is fresh and suits, or was fetched, or failed to be, a moment ago.
    fn settled(&self, suits: &impl Fn(&T) -> bool) -> Option<Result<Arc<T>, String>> {
        let state = self.state();
        let within = |at: Option<Instant>, span: Duration| at.is_some_and(|at| at.elapsed() < span);
        let suiting = state.value.as_ref().filter(|value| suits(value));
        match suiting {
            Some(value) if within(state.since, self.fresh) => Some(Ok(Arc::clone(value))),
            _ => within(state.tried, self.pause).then(|| state.known()),
        }
    }

    /// What suits, and has not been old for long: nobody waits for a new one, which a server that hangs would not bring.
    fn ageing(&self, suits: &impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let state = self.state();
        let is_ageing = state.since.is_some_and(|since| since.elapsed() < self.fresh.saturating_mul(2));
        state.value.clone().filter(|value| is_ageing && suits(value))
    }

    /// What suits while another one fetches it, also from where it could not be had the last time.
    fn former(&self, suits: &impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let after_failure = || {
            let state = self.state();
            state.value.clone().filter(|value| state.failure.is_some() && suits(value))
        };
        self.ageing(suits).or_else(after_failure)
    }

    fn take(&self, fetched: Result<T, String>) {
        let (mut state, now) = (self.state(), Some(Instant::now()));
        state.tried = now;
        state.failure = match fetched {
            Ok(value) => {
                (state.value, state.since) = (Some(Arc::new(value)), now);
                None
            }
            Err(why) => {
                tracing::warn!(why, "what the issuer publishes could not be fetched; what is known is used");
                Some(why)
            }
        };
    }

    fn state(&self) -> MutexGuard<'_, AgedState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn no_fetch() -> std::future::Pending<Result<u32, String>> {
        panic!("it is fetched")
    }

    async fn known(aged: &Arc<Aged<u32>>, value: u32) {
        assert_eq!(aged.get(|_| true, || ready(Ok(value))).await, Ok(Arc::new(value)));
    }

    #[tokio::test]
    async fn who_can_do_with_what_is_known_does_not_wait_for_a_fetch() {
        let aged = Aged::new(LONG, Duration::ZERO);
        known(&aged, 1).await;
        let (own, (begun, begins)) = (Arc::clone(&aged), oneshot::channel());
        let other = tokio::spawn(async move {
            let fetch = || async move {
                begun.send(()).unwrap();
                pending().await
            };
            own.get(|value| *value == 2, fetch).await
        });
        begins.await.unwrap();
        assert_eq!(aged.get(|value| *value == 1, no_fetch).await, Ok(Arc::new(1)));
        other.abort();
    }

    #[tokio::test]
    async fn what_is_old_is_fetched_anew_and_stays_while_that_fails() {
        let aged = Aged::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(aged.get(|_| true, || ready(Err("away".to_owned()))).await, Err::<Arc<u32>, _>("away".to_owned()));
        known(&aged, 1).await;
        known(&aged, 2).await;
        assert_eq!(aged.get(|_| true, || ready(Err("away".to_owned()))).await, Ok(Arc::new(2)));
        // While another one asks a server that was away, the former is used.
        let (own, (begun, begins)) = (Arc::clone(&aged), oneshot::channel());
        let (answer, answered) = oneshot::channel();
        let other = tokio::spawn(async move {
            let fetch = || async move {
                begun.send(()).unwrap();
                answered.await.unwrap()
            };
            own.get(|_| true, fetch).await
        });
        begins.await.unwrap();
        assert_eq!(aged.get(|_| true, no_fetch).await, Ok(Arc::new(2)));
        answer.send(Ok(3)).unwrap();
        assert_eq!(other.await.unwrap(), Ok(Arc::new(3)));
        known(&aged, 4).await;
    }

    /// Lets it be older.
    fn age(aged: &Aged<u32>, span: Duration) {
        let mut state = aged.state();
        state.since = state.since.and_then(|since| since.checked_sub(span));
        state.tried = state.since;
    }

    #[tokio::test]
    async fn what_has_not_been_old_for_long_is_given_while_another_is_fetched() {
        let aged = Aged::new(LONG, LONG / 4);
        known(&aged, 1).await;
        age(&aged, LONG * 3 / 2);
        let (answer, answered) = oneshot::channel();
        let hangs = || async move { answered.await.unwrap() };
        assert_eq!(aged.get(|_| true, hangs).await, Ok(Arc::new(1)));
        assert_eq!(aged.get(|_| true, no_fetch).await, Ok(Arc::new(1)));
        answer.send(Ok(2)).unwrap();
        while aged.state().value != Some(Arc::new(2)) {
            yield_now().await;
        }
        assert_eq!(aged.get(|_| true, no_fetch).await, Ok(Arc::new(2)));
        // Whoever cannot do with it waits.
        age(&aged, LONG * 3 / 2);
        assert_eq!(aged.get(|value| *value == 3, || ready(Ok(3))).await, Ok(Arc::new(3)));
        // So does everybody, once it is too old.
        age(&aged, LONG * 2);
        assert_eq!(aged.get(|_| true, || ready(Ok(4))).await, Ok(Arc::new(4)));
    }

    #[tokio::test]
    async fn between_two_fetches_there_is_a_pause() {
        let aged = Aged::new(LONG, LONG);
        known(&aged, 1).await;
        assert_eq!(aged.get(|value| *value == 2, no_fetch).await, Ok(Arc::new(1)));
        let away = Aged::new(LONG, LONG);
        for why in ["away", "not asked"] {
            assert_eq!(away.get(|_: &u32| true, || ready(Err(why.to_owned()))).await, Err("away".to_owned()));
        }
    }

    #[tokio::test]
    async fn a_fetch_ends_whoever_goes_away() {
        let aged = Aged::new(LONG, Duration::ZERO);
        let (own, (begun, begins)) = (Arc::clone(&aged), oneshot::channel());
        let (answer, answered) = oneshot::channel();
        let impatient = tokio::spawn(async move {
            let fetch = || async move {
                begun.send(()).unwrap();
                answered.await.unwrap()
            };
            own.get(|_| true, fetch).await
        });
        begins.await.unwrap();
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        answer.send(Ok(1)).unwrap();
        while aged.state().value.is_none() {
            yield_now().await;
        }
        assert_eq!(aged.get(|_| true, no_fetch).await, Ok(Arc::new(1)));
    }
}
