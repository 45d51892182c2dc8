//! What is going to happen.

use super::random::Random;
use super::truth::{STRANGERS, TOKENS, Truth};

/// How disorderly a history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disorder {
    None,
    /// Both servers fail.
    Servers,
    /// Workers die, and are replaced.
    Workers,
    /// All of that, and callers hang up, and the clock steps.
    Everything,
}

/// One event that nobody in the process brings about.
#[derive(Clone, Copy, Debug)]
pub enum Outside {
    Request {
        seat: usize,
        token: u64,
        path: &'static str,
        hangs_up: Option<u64>,
    },
    /// A worker is gone, with all that it had.
    Death {
        seat: usize,
    },
    /// A worker is shut down in good order, and one of this configuration comes in its place.
    Replacement {
        seat: usize,
        configuration: usize,
    },
    /// The wall clock steps, in milliseconds.
    Step(i64),
}

pub struct Plan {
    pub seed: u64,
    pub disorder: Disorder,
    pub random: Random,
    pub truth: Truth,
    pub span: u64,
    /// By its index, the configuration of each seat.
    pub seats: Vec<usize>,
    pub events: Vec<(u64, Outside)>,
    /// Tokens that the authorization server fails over, each in so many of a hundred calls.
    pub failing: Vec<u64>,
    pub failures: u64,
    /// Share of polls that the source fails.
    pub source_failures: u64,
    /// Whether a server that fails asks to be left alone.
    pub holds: bool,
    /// Whether unknown tokens come in a flood.
    pub floods: bool,
}

impl Plan {
    pub fn new(seed: u64, disorder: Disorder) -> Self {
        let mut random = Random::seeded(seed);
        let span = 4000 + random.below(16_000);
        let truth = Truth::new(&mut random, span);
        let two = [random.below(12) as usize, random.below(12) as usize];
        let seats: Vec<usize> = (0..1 + random.below(4)).map(|_| *random.pick(&two)).collect();
        let fails = matches!(disorder, Disorder::Servers | Disorder::Everything);
        let dies = matches!(disorder, Disorder::Workers | Disorder::Everything);
        let mut events = Vec::new();
        for _ in 0..20 + random.below(40) {
            let hangs_up = (disorder == Disorder::Everything && random.percent(15)).then(|| random.below(2000));
            let seat = random.below(seats.len() as u64) as usize;
            let path = *random.pick(&["/strict", "/free", "/", "/"]);
            let token = random.below(TOKENS);
            events.push((random.below(span), Outside::Request { seat, token, path, hangs_up }));
        }
        let floods = random.percent(10);
        if floods {
            let from = random.below(span);
            for stranger in 0..20 + random.below(STRANGERS - 20) {
                let (seat, token) = (random.below(seats.len() as u64) as usize, TOKENS + stranger);
                let event = Outside::Request { seat, token, path: "/", hangs_up: None };
                events.push((from + random.below(500), event));
            }
        }
        for _ in 0..if dies { random.below(4) } else { 0 } {
            let seat = random.below(seats.len() as u64) as usize;
            let event = match random.percent(50) {
                true => Outside::Death { seat },
                false => Outside::Replacement { seat, configuration: *random.pick(&two) },
            };
            events.push((random.below(span), event));
        }
        if disorder == Disorder::Everything && random.percent(50) {
            let by = random.below(6000) as i64 - 3000;
            events.push((random.below(span), Outside::Step(by)));
        }
        let failing = (0..TOKENS).filter(|_| random.percent(50)).collect();
        let failures = if fails { *random.pick(&[10, 40, 100]) } else { 0 };
        let source_failures = if fails { *random.pick(&[0, 0, 20, 70]) } else { 0 };
        let holds = fails && random.percent(20);
        Self { seed, disorder, random, truth, span, seats, events, failing, failures, source_failures, holds, floods }
    }
}
