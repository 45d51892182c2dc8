//! Envoy's admin interface.

use std::collections::BTreeMap;

use crate::harness::client::{Request, Response};

#[derive(Clone, Copy)]
pub struct Admin {
    port: u16,
}

impl Admin {
    pub fn at(port: u16) -> Self {
        Self { port }
    }

    /// `None` when nobody answers.
    pub fn get(self, target: &str) -> Option<Response> {
        Request::get(target).header("connection", "close").try_send(self.port).ok()
    }

    /// The answer may be cut off by what it is about.
    pub fn post(self, target: &str) {
        let _ = Request::post(target).header("connection", "close").try_send(self.port);
    }

    /// Live, and with workers that accept connections.
    pub fn is_ready(self) -> bool {
        let live = self.get("/ready").is_some_and(|ready| ready.body.starts_with(b"LIVE"));
        live && self.stats().is_some_and(|stats| stats.get("listener_manager.workers_started") == Some(&1))
    }

    /// Where the first listener really listens.
    pub fn listener_port(self) -> Option<u16> {
        let listeners = self.get("/listeners?format=json")?.json();
        let port = listeners.pointer("/listener_statuses/0/local_address/socket_address/port_value")?;
        port.as_u64()?.try_into().ok()
    }

    /// All counters and gauges.
    pub fn stats(self) -> Option<BTreeMap<String, u64>> {
        self.numbers("/stats")
    }

    pub fn gauges(self) -> Option<BTreeMap<String, u64>> {
        self.numbers("/stats?type=Gauges")
    }

    fn numbers(self, target: &str) -> Option<BTreeMap<String, u64>> {
        let text = self.get(target)?.body;
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Some(String::from_utf8_lossy(&text).lines().filter_map(pair).collect())
    }
}
