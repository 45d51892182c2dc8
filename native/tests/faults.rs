//! The module's hooks as Envoy calls them, from several threads and with faults in between.
#![allow(
    unsafe_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::not_unsafe_ptr_arg_deref,
    reason = "all of this crate is a test, and plays Envoy"
)]

mod envoy;
#[path = "faults/samples.rs"]
mod samples;
#[path = "faults/within.rs"]
mod within;

use envoy::{Filter, asked, buffer, destroy, line, turn};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::thread;
use std::time::{Duration, Instant};
use tessera_native::abi::EnvoyBuffer;
use tessera_native::abi::HeadersStatus;
use tessera_native::hooks::*;

/// With as much time as there is: in Miri, and under sanitizers, everything takes long.
const CONFIGURATION: &str = r#"{
    "providers": [{"name": "main", "introspection": {
        "endpoint": "http://idp.example.com/introspect", "cluster": "idp", "timeout": "60s",
        "client": {"id": "gateway", "secret": "s3cret"}}}],
    "apis": [{"id": "orders", "contract": "none", "upstream": {"headers": {"x-client-id": "client_id"}}}],
    "cache": {"max_ttl": "24h"}
}"#;

/// How long something may take; in Miri everything does.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 1200 } else { 60 });

/// A configuration that has been accepted.
#[derive(Clone, Copy)]
struct Config(*const c_void);

// Envoy passes it between its threads.
unsafe impl Send for Config {}
unsafe impl Sync for Config {}

impl Config {
    fn new() -> Self {
        Self::of(CONFIGURATION)
    }

    fn of(text: &str) -> Self {
        envoy_dynamic_module_on_program_init();
        let lent = |text: &str| EnvoyBuffer { ptr: text.as_ptr(), length: text.len() };
        // SAFETY: the texts are there.
        let made = unsafe { envoy_dynamic_module_on_http_filter_config_new(null_mut(), lent("tessera"), lent(text)) };
        assert!(!made.is_null(), "{:?}", asked(|asked| std::mem::take(&mut asked.log)));
        Self(made)
    }

    /// Lets the main thread do what was posted to it.
    fn run(&self) {
        for event in asked(|asked| std::mem::take(&mut asked.events)) {
            envoy_dynamic_module_on_http_filter_config_scheduled(null_mut(), self.0, event);
        }
    }

    /// Runs until the module has sent so many calls.
    fn await_calls(&self, count: usize) {
        let start = Instant::now();
        while asked(|asked| asked.calls.len()) < count {
            self.run();
            assert!(start.elapsed() < PATIENCE, "no call is sent");
            thread::yield_now();
        }
    }

    /// Answers a call about a token, and lets follow what does.
    fn answer(&self, number: u64, body: &[u8]) {
        self.hand_over(number, body);
        self.run();
    }

    /// Answers a call about a token. Nothing is sent within that, since Envoy may just be taking down what it would be
    /// sent through; what follows comes with the next event.
    fn hand_over(&self, number: u64, body: &[u8]) {
        let sent = asked(|asked| asked.calls.len());
        let lines = [line(b":status", b"200"), line(b"content-type", b"application/json")];
        let chunks = [buffer(&body[..body.len() / 2]), buffer(&body[body.len() / 2..])];
        unsafe {
            envoy_dynamic_module_on_http_filter_config_http_callout_done(
                null_mut(),
                self.0,
                number,
                0,
                lines.as_ptr().cast(),
                lines.len(),
                chunks.as_ptr().cast(),
                chunks.len(),
            );
        }
        assert_eq!(asked(|asked| asked.calls.len()), sent, "a call is sent within an answer");
    }

    /// A call breaks off.
    fn break_off(&self, number: u64) {
        const RESET: u32 = 1;
        let (lines, chunks) = (null(), null());
        unsafe {
            envoy_dynamic_module_on_http_filter_config_http_callout_done(
                null_mut(),
                self.0,
                number,
                RESET,
                lines,
                0,
                chunks,
                0,
            );
        }
    }

    fn end(&self) {
        envoy_dynamic_module_on_http_filter_config_destroy(self.0);
    }
}

/// A request.
struct Request {
    filter: *mut Filter,
}

unsafe impl Send for Request {}

impl Request {
    /// Its headers have come; whether it passes at once.
    fn new(config: &Config, worker: u32, headers: &[(&str, &str)]) -> (Self, bool) {
        let request = Self::begun(config, worker, headers);
        let passes = request.passes();
        (request, passes)
    }

    fn begun(config: &Config, worker: u32, headers: &[(&str, &str)]) -> Self {
        let fixed = [(":method", "GET"), (":path", "/orders/1"), (":authority", "api.example.com")];
        let headers =
            fixed.iter().chain(headers).map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let filter = Box::into_raw(Box::new(Filter::new(worker, headers.collect())));
        unsafe { (*filter).module = envoy_dynamic_module_on_http_filter_new(config.0, filter.cast()) };
        Self { filter }
    }

    /// Its headers come.
    fn passes(&self) -> bool {
        let module = self.filter().module;
        let status = unsafe { envoy_dynamic_module_on_http_filter_request_headers(self.filter.cast(), module, true) };
        matches!(status, HeadersStatus::Continue)
    }

    /// On its own thread: what was posted to it arrives, if it is still there.
    fn wake(&self) {
        let module = self.filter().module;
        if !module.is_null() {
            unsafe { envoy_dynamic_module_on_http_filter_scheduled(self.filter.cast(), module, 0) };
        }
    }

    fn is_woken(&self) -> bool {
        let own = self.filter as usize;
        asked(|asked| asked.woken.contains(&own))
    }

    fn filter(&self) -> &Filter {
        unsafe { &*self.filter }
    }

    fn header(&self, name: &str) -> Option<String> {
        let found = self.filter().headers.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    fn end(self) {
        destroy(self.filter);
        drop(unsafe { Box::from_raw(self.filter) });
    }
}

#[test]
fn a_fault_refuses_its_request_and_touches_no_other() {
    let _turn = turn();
    let config = Config::new();
    let (waiting, passes) = Request::new(&config, 0, &[("authorization", "Bearer good"), ("x-client-id", "forged")]);
    assert!(!passes && waiting.header("x-client-id").is_none());
    let (faulty, passes) =
        Request::new(&config, 0, &[("authorization", "Bearer good"), ("x-fault", "1"), ("x-client-id", "forged")]);
    assert!(!passes);
    assert_eq!(faulty.filter().reply, Some((500, "tessera.internal_error".to_owned())));
    assert_eq!(faulty.header("x-client-id"), None, "no log may show it");
    assert!(asked(|asked| asked.log.iter().any(|line| line.contains("a fault in the module at"))));
    faulty.end();

    config.await_calls(1);
    let number = asked(|asked| asked.calls[0].0);
    config.answer(number, br#"{"active":true,"client_id":"portal"}"#);
    assert!(waiting.is_woken());
    waiting.wake();
    assert!(waiting.filter().is_resumed);
    assert_eq!(waiting.header("x-client-id").as_deref(), Some("portal"));
    waiting.end();
    let (known, passes) = Request::new(&config, 0, &[("authorization", "Bearer good")]);
    assert!(passes, "the engine has kept what it knows");
    known.end();
    config.end();
    assert_eq!(asked(|asked| asked.schedulers), 0, "everything of Envoy's is given back");
}

#[test]
fn who_waits_for_an_answer_that_brings_a_fault_is_refused_and_the_next_is_served() {
    let _turn = turn();
    let config = Config::new();
    let caller = || Request::new(&config, 1, &[("authorization", "Bearer good"), ("x-client-id", "forged")]).0;
    let (first, second) = (caller(), caller());
    config.await_calls(1);
    config.answer(asked(|asked| asked.calls[0].0), br#"{"active":true,"client_id":"portal","note":"x-fault"}"#);
    for request in [first, second] {
        assert!(request.is_woken(), "it waits for what nobody brings");
        request.wake();
        assert_eq!(request.filter().reply, Some((500, "tessera.internal_error".to_owned())));
        assert!(!request.filter().is_resumed && request.header("x-client-id").is_none());
        // Woken again, and for nothing.
        request.wake();
        request.end();
    }
    // The fault came after the answer was read and kept.
    let (third, passes) = Request::new(&config, 1, &[("authorization", "Bearer good")]);
    assert!(passes);
    third.end();
    config.end();
    assert_eq!(asked(|asked| asked.schedulers), 0);
}

#[test]
fn who_waits_in_another_worker_for_what_a_fault_has_lost_is_served() {
    let _turn = turn();
    let config = Config::new();
    let caller = |worker| Request::new(&config, worker, &[("authorization", "Bearer good")]).0;
    let asks = caller(0);
    config.await_calls(1);
    let follows = caller(1);
    config.answer(asked(|asked| asked.calls[0].0), br#"{"active":true,"client_id":"portal","note":"x-fault"}"#);
    asks.wake();
    assert_eq!(asks.filter().reply, Some((500, "tessera.internal_error".to_owned())));
    assert!(!follows.is_woken(), "what would have told it is lost");
    // It looks for itself: what was shared before the fault, or at the server.
    let start = Instant::now();
    while !follows.is_woken() {
        config.run();
        let late = asked(|asked| asked.calls.get(1).map(|(number, _)| *number));
        if let Some(number) = late {
            config.answer(number, br#"{"active":true,"client_id":"portal"}"#);
        }
        assert!(start.elapsed() < PATIENCE, "it is left waiting");
        thread::yield_now();
    }
    follows.wake();
    assert!(follows.filter().is_resumed);
    asks.end();
    follows.end();
    config.end();
}

/// More than may wait in one engine, and their reserve.
#[cfg(not(miri))]
#[test]
fn a_fault_after_a_request_was_judged_takes_no_place_of_those_who_wait() {
    const MANY: usize = 10_500;
    let _turn = turn();
    let config = Config::new();
    let caller = |fault: &[_]| Request::new(&config, 0, &[&[("authorization", "Bearer good")], fault].concat()).0;
    let first = caller(&[]);
    for _ in 0..MANY {
        let faulty = caller(&[("x-fault", "late")]);
        assert_eq!(faulty.filter().reply, Some((500, "tessera.internal_error".to_owned())));
        faulty.end();
    }
    let last = caller(&[]);
    assert_eq!(last.filter().reply, None, "it waits, too");
    config.await_calls(1);
    config.answer(asked(|asked| asked.calls[0].0), br#"{"active":true,"client_id":"portal"}"#);
    for request in [first, last] {
        request.wake();
        assert!(request.filter().is_resumed);
        request.end();
    }
    config.end();
    assert_eq!(asked(|asked| asked.schedulers), 0);
}

#[test]
fn what_is_known_goes_with_the_last_configuration_that_asks_so() {
    let _turn = turn();
    let other = Config::of(&CONFIGURATION.replace("/introspect", "/other"));
    let knows = |config: &Config| {
        let (request, passes) = Request::new(config, 0, &[("authorization", "Bearer good")]);
        request.end();
        passes
    };
    let first = Config::new();
    assert!(!knows(&first));
    first.await_calls(1);
    first.answer(asked(|asked| asked.calls[0].0), br#"{"active":true,"client_id":"portal"}"#);
    assert!(!knows(&other));
    let second = Config::new();
    first.end();
    assert!(knows(&second), "it was handed over");
    second.end();
    let third = Config::new();
    assert!(!knows(&third), "nobody had it any more");
    third.end();
    other.end();
    assert_eq!(asked(|asked| asked.schedulers), 0);
}

#[test]
fn who_hangs_up_or_is_cut_off_leaves_nothing() {
    let _turn = turn();
    let config = Config::new();
    let requests: Vec<_> = (0..8)
        .map(|number| Request::new(&config, number % 2, &[("authorization", &format!("Bearer t{number}"))]).0)
        .collect();
    config.await_calls(8);
    let mut requests = requests.into_iter();
    requests.by_ref().take(4).for_each(Request::end);
    let calls = asked(|asked| std::mem::take(&mut asked.calls));
    // Answers to those who are gone, to those who wait, and to nobody.
    calls.iter().take(6).for_each(|(number, _)| config.answer(*number, b"{\"active\":false}"));
    config.answer(4711, b"{}");
    let rest: Vec<_> = requests.collect();
    rest.iter().filter(|request| request.is_woken()).for_each(Request::wake);
    assert_eq!(rest.iter().filter(|request| request.filter().reply.is_some()).count(), 2);
    // Woken again, and for nothing.
    rest.iter().for_each(Request::wake);
    rest.into_iter().for_each(Request::end);
    // Calls are still under way.
    config.end();
    calls.iter().for_each(|(number, _)| config.answer(*number, b"{}"));
    config.run();
    assert_eq!(asked(|asked| asked.schedulers), 0);
}

#[test]
fn one_call_serves_callers_on_all_threads_while_they_come_and_go() {
    // Miri takes its time.
    const CALLERS: usize = if cfg!(miri) { 5 } else { 50 };
    let _turn = turn();
    let config = Config::new();
    thread::scope(|scope| {
        let main = scope.spawn(|| {
            let start = Instant::now();
            let mut answered = 0;
            while answered == 0 || start.elapsed() < Duration::from_millis(300) {
                config.run();
                for (number, _) in asked(|asked| std::mem::take(&mut asked.calls)) {
                    config.answer(number, br#"{"active":true,"client_id":"portal"}"#);
                    answered += 1;
                }
                thread::yield_now();
                assert!(start.elapsed() < PATIENCE, "no call is sent");
            }
            answered
        });
        for worker in 0..2 {
            let config = &config;
            scope.spawn(move || {
                for caller in 0..CALLERS {
                    let (request, passes) = Request::new(config, worker, &[("authorization", "Bearer shared")]);
                    let start = Instant::now();
                    // Every fifth hangs up.
                    while !passes && caller % 5 != 0 && !request.filter().is_resumed {
                        if request.is_woken() {
                            request.wake();
                        }
                        thread::yield_now();
                        assert!(start.elapsed() < PATIENCE, "a caller waits for ever");
                    }
                    request.end();
                }
            });
        }
        assert_eq!(main.join().unwrap(), 1, "introspections");
    });
    // The last request may have ended on any thread, and the configuration with it.
    thread::scope(|scope| scope.spawn(|| config.end()).join().unwrap());
    assert_eq!(asked(|asked| asked.schedulers), 0);
}
