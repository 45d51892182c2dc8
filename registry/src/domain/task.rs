//! Tasks: what has to be done outside, tried until it is done or refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::time::Time;
use crate::domain::words::word_of;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    Register,
    Verify,
    Update,
    AddSecret,
    RemoveSecret,
    Delete,
    Webhook,
}

pub const TASK_KINDS: &[(&str, TaskKind)] = &[
    ("register", TaskKind::Register),
    ("verify", TaskKind::Verify),
    ("update", TaskKind::Update),
    ("add_secret", TaskKind::AddSecret),
    ("remove_secret", TaskKind::RemoveSecret),
    ("delete", TaskKind::Delete),
    ("webhook", TaskKind::Webhook),
];

impl TaskKind {
    pub fn word(self) -> &'static str {
        word_of(TASK_KINDS, self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    Waiting,
    Running,
    Done,
    Refused,
}

pub const TASK_STATES: &[(&str, TaskStatus)] = &[
    ("waiting", TaskStatus::Waiting),
    ("running", TaskStatus::Running),
    ("done", TaskStatus::Done),
    ("refused", TaskStatus::Refused),
];

impl TaskStatus {
    pub fn word(self) -> &'static str {
        word_of(TASK_STATES, self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    Done,
    Refused,
    NotDone,
    Unknown,
}

/// The latest attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub outcome: TaskOutcome,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub description: Option<String>,
}

/// What a webhook is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub url: String,
    pub body: String,
    /// Failed ones are tried again for a day.
    pub is_repeated: bool,
}

/// A task as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedTask {
    pub id: String,
    pub kind: TaskKind,
    pub client: Option<String>,
    pub provider: Option<String>,
    pub status: TaskStatus,
    pub stuck: bool,
    pub attempt: u32,
    /// While it is running, when whoever runs it must have ended.
    pub next_at: Option<Time>,
    pub last: Option<Attempt>,
    pub delivery: Option<Delivery>,
    /// At the end of a client's name at its provider, or the number of a secret, while it is not known how the attempt has
    /// ended.
    #[serde(default)]
    pub marker: Option<String>,
    /// Checks that have failed.
    #[serde(default)]
    pub failures: u32,
    /// An attempt before may have done something that nobody knows of.
    #[serde(default)]
    pub uncertain: bool,
    /// Which it is to delete, instead of the client.
    #[serde(default)]
    pub orphan: Option<String>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaskView {
    pub id: String,
    pub kind: TaskKind,
    pub client: Option<String>,
    pub provider: Option<String>,
    pub status: TaskStatus,
    pub stuck: bool,
    pub attempt: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Time>,
    pub last: Option<Attempt>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

/// How long a delivery may take, with all that is around it.
const LEASE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The `error` of a registration that waits for a token.
const NO_ONE_TIME_TOKEN: &str = "no_one_time_token";
/// Between two looks for what a task lacks.
const LACKING: Duration = Duration::from_secs(300);
/// From the event to the last attempt.
const GIVEN_UP: Duration = Duration::from_secs(86_400);

impl QueuedTask {
    pub fn delivery(id: String, delivery: Delivery, now: Time) -> Self {
        Self { delivery: Some(delivery), ..Self::blank(id, TaskKind::Webhook, now) }
    }

    /// Of a client at a provider.
    pub fn of_client(id: String, kind: TaskKind, (client, provider): (&str, &str), now: Time) -> Self {
        let (client, provider) = (Some(client.to_owned()), Some(provider.to_owned()));
        Self { client, provider, ..Self::blank(id, kind, now) }
    }

    fn blank(id: String, kind: TaskKind, now: Time) -> Self {
        Self {
            id,
            kind,
            client: None,
            provider: None,
            status: TaskStatus::Waiting,
            stuck: false,
            attempt: 0,
            next_at: Some(now),
            last: None,
            delivery: None,
            marker: None,
            failures: 0,
            uncertain: false,
            orphan: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.status, TaskStatus::Done | TaskStatus::Refused)
    }

    /// Whether it is to be tried now: a running one whose runner must have ended is, too.
    pub fn is_due(&self, now: Time) -> bool {
        !self.has_ended() && self.next_at.is_some_and(|at| at <= now)
    }

    pub fn begin(&mut self, now: Time) {
        self.begin_for(LEASE, now);
    }

    /// For so long, then anybody may try it.
    pub fn begin_for(&mut self, lease: Duration, now: Time) {
        self.status = TaskStatus::Running;
        self.attempt = self.attempt.saturating_add(1);
        (self.next_at, self.updated_at) = (Some(now.plus(lease)), now);
    }

    /// Whoever tried it does so no more: somebody else may, at once.
    pub fn give_back(&mut self, now: Time) {
        self.status = TaskStatus::Waiting;
        (self.next_at, self.updated_at) = (Some(now), now);
    }

    /// Whether it is still in the hands of whoever took it so.
    pub fn is_of(&self, taken: &Self) -> bool {
        self.attempt == taken.attempt && self.status == TaskStatus::Running
    }

    pub fn end(&mut self, status: TaskStatus, now: Time) {
        (self.status, self.next_at, self.updated_at) = (status, None, now);
    }

    /// Tried again after that time.
    pub fn wait(&mut self, pause: Duration, now: Time) {
        (self.status, self.next_at, self.updated_at) = (TaskStatus::Waiting, Some(now.plus(pause)), now);
    }

    /// It cannot be tried for want of a one-time token: whoever brings some has it tried again.
    pub fn lack_token(&mut self, why: String, now: Time) {
        let (error, description) = (Some(NO_ONE_TIME_TOKEN.to_owned()), Some(why));
        self.last = Some(Attempt { at: now, outcome: TaskOutcome::NotDone, status: None, error, description });
        self.wait(LACKING, now);
    }

    pub fn lacks_token(&self) -> bool {
        let error = self.last.as_ref().and_then(|last| last.error.as_deref());
        self.status == TaskStatus::Waiting && error == Some(NO_ONE_TIME_TOKEN)
    }

    /// After the latest attempt at a provider: 1 s doubling to 5 min, a fifth less to a fifth more as `spread` says.
    pub fn backoff(&self, spread: u8) -> Duration {
        let doubled = self.attempt.saturating_sub(1).min(16);
        let pause = Duration::from_secs(1).saturating_mul(1 << doubled).min(Duration::from_secs(300));
        pause.mul_f64(0.8 + 0.4 * f64::from(spread) / 255.0)
    }

    /// What became of an attempt at a delivery. Whether it is given up for good and somebody should know.
    pub fn delivered(&mut self, last: Attempt) -> bool {
        let now = last.at;
        let is_repeated = self.delivery.as_ref().is_some_and(|delivery| delivery.is_repeated);
        let next = now.plus(self.pause());
        let ended = match last.outcome {
            TaskOutcome::Done => Some(TaskStatus::Done),
            TaskOutcome::Refused => Some(TaskStatus::Refused),
            _ if !is_repeated || next > self.created_at.plus(GIVEN_UP) => Some(TaskStatus::Refused),
            _ => None,
        };
        let is_given_up = ended == Some(TaskStatus::Refused) && last.outcome != TaskOutcome::Refused && is_repeated;
        self.stuck |= is_given_up;
        if let (Some(_), Some(delivery)) = (ended, &mut self.delivery) {
            // Nobody is told any more.
            delivery.body.clear();
        }
        self.status = ended.unwrap_or(TaskStatus::Waiting);
        self.next_at = Some(next).filter(|_| ended.is_none());
        (self.last, self.updated_at) = (Some(last), now);
        is_given_up
    }

    /// After the latest attempt: 10 s, doubling to an hour.
    fn pause(&self) -> Duration {
        let doubled = self.attempt.saturating_sub(1).min(16);
        FIRST_PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE)
    }

    pub fn view(&self) -> TaskView {
        let own = self.clone();
        TaskView {
            id: own.id,
            kind: own.kind,
            client: own.client,
            provider: own.provider,
            status: own.status,
            stuck: own.stuck,
            attempt: own.attempt,
            next_at: own.next_at,
            last: own.last,
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(at: Time) -> Attempt {
        Attempt { at, outcome: TaskOutcome::NotDone, status: Some(500), error: None, description: None }
    }

    #[test]
    fn a_delivery_is_tried_for_a_day_with_growing_pauses() {
        let delivery = Delivery { url: String::new(), body: "{}".into(), is_repeated: true };
        let start = Time::from_millis(1000);
        let mut task = QueuedTask::delivery("t".into(), delivery, start);
        let mut pauses = Vec::new();
        let given_up = loop {
            let now = task.next_at.unwrap();
            assert!(task.is_due(now) && !task.is_due(now.minus(Duration::from_millis(1))));
            task.begin(now);
            if task.delivered(failed(now)) {
                break now;
            }
            assert_eq!(task.delivery.as_ref().unwrap().body, "{}");
            pauses.push(task.next_at.unwrap().since(now).as_secs());
        };
        assert_eq!(pauses[..10], [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
        assert!(given_up.since(start) <= GIVEN_UP && given_up.since(start) > Duration::from_secs(82_800));
        assert!(task.has_ended() && task.stuck && task.next_at.is_none());
        assert_eq!(task.delivery.unwrap().body, "", "it is needed no more");
    }

    #[test]
    fn attempts_at_providers_keep_apart() {
        let mut task = QueuedTask::of_client("t".into(), TaskKind::Register, ("c", "p"), Time::from_millis(0));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            task.begin_for(LEASE, Time::from_millis(0));
            pauses.push([0, 255].map(|spread| task.backoff(spread).as_millis()));
        }
        assert_eq!(pauses[..3], [[800, 1200], [1600, 2400], [3200, 4800]]);
        assert_eq!(pauses[9..], [[240_000, 360_000]; 3]);
    }

    #[test]
    fn a_refused_delivery_and_one_that_is_not_repeated_end_quietly() {
        for (outcome, is_repeated) in [(TaskOutcome::Refused, true), (TaskOutcome::NotDone, false)] {
            let delivery = Delivery { url: String::new(), body: String::new(), is_repeated };
            let mut task = QueuedTask::delivery("t".into(), delivery, Time::from_millis(0));
            task.begin(Time::from_millis(0));
            assert!(!task.delivered(Attempt { outcome, ..failed(Time::from_millis(0)) }));
            assert!(task.status == TaskStatus::Refused && !task.stuck);
        }
    }
}
