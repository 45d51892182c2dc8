//! What the workers of one Envoy process share: clock, clusters, shared data, queues and metrics.

use super::exports::Module;
use super::record::{Plugin, Refused};
use super::signatures::HostSignatures;
use super::vm::Vm;
use super::worker::Worker;
use proxy_wasm::types::{MetricType, Status};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// 2026-01-01T00:00:00Z, in seconds since the epoch: when every process starts.
pub const START: u64 = 1_767_225_600;

/// One Envoy process. Cloning it gives another handle to the same process.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    module: Module,
    shared: Mutex<Shared>,
}

/// The process-wide state, reached by the hostcalls through [`Process::shared`].
pub(super) struct Shared {
    pub now: Duration,
    pub clusters: BTreeSet<String>,
    /// Clusters without a host: Envoy answers 503 while the call is being sent.
    pub empty_clusters: BTreeSet<String>,
    pub foreign: BTreeMap<String, Foreign>,
    data: BTreeMap<(String, String), (Vec<u8>, u32)>,
    last_cas: u32,
    queues: BTreeMap<u32, Queue>,
    pub wakeups: BTreeMap<u32, VecDeque<(u32, u32)>>,
    pub metrics: BTreeMap<String, Metric>,
    pub workers: BTreeMap<u32, Weak<Vm>>,
    pub last_worker: u32,
}

struct Queue {
    vm_id: String,
    name: String,
    owner: (u32, u32),
    items: VecDeque<Vec<u8>>,
}

/// A foreign function: arguments in, results or a status other than `Ok` out.
pub type Foreign = fn(&[u8]) -> Result<Vec<u8>, Status>;

pub(super) struct Metric {
    pub kind: MetricType,
    pub value: u64,
    pub samples: Vec<u64>,
}

impl Process {
    /// A process whose workers run `module`, knowing the clusters named.
    pub fn new(module: Module, clusters: &[&str]) -> Self {
        let shared = Shared {
            now: Duration::from_secs(START),
            clusters: clusters.iter().map(|name| (*name).to_owned()).collect(),
            empty_clusters: BTreeSet::new(),
            foreign: BTreeMap::new(),
            data: BTreeMap::new(),
            last_cas: 0,
            queues: BTreeMap::new(),
            wakeups: BTreeMap::new(),
            metrics: BTreeMap::new(),
            workers: BTreeMap::new(),
            last_worker: 0,
        };
        let process = Self(Arc::new(Inner { module, shared: Mutex::new(shared) }));
        process.set_signatures(HostSignatures::Whole);
        process
    }

    /// Starts a worker with this plugin configuration.
    ///
    /// # Errors
    /// The module refused the configuration, with what it logged.
    pub fn worker(&self, configuration: &str) -> Result<Worker, Refused> {
        self.worker_with(Plugin::new(configuration))
    }

    /// Starts a worker, with every setting of the plugin.
    ///
    /// # Errors
    /// As [`Process::worker`].
    pub fn worker_with(&self, plugin: Plugin) -> Result<Worker, Refused> {
        Worker::start(self.clone(), plugin)
    }

    /// Seconds and nanoseconds since the epoch.
    pub fn now(&self) -> Duration {
        self.shared().now
    }

    /// Moves the clock, firing the ticks and callout timeouts of all live workers in the order of their time.
    pub fn advance(&self, by: Duration) {
        let end = self.now() + by;
        loop {
            self.turn_all();
            let due = self.live().into_iter().filter_map(|vm| Some((vm.next_timer()?, vm)));
            let Some((at, vm)) = due.min_by_key(|(at, vm)| (*at, vm.id)).filter(|(at, _)| *at <= end) else {
                break;
            };
            {
                let mut shared = self.shared();
                shared.now = shared.now.max(at);
            }
            Worker::over(vm).fire_timer(at);
        }
        self.shared().now = end;
    }

    /// Sets the wall clock, backwards too; timers keep their distance, as Envoy's run on the monotonic clock.
    pub fn set_clock(&self, since_epoch: Duration) {
        let before = self.now();
        for vm in self.live() {
            vm.shift_timers(before, since_epoch);
        }
        self.shared().now = since_epoch;
    }

    /// Lets every live worker handle the wake-ups that wait for it, until none is left.
    pub fn turn_all(&self) {
        for _ in 0..10_000 {
            let turned = self.live().into_iter().map(|vm| Worker::over(vm).turn_once()).collect::<Vec<_>>();
            if !turned.contains(&true) {
                return;
            }
        }
        panic!("the workers keep waking each other up");
    }

    /// Makes a cluster known, or unknown.
    pub fn set_cluster(&self, name: &str, known: bool) {
        let clusters = &mut self.shared().clusters;
        if known {
            clusters.insert(name.to_owned());
        } else {
            clusters.remove(name);
        }
    }

    /// Takes all hosts of a known cluster away, or gives them back.
    pub fn empty_cluster(&self, name: &str, empty: bool) {
        let clusters = &mut self.shared().empty_clusters;
        if empty {
            clusters.insert(name.to_owned());
        } else {
            clusters.remove(name);
        }
    }

    /// Offers one more foreign function; one that is not offered answers `NotFound`.
    pub fn offer(&self, name: &str, function: Foreign) {
        self.shared().foreign.insert(name.to_owned(), function);
    }

    /// A counter's or gauge's value; 0 for one that was never defined.
    pub fn metric(&self, name: &str) -> u64 {
        self.shared().metrics.get(name).map_or(0, |metric| metric.value)
    }

    /// Every counter and gauge with its value.
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        let shared = self.shared();
        let plain = shared.metrics.iter().filter(|(_, metric)| metric.kind != MetricType::Histogram);
        plain.map(|(name, metric)| (name.clone(), metric.value)).collect()
    }

    /// What a histogram recorded, in order.
    pub fn samples(&self, name: &str) -> Vec<u64> {
        self.shared().metrics.get(name).map_or_else(Vec::new, |metric| metric.samples.clone())
    }

    /// All shared data of the default VM id, by key.
    pub fn shared_data(&self) -> BTreeMap<String, Vec<u8>> {
        let shared = self.shared();
        shared
            .data
            .iter()
            .filter(|((vm, _), _)| vm.is_empty())
            .map(|((_, key), (value, _))| (key.clone(), value.clone()))
            .collect()
    }

    /// Writes shared data of the default VM id, as another plugin of the process might.
    pub fn set_shared_data(&self, key: &str, value: &[u8]) {
        self.shared().set("", key, value, 0);
    }

    /// Puts a message into every queue of the process, as another plugin might.
    pub fn enqueue_everywhere(&self, message: &[u8]) {
        let mut shared = self.shared();
        let queues: Vec<u32> = shared.queues.keys().copied().collect();
        for queue in queues {
            shared.enqueue(queue, message);
        }
    }

    pub(super) fn module(&self) -> Module {
        self.0.module
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> Vec<Arc<Vm>> {
        self.shared().workers.values().filter_map(Weak::upgrade).filter(|vm| !vm.trapped()).collect()
    }
}

impl Shared {
    pub fn get(&self, vm_id: &str, key: &str) -> Option<(Vec<u8>, u32)> {
        self.data.get(&(vm_id.to_owned(), key.to_owned())).cloned()
    }

    /// Zero for `cas` writes whatever is there; a missing key is created whatever `cas` says.
    pub fn set(&mut self, vm_id: &str, key: &str, value: &[u8], cas: u32) -> Status {
        let slot = (vm_id.to_owned(), key.to_owned());
        if self.data.get(&slot).is_some_and(|(_, current)| cas != 0 && cas != *current) {
            return Status::CasMismatch;
        }
        self.last_cas += 1;
        self.data.insert(slot, (value.to_vec(), self.last_cas));
        Status::Ok
    }

    /// Registering a name again moves it to the new owner and keeps its items.
    pub fn register_queue(&mut self, vm_id: &str, name: &str, owner: (u32, u32)) -> u32 {
        if let Some(id) = self.resolve_queue(vm_id, name) {
            self.queues.entry(id).and_modify(|queue| queue.owner = owner);
            return id;
        }
        let id = self.queues.last_key_value().map_or(1, |(id, _)| id + 1);
        let queue = Queue { vm_id: vm_id.to_owned(), name: name.to_owned(), owner, items: VecDeque::new() };
        self.queues.insert(id, queue);
        id
    }

    pub fn resolve_queue(&self, vm_id: &str, name: &str) -> Option<u32> {
        self.queues.iter().find(|(_, queue)| queue.vm_id == vm_id && queue.name == name).map(|(id, _)| *id)
    }

    /// Each item enqueued wakes the owner once.
    pub fn enqueue(&mut self, id: u32, item: &[u8]) -> Status {
        let Some(queue) = self.queues.get_mut(&id) else { return Status::NotFound };
        queue.items.push_back(item.to_vec());
        let (worker, root) = queue.owner;
        self.wakeups.entry(worker).or_default().push_back((root, id));
        Status::Ok
    }

    pub fn dequeue(&mut self, id: u32) -> Result<Vec<u8>, Status> {
        let queue = self.queues.get_mut(&id).ok_or(Status::NotFound)?;
        queue.items.pop_front().ok_or(Status::Empty)
    }
}
