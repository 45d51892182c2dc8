"""Parts of an Envoy configuration that both control planes hand over."""

import json

EXTENSIONS = "type.googleapis.com/envoy.extensions"
CORS, ROUTER = "envoy.filters.http.cors", "envoy.filters.http.router"


def typed(type_name, **members):
    return {"@type": f"{EXTENSIONS}.{type_name}", **members}


def http_filter(name, type_name):
    return {"name": name, "typed_config": typed(type_name)}


def cors_filter():
    return http_filter(CORS, "filters.http.cors.v3.Cors")


def router():
    return http_filter(ROUTER, "filters.http.router.v3.Router")


def text(configuration):
    """A plugin configuration as both control planes hand it over."""
    return {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(configuration)}


def cluster(name, port, connect_timeout=None, tls=None):
    """A cluster that is this port of this machine; without a port nobody answers."""
    endpoints = []
    if port is not None:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    made = {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": endpoints}}
    if connect_timeout:
        made["connect_timeout"] = connect_timeout
    if tls:
        made["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": tls}
    return made


def upstream_tls(sni, names, authority):
    alternatives = [{"san_type": "DNS", "matcher": {"exact": name}} for name in names]
    validation = {"trusted_ca": {"inline_string": authority}}
    if alternatives:
        validation["match_typed_subject_alt_names"] = alternatives
    return typed("transport_sockets.tls.v3.UpstreamTlsContext", sni=sni, common_tls_context={"validation_context": validation})


def bootstrap(port, admin, filters, virtual_hosts, clusters, access_log):
    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix="gateway",
        normalize_path=True, merge_slashes=True, http_filters=filters, access_log=[access_log],
        route_config={"name": "routes", "virtual_hosts": virtual_hosts})
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = lambda number: {"socket_address": {"address": "127.0.0.1", "port_value": number}}
    return {
        "node": {"id": "proxy", "cluster": "proxy"},
        "admin": {"address": address(admin)},
        "static_resources": {"listeners": [{"name": "gateway", "address": address(port), "filter_chains": [chain]}],
                             "clusters": clusters},
    }
