//! The Envoy bootstrap of one test, built up from what the test needs.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::certificates::Authority;
use crate::harness::envoy::Envoy;
use crate::harness::envoy_process::ConfigurationRefused;
use crate::harness::host::Host;
use crate::harness::port::ClosedPort;
use crate::harness::upstream::Upstream;

/// The plugin's name: in its log lines and in the statistics `wasm.tessera.*`.
pub const PLUGIN: &str = "tessera";

/// Where a filter answers before the module, if that has to see requests to hand over what it has counted. No line of
/// the access log tells of them.
pub const COUNTS: &str = "/counts-of-the-module";

/// Without an upstream the route answers 200 `direct` itself; without a plugin the chain is only the router.
pub struct EnvoyBuilder {
    pub(crate) workers: usize,
    reloadable: bool,
    pub(crate) drain_seconds: u32,
    filters: Vec<Value>,
    pub(crate) environment: serde_json::Map<String, Value>,
    clusters: Vec<Value>,
    header_limit_kb: u32,
    connection_manager: Value,
    access_log_formats: Vec<Value>,
    pub(crate) log_level: &'static str,
    route: Value,
    transport: Option<Value>,
    /// The clusters whose servers may move, and where these are at first.
    pub(crate) movable: Vec<(String, u16)>,
    /// What is below this passes by all filters.
    bare: Option<&'static str>,
    /// Whether requests may ask the module for a fault.
    pub(crate) is_faulty: bool,
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
            connection_manager: json!({}),
            access_log_formats: Vec::new(),
            log_level: "debug",
            route: json!({"direct_response": {"status": 200, "body": {"inline_string": "direct"}}}),
            transport: None,
            movable: Vec::new(),
            bare: None,
            is_faulty: false,
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

    /// A variable of the plugin's VM, or of Envoy itself where it has none.
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

    /// The same, until [`Envoy::moved`] says another port.
    pub fn movable_cluster(mut self, name: &str, port: u16) -> Self {
        self.clusters.push(json!({"name": name, "type": "EDS", "connect_timeout": "1s"}));
        self.movable.push((name.into(), port));
        self
    }

    /// Each call to a cluster named before is made on a connection of its own.
    pub fn one_call_a_connection(mut self, cluster: &str) -> Self {
        let cluster = self.clusters.iter_mut().find(|known| known["name"] == cluster).expect("a cluster of that name");
        cluster["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"max_requests_per_connection": 1},
                "explicit_http_config": {"http_protocol_options": {}},
            },
        });
        self
    }

    /// Envoy opens no more connections than that to a cluster named before; further calls wait for one.
    pub fn most_connections(self, cluster: &str, count: u32) -> Self {
        self.circuit_breaker(cluster, json!({"max_connections": count, "max_pending_requests": 4096}))
    }

    /// What Envoy takes of a cluster named before.
    pub fn circuit_breaker(mut self, cluster: &str, thresholds: Value) -> Self {
        let cluster = self.clusters.iter_mut().find(|known| known["name"] == cluster).expect("a cluster of that name");
        cluster["circuit_breakers"] = json!({"thresholds": [thresholds]});
        self
    }

    /// Envoy itself refuses requests with more header bytes than that; 60 unless told otherwise.
    pub fn header_limit_kb(mut self, limit: u32) -> Self {
        self.header_limit_kb = limit;
        self
    }

    /// A cluster without a host: Envoy knows at once that nobody can be asked.
    pub fn empty_cluster(mut self, name: &str) -> Self {
        self.clusters.push(json!({
            "name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": []},
        }));
        self
    }

    /// Envoy waits with no request for another to end.
    pub fn any_number_of_requests(mut self) -> Self {
        let most = json!({"max_connections": 20_000, "max_pending_requests": 20_000, "max_requests": 20_000});
        for cluster in &mut self.clusters {
            cluster["circuit_breakers"] = json!({"thresholds": [most]});
        }
        self.connection_manager_has(json!({"http2_protocol_options": {"max_concurrent_streams": 20_000}}))
    }

    /// Trailers go through to the upstream, on HTTP/1 too.
    pub fn trailers(mut self) -> Self {
        for cluster in &mut self.clusters {
            cluster["typed_extension_protocol_options"] = json!({
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}},
                },
            });
        }
        self.connection_manager_has(json!({"http_protocol_options": {"enable_trailers": true}}))
    }

    /// Further members of Envoy's connection manager.
    pub fn connection_manager_has(mut self, members: Value) -> Self {
        merge(&mut self.connection_manager, members);
        self
    }

    /// Envoy's option of that name, for the modules added before: who pauses on headers says so for them alone.
    pub fn allow_on_headers_stop_iteration(mut self) -> Self {
        for filter in &mut self.filters {
            if let Some(Value::Object(plugin)) = filter.pointer_mut("/typed_config/config") {
                plugin.insert("allow_on_headers_stop_iteration".into(), json!(true));
            }
        }
        self
    }

    /// Envoy refuses everything but these to the modules added before, imports and exports alike.
    pub fn allow_only(mut self, capabilities: impl Iterator<Item = String>) -> Self {
        let allowed: serde_json::Map<_, _> = capabilities.map(|name| (name, json!({}))).collect();
        for filter in &mut self.filters {
            if let Some(Value::Object(plugin)) = filter.pointer_mut("/typed_config/config") {
                plugin.insert("capability_restriction_config".into(), json!({"allowed_capabilities": allowed}));
            }
        }
        self
    }

    /// A line of this format for each request, after those of the formats before, and none of the one that
    /// [`Envoy::await_accesses`] reads.
    pub fn access_log_format(mut self, format: &str) -> Self {
        self.access_log_formats.push(json!({"text_format_source": {"inline_string": format}}));
        self
    }

    /// The same, as an object of JSON with these fields.
    pub fn access_log_fields(mut self, fields: &Value) -> Self {
        self.access_log_formats.push(json!({"json_format": fields}));
        self
    }

    /// Calls to a cluster named before go over TLS, to servers of this authority.
    pub fn over_tls(mut self, cluster: &str, authority: &Authority) -> Self {
        let cluster = self.clusters.iter_mut().find(|known| known["name"] == cluster).expect("a cluster of that name");
        cluster["transport_socket"] = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {"validation_context": {"trusted_ca": {"inline_string": authority.pem()}}},
            },
        });
        self
    }

    /// Requests come over TLS, from whomever; a client certificate must be of this authority.
    pub fn tls(mut self, authority: &Authority) -> Self {
        let server = authority.certificate("gateway");
        self.transport = Some(json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": {"inline_string": server.pem},
                        "private_key": {"inline_string": server.key},
                    }],
                    "validation_context": {"trusted_ca": {"inline_string": authority.pem()}},
                },
            },
        }));
        self
    }

    /// Envoy writes no line for each connection and callout.
    pub fn quiet(mut self) -> Self {
        self.log_level = "info";
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
    pub fn upstream(self, upstream: &Upstream) -> Self {
        self.route_to(upstream.port())
    }

    /// All requests go to this port.
    pub fn route_to(mut self, port: u16) -> Self {
        self.route = json!({"route": {"cluster": "upstream"}});
        self.cluster("upstream", port)
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

    /// What is below this path passes by the filters that were added before.
    pub fn bare(mut self, prefix: &'static str) -> Self {
        self.bare = Some(prefix);
        self
    }

    /// The modules have faults that a test asks for; others are still faults of theirs.
    pub fn with_faults(mut self) -> Self {
        self.is_faulty = true;
        self
    }

    fn tessera(self, configuration: Value) -> Self {
        self.filter(PLUGIN, Host::of_tests().filter(PLUGIN, configuration))
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
        let mut clusters = self.clusters.clone();
        for cluster in clusters.iter_mut().filter(|cluster| cluster["type"] == "EDS") {
            let name = cluster["name"].as_str().expect("a name");
            let path = discovered.with_file_name(endpoints_file(name));
            let source = json!({"path_config_source": {"path": path}, "resource_api_version": "V3"});
            cluster["eds_cluster_config"] = json!({"eds_config": source});
        }
        let mut bootstrap = json!({
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": address(0)},
            "static_resources": {"clusters": clusters},
            // Envoy ends a connection after some hundred early resets; here they are to reach the module.
            "layered_runtime": {"layers": [{"name": "static", "static_layer": {
                "overload": {"premature_reset_total_stream_count": 1_000_000},
            }}]},
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
        if Host::of_tests().counts_within_requests() && !filters.is_empty() {
            filters.insert(
                0,
                json!({
                    "name": "counts",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck",
                        "pass_through_mode": false,
                        "headers": [{"name": ":path", "string_match": {"exact": COUNTS}}],
                    },
                }),
            );
        }
        filters.push(json!({
            "name": "router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }));
        let mut routes = Vec::new();
        for prefix in self.bare.into_iter().chain(["/"]) {
            let mut route = self.route.clone();
            route["match"] = json!({"prefix": prefix});
            if Some(prefix) == self.bare {
                let off = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
                let names = self.filters.iter().filter_map(|filter| filter["name"].as_str());
                route["typed_per_filter_config"] = names.map(|name| (name.to_owned(), off.clone())).collect();
            }
            routes.push(route);
        }
        let ours = "%RESPONSE_CODE% %RESPONSE_FLAGS% %FILTER_STATE(wasm.tessera.outcome:PLAIN)% \
                    %FILTER_STATE(wasm.tessera.cache:PLAIN)% %RESPONSE_CODE_DETAILS%\n";
        let mut formats = self.access_log_formats.clone();
        if formats.is_empty() {
            formats.push(json!({"text_format_source": {"inline_string": ours}}));
        }
        let logger = |format: Value| {
            let file = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
            json!({
                "name": "file",
                "filter": {"not_health_check_filter": {}},
                "typed_config": {"@type": file, "path": access_log, "log_format": format},
            })
        };
        let mut connection_manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "ingress",
            "codec_type": "AUTO",
            "max_request_headers_kb": self.header_limit_kb,
            "access_log": formats.into_iter().map(logger).collect::<Vec<_>>(),
            "http_filters": filters,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        });
        merge(&mut connection_manager, self.connection_manager.clone());
        let mut chain = json!({"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": connection_manager,
        }]});
        if let Some(transport) = &self.transport {
            chain["transport_socket"] = transport.clone();
        }
        json!({
            "name": "ingress",
            "address": address(0),
            // Connections go to the workers in turn, so that a test can be sure to have met each of them.
            "connection_balance_config": {"exact_balance": {}},
            "filter_chains": [chain],
        })
    }
}

/// Where a cluster's servers are, as a watched file holds it.
pub(crate) fn endpoints(cluster: &str, port: u16) -> Value {
    json!({"resources": [{
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}],
    }]})
}

/// The name of that file.
pub(crate) fn endpoints_file(cluster: &str) -> String {
    format!("endpoints-{cluster}.json")
}

/// Objects are merged, everything else is replaced.
fn merge(into: &mut Value, further: Value) {
    match (into, further) {
        (Value::Object(into), Value::Object(further)) => {
            for (name, value) in further {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, further) => *into = further,
    }
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
