//! The formats that people have: Istio's own text, Envoy Gateway's own JSON, and the one that is shipped.

use serde_json::{Value, json};

/// Istio's default (`meshConfig.accessLogFormat`).
pub const ISTIO: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% \
    %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \
    \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
    %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% \
    %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

/// Envoy Gateway's default.
pub fn envoy_gateway() -> Value {
    json!({
        "start_time": "%START_TIME%", "method": "%REQ(:METHOD)%",
        "x-envoy-origin-path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "protocol": "%PROTOCOL%",
        "response_code": "%RESPONSE_CODE%", "response_flags": "%RESPONSE_FLAGS%",
        "response_code_details": "%RESPONSE_CODE_DETAILS%",
        "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
        "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "bytes_received": "%BYTES_RECEIVED%", "bytes_sent": "%BYTES_SENT%", "duration": "%DURATION%",
        "x-envoy-upstream-service-time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "x-forwarded-for": "%REQ(X-FORWARDED-FOR)%", "user-agent": "%REQ(USER-AGENT)%",
        "x-request-id": "%REQ(X-REQUEST-ID)%", ":authority": "%REQ(:AUTHORITY)%",
        "upstream_host": "%UPSTREAM_HOST%", "upstream_cluster": "%UPSTREAM_CLUSTER%",
        "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
        "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "requested_server_name": "%REQUESTED_SERVER_NAME%", "route_name": "%ROUTE_NAME%",
    })
}

/// The format of `envoy/envoy.full.yaml`.
pub fn shipped() -> Value {
    let full = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.full.yaml")).unwrap();
    let mut format = serde_json::Map::new();
    let lines = full.lines().skip_while(|line| line.trim() != "json_format:").skip(1);
    for line in lines.take_while(|line| line.starts_with(&" ".repeat(18))) {
        let (name, rest) = line.trim().split_once(": \"").expect("a field");
        format.insert(name.into(), rest.split('"').next().unwrap_or_default().into());
    }
    assert!(format.len() >= 7, "{format:?}");
    Value::Object(format)
}

/// What a caller may send to be taken for somebody.
pub const CLAIMED: [&str; 5] = ["x-client-id", "x-sla-tier", "x-agw-sub", "x-agw-client_id", "x_client_id"];

/// Each of these as it is logged, and every property.
pub fn everything() -> Value {
    let mut format = serde_json::Map::new();
    for name in CLAIMED {
        format.insert(name.into(), format!("%REQ({name})%").into());
    }
    for name in ["outcome", "cache", "api", "provider", "client_id", "detail", "token"] {
        format.insert(name.into(), format!("%FILTER_STATE(wasm.tessera.{name}:PLAIN)%").into());
    }
    Value::Object(format)
}
