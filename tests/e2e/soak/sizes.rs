//! What Envoy has of everything, second by second: memory, file descriptors, threads, and whatever it counts in a gauge.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::harness::envoy::Envoy;

const MEMORY: &str = "resident memory in KiB";
/// What gauges end with that are no amounts: times, names, and what Envoy counts from its start on.
const NO_AMOUNTS: [&str; 4] = ["uptime", "version", "update_time", "stats_recent_lookups"];
/// Envoy's own views of its heap, in bytes: what it gives back to the system, and when, is the allocator's affair.
const OF_THE_HEAP: &str = "server.memory_";

#[derive(Default)]
pub struct Sizes {
    series: BTreeMap<String, Vec<(Duration, u64)>>,
}

impl Sizes {
    pub fn take(&mut self, at: Duration, envoy: &Envoy) {
        let usage = envoy.usage();
        let own =
            [(MEMORY, usage.resident_bytes >> 10), ("file descriptors", usage.descriptors), ("threads", usage.threads)];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let is_amount =
            |name: &str| !NO_AMOUNTS.iter().any(|end| name.ends_with(end)) && !name.starts_with(OF_THE_HEAP);
        let counted = envoy.gauges().into_iter().filter(|(name, _)| is_amount(name));
        for (name, value) in own.into_iter().chain(counted) {
            self.series.entry(name).or_default().push((at, value));
        }
    }

    /// What was for half of the last quarter more than ever in the third; memory, if it was at any time, by 2 % and 2 MiB.
    pub fn grown(&self, span: Duration) -> Vec<String> {
        let quarter = |from: f64, series: &[(Duration, u64)]| {
            let within = |at: Duration| (span.mul_f64(from)..span.mul_f64(from + 0.25)).contains(&at);
            let mut values: Vec<_> = series.iter().filter(|(at, _)| within(*at)).map(|(_, value)| *value).collect();
            values.sort_unstable();
            values
        };
        let grows = |(name, series): (&String, &Vec<(Duration, u64)>)| {
            let (before, last) = (quarter(0.5, series), quarter(0.75, series));
            let most = before.last().copied().unwrap_or_default();
            let (now, allowed) = match name == MEMORY {
                true => (last.last(), most + most / 50 + 2048),
                false => (last.get(last.len() / 2), most),
            };
            let now = now.copied().unwrap_or_default();
            (now > allowed).then(|| format!("{name}: at most {most}, then {now}"))
        };
        self.series.iter().filter_map(grows).collect()
    }

    /// The memory of the second, third and last quarter.
    pub fn told(&self, span: Duration) -> String {
        let most = |quarter: u32| {
            let within = |at: Duration| (span / 4 * quarter..span / 4 * (quarter + 1)).contains(&at);
            let values = self.series[MEMORY].iter().filter(|(at, _)| within(*at)).map(|(_, value)| value >> 10);
            values.max().unwrap_or_default()
        };
        format!("MiB in the second, third and last quarter: {:?}; {} amounts", [1, 2, 3].map(most), self.series.len())
    }
}
