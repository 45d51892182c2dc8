//! What the metrics tell of the database, counted now and then rather than for each scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::task::{TASK_KINDS, TASK_STATES, TaskStatus};
use crate::domain::time::Time;
use crate::measures::{
    self, APPROVALS_OPEN, DATABASE_CONNECTIONS, FEED_POSITION, FEED_ROWS, HELD, ONE_TIME_LEFT, ORPHANS, TASK_OLDEST,
    TASKS, TASKS_STUCK,
};
use crate::store::{Database, ProviderTally, Tallies, TaskTally};
use crate::tasks::work::Work;
use crate::use_case::store::{Store, StoreError};

/// Between two looks at what is known without asking.
const LOOK: Duration = Duration::from_secs(5);
/// Between two countings at least.
const PAUSE: Duration = Duration::from_secs(15);
/// Counting takes no more than this part of the time, however much there is.
const SHARE: u32 = 100;

/// Feeds by organisation and environment.
type Feeds = BTreeSet<(String, String)>;

/// Looks and counts until the service ends.
pub(super) async fn run(work: Arc<Work>, mut ending: watch::Receiver<bool>) {
    let (mut counted, mut feeds) = (None, Feeds::new());
    let mut next = Instant::now();
    loop {
        tell(&work.database);
        // What histograms were told stays in a list until then.
        work.metrics.run_upkeep();
        let begun = Instant::now();
        if begun >= next {
            // A gateway that is made meanwhile is not among those that are counted, and may poll.
            let at = work.registry.outside.clock.now();
            counted = count(&work).await.map(|tallies| (tallies, at)).or(counted);
            next = begun + PAUSE.max(begun.elapsed().saturating_mul(SHARE));
        }
        if let Some((tallies, at)) = &counted {
            show(tallies, work.registry.outside.clock.now(), &mut feeds);
            work.registry.polls.retain(&tallies.gateways, *at);
        }
        work.registry.polls.tell();
        if timeout(LOOK, ending.wait_for(|ending| *ending)).await.is_ok() {
            return;
        }
    }
}

/// Gauges that nobody tells for some minutes are forgotten with what they were about: all others are told anew.
fn tell(database: &Database) {
    measures::remind();
    let (idle, used) = database.connections();
    for (state, count) in [("idle", idle), ("used", used)] {
        metrics::gauge!(DATABASE_CONNECTIONS, "state" => state).set(count as f64);
    }
    let heads = database.heads().borrow().clone();
    metrics::gauge!(HELD).set(f64::from(u8::from(heads.held)));
    for (feed, position) in heads.positions {
        metrics::gauge!(FEED_POSITION, &of_feed(feed)).set(position as f64);
    }
}

/// What could not be counted stays as it was; the store counts why.
async fn count(work: &Work) -> Option<Tallies> {
    let unknown = |error: &StoreError| tracing::debug!(%error, "what the metrics tell could not be counted");
    work.database.tallies().await.inspect_err(unknown).ok()
}

/// `feeds` are those that were shown before: the ones that have gone have no rows, and are not shown again.
fn show(tallies: &Tallies, now: Time, feeds: &mut Feeds) {
    feeds.extend(tallies.feed_rows.keys().cloned());
    for feed in feeds.iter() {
        let rows = tallies.feed_rows.get(feed).copied().unwrap_or_default();
        metrics::gauge!(FEED_ROWS, &of_feed(feed.clone())).set(rows as f64);
    }
    feeds.retain(|feed| tallies.feed_rows.contains_key(feed));
    for (organisation, count) in &tallies.approvals {
        metrics::gauge!(APPROVALS_OPEN, "organisation" => organisation.clone()).set(*count as f64);
    }
    show_providers(&tallies.providers);
    for (kind, _) in TASK_KINDS {
        let of_kind: Vec<_> = tallies.tasks.iter().filter(|tally| tally.kind == *kind).collect();
        show_tasks(kind, &of_kind, now);
    }
}

/// Of providers of one name in several organisations: all orphans, and the smallest pool.
fn show_providers(tallies: &[ProviderTally]) {
    let mut orphans = BTreeMap::<&str, i64>::new();
    let mut pools = BTreeMap::<&str, i64>::new();
    for tally in tallies {
        *orphans.entry(&tally.id).or_default() += tally.orphans;
        if let Some(left) = tally.one_time_left {
            let pool = pools.entry(&tally.id).or_insert(left);
            *pool = left.min(*pool);
        }
    }
    for (name, counts) in [(ORPHANS, orphans), (ONE_TIME_LEFT, pools)] {
        for (provider, count) in counts {
            metrics::gauge!(name, "provider" => provider.to_owned()).set(count as f64);
        }
    }
}

fn show_tasks(kind: &'static str, tallies: &[&TaskTally], now: Time) {
    let count = |counts: &dyn Fn(&TaskTally) -> bool| -> f64 {
        let counted = tallies.iter().filter(|tally| counts(tally));
        counted.map(|tally| tally.count).sum::<i64>() as f64
    };
    for (status, _) in TASK_STATES {
        metrics::gauge!(TASKS, "kind" => kind, "status" => *status).set(count(&|tally| tally.status == *status));
    }
    metrics::gauge!(TASKS_STUCK, "kind" => kind).set(count(&|tally| tally.is_stuck && is_open(tally)));
    let begun = tallies.iter().filter(|tally| is_open(tally)).filter_map(|tally| made_at(&tally.oldest)).min();
    let age = begun.map_or(Duration::ZERO, |begun| now.since(begun));
    metrics::gauge!(TASK_OLDEST, "kind" => kind).set(age.as_secs_f64());
}

fn is_open(tally: &TaskTally) -> bool {
    [TaskStatus::Waiting, TaskStatus::Running].map(TaskStatus::word).contains(&tally.status.as_str())
}

/// Identifiers made here say when.
fn made_at(id: &str) -> Option<Time> {
    let (seconds, nanos) = uuid::Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    Some(Time::from_millis(seconds.saturating_mul(1000).saturating_add(u64::from(nanos) / 1_000_000)))
}

fn of_feed((organisation, environment): (String, String)) -> [(&'static str, String); 2] {
    [("organisation", organisation), ("environment", environment)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::polls::Polls;

    fn tally(status: &str, is_stuck: bool, count: i64, millis: u64) -> TaskTally {
        let at = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, 0);
        let (kind, status) = ("webhook".to_owned(), status.to_owned());
        TaskTally { kind, status, is_stuck, count, oldest: uuid::Uuid::new_v7(at).to_string() }
    }

    #[test]
    fn tallies_become_gauges_and_what_has_gone_becomes_nothing() {
        let recorder = measures::recorder(Duration::from_nanos(1)).unwrap().build_recorder();
        let feed = |environment: &str| ("default".to_owned(), environment.to_owned());
        metrics::with_local_recorder(&recorder, || {
            let mut feeds = Feeds::new();
            let mut tallies = Tallies {
                feed_rows: [(feed("production"), 7), (feed("test"), 2)].into(),
                approvals: [("default".to_owned(), 3)].into(),
                tasks: vec![
                    tally("done", true, 9, 1_000),
                    tally("waiting", false, 4, 80_000),
                    tally("waiting", true, 2, 50_000),
                    tally("running", true, 1, 60_000),
                ],
                providers: [("idp", 2, Some(7)), ("idp", 1, Some(4)), ("other", 0, None)]
                    .map(|(id, orphans, one_time_left)| ProviderTally { id: id.to_owned(), orphans, one_time_left })
                    .into(),
                ..Tallies::default()
            };
            show(&tallies, Time::from_millis(90_000), &mut feeds);
            let text = recorder.handle().render();
            for line in [
                "feed_rows{organisation=\"default\",environment=\"test\"} 2",
                "approvals_open{organisation=\"default\"} 3",
                "orphans{provider=\"idp\"} 3",
                "orphans{provider=\"other\"} 0",
                "one_time_left{provider=\"idp\"} 4",
                "tasks{kind=\"webhook\",status=\"done\"} 9",
                "tasks{kind=\"webhook\",status=\"waiting\"} 6",
                "tasks{kind=\"register\",status=\"waiting\"} 0",
                "tasks_stuck{kind=\"webhook\"} 3",
                "task_oldest_seconds{kind=\"webhook\"} 40",
            ] {
                assert!(text.lines().any(|found| found == format!("tessera_registry_{line}")), "{line}\n{text}");
            }
            assert!(!text.contains("one_time_left{provider=\"other\"}"), "{text}");
            tallies.feed_rows.remove(&feed("test"));
            tallies.tasks.clear();
            show(&tallies, Time::from_millis(90_000), &mut feeds);
            let text = recorder.handle().render();
            for line in [
                "feed_rows{organisation=\"default\",environment=\"test\"} 0",
                "tasks{kind=\"webhook\",status=\"waiting\"} 0",
                "task_oldest_seconds{kind=\"webhook\"} 0",
            ] {
                assert!(text.lines().any(|found| found == format!("tessera_registry_{line}")), "{line}\n{text}");
            }
            // At last it is not told at all.
            show(&tallies, Time::from_millis(90_000), &mut feeds);
            let text = recorder.handle().render();
            assert!(text.contains("environment=\"production\"") && !text.contains("environment=\"test\""), "{text}");
        });
    }

    #[test]
    fn gateways_that_have_gone_are_forgotten_and_others_are_not() {
        let recorder = measures::recorder(Duration::from_nanos(1)).unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let (polls, names) = (Polls::default(), ["one", "other"].map(str::to_owned));
            for name in &names {
                polls.note(name, Time::from_millis(1_500));
            }
            measures::remind();
            let shown = |name: &str| format!("gateway_last_poll_seconds{{gateway=\"{name}\"}} 1.5");
            let text = recorder.handle().render();
            assert!(text.contains(&shown("one")) && text.contains(&shown("other")), "{text}");
            // One that polls after the gateways were counted may have been made after that.
            polls.note("new", Time::from_millis(1_500));
            polls.retain(&names.clone().into(), Time::from_millis(1_500));
            assert!(recorder.handle().render().contains(&shown("new")));
            polls.tell();
            assert!(recorder.handle().render().contains(&shown("new")));
            for _ in 0..2 {
                polls.retain(&["one".to_owned()].into(), Time::from_millis(1_501));
                polls.tell();
                measures::remind();
                let text = recorder.handle().render();
                assert!(text.contains(&shown("one")) && !text.contains("other"), "{text}");
                assert!(text.contains("build_info") && text.contains("feed_held_polls 0"), "{text}");
            }
        });
    }
}
