//! The Envoy bootstrap of one test, built up from what the test needs.

use std::path::Path;

use serde_json::{Value, json};

use crate::envoy::Envoy;
use crate::envoy_process::ConfigurationRefused;
use crate::port::ClosedPort;
use crate::prerequisites;
use crate::upstream::Upstream;

/// The plugin's name: in its log lines and in the statistics `wasm.tessera.*`.
pub const PLUGIN: &str = "tessera";

/// Without an upstream the route answers 200 `direct` itself; without a plugin the chain is only the router.
pub struct EnvoyBuilder {
    pub(crate) workers: usize,
    reloadable: bool,
    pub(crate) drain_seconds: u32,
    filters: Vec<Value>,
    environment: serde_json::Map<String, Value>,
    clusters: Vec<Value>,
    header_limit_kb: u32,
    route: Value,
    /// Held so that nobody else listens there.
    pub(crate) dead_ports: Vec<ClosedPort>,
}

impl EnvoyBuilder {
    pub(crate) fn new() -> Self {
        Self {
            workers: 2,
            reloadable: false,
            drain_seconds: 600,
            filters: Vec::new(),
            environment: serde_json::Map::new(),
            clusters: Vec::new(),
            header_limit_kb: 60,
            route: json!({"direct_response": {"status": 200, "body": {"inline_string": "direct"}}}),
            dead_ports: Vec::new(),
        }
    }

    pub fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// The module with this configuration, handed over as JSON text.
    pub fn plugin(self, configuration: Value) -> Self {
        self.plugin_text(&configuration.to_string())
    }

    /// The module with this text as its configuration, be it JSON or not.
    pub fn plugin_text(self, configuration: &str) -> Self {
        self.tessera(json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration}))
    }

    /// The module with this configuration, handed over as `google.protobuf.Struct`.
    pub fn plugin_struct(self, configuration: Value) -> Self {
        self.tessera(json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration}))
    }

    /// Any other HTTP filter; the chain has them in the order of these calls.
    pub fn filter(mut self, name: &str, typed_config: Value) -> Self {
        self.filters.push(json!({"name": name, "typed_config": typed_config}));
        self
    }

    /// A variable of the plugin's VM.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// A cluster that is this port of 127.0.0.1.
    pub fn cluster(mut self, name: &str, port: u16) -> Self {
        self.clusters.push(json!({
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(port)}}
            ]}]},
        }));
        self
    }

    /// Envoy opens no more connections than that to a cluster named before; further calls wait for one.
    pub fn most_connections(mut self, cluster: &str, count: u32) -> Self {
        let cluster = self.clusters.iter_mut().find(|known| known["name"] == cluster).expect("a cluster of that name");
        cluster["circuit_breakers"] = json!({"thresholds": [{"max_connections": count, "max_pending_requests": 4096}]});
        self
    }

    /// Envoy itself refuses requests with more header bytes than that; 60 unless told otherwise.
    pub fn header_limit_kb(mut self, limit: u32) -> Self {
        self.header_limit_kb = limit;
        self
    }

    /// A cluster that refuses connections.
    pub fn dead_cluster(mut self, name: &str) -> Self {
        let port = ClosedPort::new();
        let number = port.number();
        self.dead_ports.push(port);
        self.cluster(name, number)
    }

    /// All requests go to this upstream.
    pub fn upstream(mut self, upstream: &Upstream) -> Self {
        self.route = json!({"route": {"cluster": "upstream"}});
        self.cluster("upstream", upstream.port())
    }

    /// Panics, with the log, unless Envoy gets ready.
    #[track_caller]
    pub fn start(self) -> Envoy {
        self.try_start().unwrap_or_else(|refused| panic!("Envoy refused its configuration:\n{refused}"))
    }

    #[track_caller]
    pub fn try_start(self) -> Result<Envoy, ConfigurationRefused> {
        Envoy::launch(self)
    }

    fn tessera(self, configuration: Value) -> Self {
        let module = prerequisites::module();
        self.filter(
            PLUGIN,
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": PLUGIN,
                    "failure_policy": "FAIL_RELOAD",
                    "configuration": configuration,
                    "vm_config": {
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"filename": module}},
                    },
                },
            }),
        )
    }

    /// Makes the listener replaceable while Envoy runs: it is read from a file that Envoy watches. A plugin that refuses
    /// its configuration then leaves Envoy running without it.
    pub fn reloadable(mut self) -> Self {
        self.reloadable = true;
        self
    }

    /// How long a listener that was replaced stays, with its plugin; Envoy's own default is ten minutes.
    pub fn drained_after(mut self, seconds: u32) -> Self {
        self.drain_seconds = seconds;
        self
    }

    pub(crate) fn bootstrap(&self, access_log: &Path, discovered: &Path) -> Value {
        let mut bootstrap = json!({
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": address(0)},
            "static_resources": {"clusters": self.clusters},
        });
        if self.reloadable {
            let source = json!({"path_config_source": {"path": discovered}, "resource_api_version": "V3"});
            bootstrap["dynamic_resources"] = json!({"lds_config": source});
        } else {
            bootstrap["static_resources"]["listeners"] = json!([self.listener(access_log)]);
        }
        bootstrap
    }

    /// What the watched file holds.
    pub(crate) fn discovered(&self, access_log: &Path) -> Value {
        let mut listener = self.listener(access_log);
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        json!({"resources": [listener]})
    }

    fn listener(&self, access_log: &Path) -> Value {
        let mut filters = self.filters.clone();
        for filter in &mut filters {
            if let Some(vm) = filter.pointer_mut("/typed_config/config/vm_config") {
                vm["environment_variables"] = json!({"key_values": self.environment});
            }
        }
        filters.push(json!({
            "name": "router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }));
        let mut route = self.route.clone();
        route["match"] = json!({"prefix": "/"});
        let connection_manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "ingress",
            "codec_type": "AUTO",
            "max_request_headers_kb": self.header_limit_kb,
            "access_log": [{
                "name": "file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": access_log,
                    "log_format": {"text_format_source": {"inline_string":
                        "%RESPONSE_CODE% %RESPONSE_FLAGS% %FILTER_STATE(wasm.tessera.outcome:PLAIN)% \
                         %FILTER_STATE(wasm.tessera.cache:PLAIN)%\n"}},
                },
            }],
            "http_filters": filters,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        });
        json!({
            "name": "ingress",
            "address": address(0),
            // Connections go to the workers in turn, so that a test can be sure to have met each of them.
            "connection_balance_config": {"exact_balance": {}},
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": connection_manager,
            }]}],
        })
    }
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
