//! What judges requests is lost: the VM of a worker in Wasm; natively one request, by a panic.

use std::time::{Duration, Instant};

use super::callers::{Callers, Record};
use super::judge::{Shown, Worth};
use crate::harness::client::{Connection, Request};
use crate::harness::envoy::Envoy;
use crate::harness::envoy_config::PLUGIN;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::faulty;
use crate::harness::host::Host;

const PATH: &str = "/orders/1";

fn send(callers: Callers, connection: &mut Connection, worth: Worth) -> u16 {
    let token = callers.judge.good()[0].clone();
    let number = callers.next();
    let request = Request::get(PATH).bearer(&token).header("x-number", number.to_string());
    let request = if worth == Worth::Fatal { faulty::asking(request) } else { request };
    let sent = Instant::now();
    let answer = connection.write(&request.encode()).and_then(|()| connection.read_response());
    let status = answer.map_or(0, |answer| answer.status);
    let shown = Shown { token, worth };
    callers.keep(vec![Record { number, shown, target: PATH, sent, ended: Instant::now(), status }]);
    status
}

/// One request that costs a worker its VM, whatever else it is about; in a panic natively.
pub fn strike(callers: Callers) {
    if let Ok(mut connection) = Connection::open(callers.port) {
        send(callers, &mut connection, Worth::Fatal);
    }
}

/// The same while all is calm, and as often as it takes until a worker is without a VM: Envoy makes another one with the next
/// request, but not two within a second or so. How long good tokens are refused there.
#[track_caller]
pub fn lose_one(callers: Callers) -> Duration {
    let mut connection = Connection::open(callers.port).unwrap();
    let mut sent = |worth| send(callers, &mut connection, worth);
    assert_eq!(sent(Worth::Good), 200);
    let mut lost = Instant::now();
    eventually(SOON, "a worker without a VM", || {
        assert_eq!(sent(Worth::Fatal), faulty::status());
        lost = Instant::now();
        let status = sent(Worth::Good);
        assert!(status == 200 || status == 503 && Host::of_tests() == Host::Wasm, "{status} after a fault");
        // A panic natively is one request's, and the next passes.
        let expected = if Host::of_tests() == Host::Wasm { 503 } else { 200 };
        (status == expected).then_some(())
    });
    eventually(SOON, "another VM", || match sent(Worth::Good) {
        200 => Some(()),
        503 => None,
        other => panic!("{other} from a worker without a VM"),
    });
    lost.elapsed()
}

/// Nothing was lost that was not asked for, and everything that was is there again.
///
/// # Panics
/// Unless it is so.
pub fn judge(envoy: &Envoy, losses: &[Duration]) {
    let asked = envoy.log().lines().filter(|line| faulty::is_asked_for(line)).count() as u64;
    let longest = losses.iter().max().expect("a round");
    assert!(asked >= losses.len() as u64, "{asked} faults of at least {}", losses.len());
    let reloads = |what: &str| envoy.stat(&format!("wasm.{PLUGIN}.vm_reload_{what}")).unwrap_or_default();
    let (again, failed) = (reloads("success"), reloads("failure"));
    eprintln!("{asked} faults, {again} VMs reloaded; good tokens passed again after {longest:?} at most");
    let internal_errors = || envoy.sum_of("outcome.internal_error");
    assert_eq!(failed, 0, "VMs that could not be reloaded");
    match Host::of_tests() {
        Host::Wasm => {
            // A VM whose configuration is replaced before it is reloaded is not.
            assert!((losses.len() as u64..=asked).contains(&again), "{again} reloads after {asked} faults");
            assert_eq!(internal_errors(), 0);
            // What a lost VM had under way stays in the module's own gauge: docs/metrics.md.
            let under_way = || envoy.stat("cluster.idp.upstream_rq_active");
            eventually(SOON, "no call left", || (under_way() == Some(0)).then_some(()));
        }
        Host::Native => {
            assert_eq!(again, 0);
            eventually(SOON, "each fault having been counted", || (internal_errors() >= asked).then_some(()));
            assert_eq!(internal_errors(), asked);
            let in_flight = || envoy.stat("wasmcustom.tessera_in_flight");
            eventually(SOON, "no call left", || (in_flight() == Some(0)).then_some(()));
        }
    }
    envoy.assert_no_other_fault();
}
