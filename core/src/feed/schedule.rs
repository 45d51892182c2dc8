//! When to poll again.

use std::time::Duration;

use crate::base::random::Prng;

/// Longest pause that failures alone bring about.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// Longest pause that a server can ask for.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// First pause after a failure, unless `refresh` is shorter.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Least time from the start of one poll to the start of the next where the server holds polls: one that only says so
/// is not asked all the time.
pub const LEAST_BETWEEN_HELD: Duration = Duration::from_millis(100);
/// How much later than `refresh` a poll may be: a change has to be in force within `refresh` and a second, also when
/// the worker that should poll is dead and another one has to notice that.
const LATEST: Duration = Duration::from_millis(100);

/// From the start of one poll to the start of the next: `refresh` ± 10 %, and never more than 100 ms late.
pub fn interval(refresh: Duration, prng: &mut Prng) -> Duration {
    let jittered = refresh.mul_f64(0.9 + 0.2 * prng.fraction());
    jittered.min(refresh.saturating_add(LATEST))
}

/// How long to wait after the `failures`-th failure in a row: doubling from one second (or `refresh`, if that is
/// shorter) to five minutes, ± 20 %; and not before the server's `Retry-After` has passed.
pub fn backoff(failures: u32, refresh: Duration, retry_after: Option<Duration>, prng: &mut Prng) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = FIRST_BACKOFF.min(refresh).saturating_mul(1 << doublings);
    let pause = pause.min(LONGEST_BACKOFF).mul_f64(0.8 + 0.4 * prng.fraction());
    pause.min(LONGEST_BACKOFF).max(retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_spread_and_never_late() {
        let mut prng = Prng::new(1);
        for refresh in [Duration::from_secs(1), Duration::from_secs(600)] {
            let all: Vec<_> = (0..1000).map(|_| interval(refresh, &mut prng)).collect();
            assert!(all.iter().all(|i| *i >= refresh.mul_f64(0.9)));
            assert!(all.iter().all(|i| *i <= refresh.mul_f64(1.1).min(refresh + LATEST)));
            assert!(all.iter().any(|i| *i < refresh.mul_f64(0.92)));
            assert!(all.iter().any(|i| *i > refresh));
        }
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let mut prng = Prng::new(1);
        let refresh = Duration::from_secs(15);
        for (failures, secs) in [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0)] {
            let pause = backoff(failures, refresh, None, &mut prng).as_secs_f64();
            assert!(pause >= secs * 0.8 && pause <= secs * 1.2, "{failures}: {pause}");
        }
        for failures in [10, 100, u32::MAX] {
            let pause = backoff(failures, refresh, None, &mut prng);
            assert!(pause <= LONGEST_BACKOFF && pause >= LONGEST_BACKOFF.mul_f64(0.8));
        }
        let short = backoff(1, Duration::from_millis(100), None, &mut prng);
        assert!(short <= Duration::from_millis(120));
        let asked = Some(Duration::from_secs(900));
        assert_eq!(backoff(1, refresh, asked, &mut prng), Duration::from_secs(900));
    }
}
