//! Questions that many polls have at the same moment are asked of the database once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, Semaphore};

/// Who asks joins those whose question waits to be asked, never one that is being asked: no answer is older than the
/// wish for it.
pub struct Batches<Q: Eq + Hash, A> {
    waiting: Mutex<HashMap<Q, Arc<OnceCell<A>>>>,
    turns: Semaphore,
}

impl<Q: Clone + Eq + Hash, A: Clone> Batches<Q, A> {
    pub fn new(at_once: usize) -> Self {
        Self { waiting: Mutex::default(), turns: Semaphore::new(at_once) }
    }

    /// The answer, which one of those gets who wait for it.
    pub async fn ask<F: Future<Output = A>>(&self, question: Q, answer: impl FnOnce() -> F) -> A {
        let cell = Arc::clone(self.waiting().entry(question.clone()).or_default());
        let waits = Waits { batches: self, question, cell };
        let answered = waits.cell.get_or_init(|| async {
            // They are never closed.
            let _turn = self.turns.acquire().await;
            waits.no_longer();
            answer().await
        });
        answered.await.clone()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Q, Arc<OnceCell<A>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who wait.
struct Waits<'a, Q: Clone + Eq + Hash, A: Clone> {
    batches: &'a Batches<Q, A>,
    question: Q,
    cell: Arc<OnceCell<A>>,
}

impl<Q: Clone + Eq + Hash, A: Clone> Waits<'_, Q, A> {
    /// Whoever comes from here on waits for another answer.
    fn no_longer(&self) {
        let mut waiting = self.batches.waiting();
        if waiting.get(&self.question).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell)) {
            waiting.remove(&self.question);
        }
    }
}

impl<Q: Clone + Eq + Hash, A: Clone> Drop for Waits<'_, Q, A> {
    fn drop(&mut self) {
        // Nobody else has it but the map.
        if Arc::strong_count(&self.cell) <= 2 {
            self.no_longer();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_comes_while_it_is_asked_waits_for_another_answer() {
        let (batches, asked, go) = (Arc::new(Batches::new(1)), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (batches, asked, go) = (Arc::clone(&batches), Arc::clone(&asked), Arc::clone(&go));
            tokio::spawn(async move {
                let answer = || async {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    number
                };
                batches.ask("question", answer).await
            })
        };
        let first = ask();
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..100).map(|_| ask()).collect();
        // They have come before the first has its answer.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        assert_eq!(first.await.unwrap(), 0);
        go.notify_one();
        for other in others {
            assert_eq!(other.await.unwrap(), 1);
        }
        assert!(batches.waiting().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_it_to_the_others_and_nothing_behind() {
        let batches = Arc::new(Batches::new(1));
        let turn = batches.turns.acquire().await.unwrap();
        let ask = || {
            let batches = Arc::clone(&batches);
            tokio::spawn(async move { batches.ask("question", || async { 7 }).await })
        };
        let (first, second) = (ask(), ask());
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        first.abort();
        drop(turn);
        assert_eq!(second.await.unwrap(), 7);

        let turn = batches.turns.acquire().await.unwrap();
        let only = ask();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(batches.waiting().len(), 1);
        only.abort();
        assert!(only.await.is_err());
        drop(turn);
        assert!(batches.waiting().is_empty());
    }
}
