//! CPU time of the proxy's threads, and latencies of its answers.

use std::io::{self, Write};
use std::time::Duration;

/// One answered request.
pub struct Sample {
    /// When it counts from, on the wall clock.
    pub started_unix_us: u64,
    /// Until its answer was complete.
    pub latency_ns: u64,
}

/// Time on the CPU of all those threads: the first field of `schedstat`.
pub fn cpu_ns(paths: &[String]) -> Result<u64, String> {
    let mut sum = 0;
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let field = text.split_whitespace().next().unwrap_or_default();
        let nanos: u64 = field.parse().map_err(|_| format!("{path}: not schedstat: {text}"))?;
        sum += nanos;
    }
    Ok(sum)
}

/// The smallest value that at least `share` percent do not exceed, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
pub fn percentile(sorted_ns: &[u64], share: usize) -> f64 {
    let rank = (sorted_ns.len() * share).div_ceil(100).max(1);
    let value = sorted_ns.get(rank - 1).copied().unwrap_or_default();
    value as f64 / 1000.0
}

/// Whole nanoseconds.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// One line for each request: its start and its latency, both in microseconds.
pub fn write_samples(path: &str, samples: &[Sample]) -> io::Result<()> {
    let mut file = io::BufWriter::new(std::fs::File::create(path)?);
    for sample in samples {
        let latency_us = sample.latency_ns / 1000;
        writeln!(file, "{} {latency_us}", sample.started_unix_us)?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let values: Vec<u64> = (1..=200).map(|value| value * 1000).collect();
        assert_eq!(percentile(&values, 50), 100.0);
        assert_eq!(percentile(&values, 99), 198.0);
        assert_eq!(percentile(&values, 100), 200.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
