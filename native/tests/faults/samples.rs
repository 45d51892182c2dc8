//! What is counted where nobody comes to report it: on Envoy 1.38, while there are no requests.

use tessera_native::samples::Samples;
use tessera_native::stats::Taken;

#[test]
fn a_long_time_without_reports_loses_no_count_and_no_last_level() {
    const TICKS: u64 = 100_000;
    let mut samples = Samples::default();
    for tick in 0..TICKS {
        samples.put(Taken::Set("age".to_owned(), tick));
        samples.put(Taken::Count("polls".to_owned(), 1));
        samples.put(Taken::Observe("took".to_owned(), tick));
    }
    samples.put(Taken::Count("late".to_owned(), 1));
    let (durations, rest): (Vec<_>, Vec<_>) =
        samples.take().into_iter().partition(|sample| matches!(sample, Taken::Observe(..)));
    assert!(!durations.is_empty() && durations.len() < 20_000, "room for them is bounded");
    for expected in [
        Taken::Set("age".to_owned(), TICKS - 1),
        Taken::Count("polls".to_owned(), TICKS),
        Taken::Count("late".to_owned(), 1),
    ] {
        assert_eq!(rest.iter().filter(|sample| **sample == expected).count(), 1, "{expected:?}");
    }
    assert_eq!(rest.len(), 3);
    assert_eq!(samples.take(), []);
    (0..TICKS).for_each(|number| samples.put(Taken::Count(number.to_string(), 1)));
    assert!(samples.take().len() < 20_000, "and so is that for names");
}
