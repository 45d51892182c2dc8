//! What was counted, until somebody reports it, however long that takes.

use crate::stats::Taken;
use hashbrown::HashMap;

/// Most durations, and most metrics of either kind: beyond that they are lost.
const MOST: usize = 16_384;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Counts add up, and of a level the last one counts, so that they take no more room with time.
#[derive(Default)]
pub struct Samples {
    counts: Map<String, u64>,
    levels: Map<String, u64>,
    others: Vec<Taken>,
}

impl Samples {
    pub fn put(&mut self, taken: Taken) {
        match taken {
            Taken::Count(name, by) => {
                if let Some(count) = place(&mut self.counts, name) {
                    *count = count.saturating_add(by);
                }
            }
            Taken::Set(name, value) => {
                if let Some(level) = place(&mut self.levels, name) {
                    *level = value;
                }
            }
            other => {
                if self.others.len() < MOST {
                    self.others.push(other);
                }
            }
        }
    }

    /// Hands over what there is.
    pub fn take(&mut self) -> Vec<Taken> {
        let counts = self.counts.drain().map(|(name, by)| Taken::Count(name, by));
        let levels = self.levels.drain().map(|(name, value)| Taken::Set(name, value));
        counts.chain(levels).chain(self.others.drain(..)).collect()
    }
}

fn place(of: &mut Map<String, u64>, name: String) -> Option<&mut u64> {
    (of.len() < MOST || of.contains_key(&name)).then(|| of.entry(name).or_default())
}
