//! Drives one target.

use super::fuzz::{TARGETS, Target};
use super::mutation::bend;
use super::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

/// Most inputs that are bent further.
const MOST_KEPT: usize = 2000;

/// Runs the seeds of a target, what was found before, and then its share of bent inputs.
pub fn drive(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    if let Some(file) = env::var_os("TESSERA_FUZZ_INPUT") {
        let input = fs::read(&file).expect("an input that can be read");
        println!("{}", (target.run)(&input));
        return;
    }
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("TESSERA_FUZZ_SEED").unwrap_or(1);
    let until = number("TESSERA_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut run = Run { target, seed, kept: Vec::new(), seen: BTreeMap::new() };
    for input in (target.seeds)().into_iter().chain(found_before(name)) {
        run.try_input(&input);
        run.kept.push(input);
    }
    let mut random = Random::seeded(seed);
    let mut count = 0;
    while until.map_or(count < target.rounds, |until| Instant::now() < until) {
        let input = bend(&run.kept[random.below(run.kept.len())], &run.kept, target.words, &mut random);
        if run.try_input(&input) && run.kept.len() < MOST_KEPT {
            run.kept.push(input);
        }
        count += 1;
    }
    println!("{name}, seed {seed}: {count} inputs, {:?}", run.seen);
    let reached: BTreeSet<_> = run.seen.keys().map(String::as_str).collect();
    let missed: Vec<_> = target.reaches.iter().filter(|word| !reached.contains(*word)).collect();
    assert!(missed.is_empty(), "{name}, seed {seed}: no input came to {missed:?}, only to {reached:?}");
}

/// Inputs that once failed, or that nothing bends its way to.
fn found_before(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found").join(name);
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

struct Run {
    target: &'static Target,
    seed: u64,
    kept: Vec<Vec<u8>>,
    seen: BTreeMap<String, usize>,
}

impl Run {
    /// Whether the input came to something new.
    fn try_input(&mut self, input: &[u8]) -> bool {
        let what = catch_unwind(AssertUnwindSafe(|| (self.target.run)(input))).unwrap_or_else(|panic| {
            let file = keep(self.target.name, input);
            let (name, seed) = (self.target.name, self.seed);
            eprintln!("{name}, seed {seed}: \"{}\" in {}", input.escape_ascii(), file.display());
            resume_unwind(panic)
        });
        let count = self.seen.entry(what).or_default();
        *count += 1;
        // The first few of each kind differ enough to be worth it.
        count.is_power_of_two()
    }
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let file = folder.join(format!("{name}-{:016x}", hasher.finish()));
    fs::write(&file, input).unwrap();
    file
}
