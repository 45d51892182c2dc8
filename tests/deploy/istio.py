"""A stand-in for Istio: what its control plane and its agent hand to a proxy for these manifests.

The stand-in takes only what the bases use; anything else is an error, so that nothing is silently left out."""

import copy
import json

import envoy
from image_registry import Refused

# Envoy's statistics that Istio lets through, of those that matter here.
STATISTICS = ("cluster_manager", "listener_manager", "server", "wasm")
# Those that the check looks at besides, which a user would add to `proxyStatsMatcher`.
OF_THE_CHECK = ("ssl.fail_verify_error", "ssl.fail_verify_san")
# Istio's default format, up to the fields that matter here.
LOG_FORMAT = '[%START_TIME%] "%REQ(:METHOD)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n'
RBAC = f"{envoy.EXTENSIONS}.filters.http.rbac.v3.RBAC"
WASM = f"{envoy.EXTENSIONS}.filters.http.wasm.v3.Wasm"
# What the access log shows of refusals.
LOGGED = ("tessera.missing_token", "tessera.no_contract")
# What Prometheus sees of a refusal without tags.
COUNTED = "tessera_requests_outcome_missing_token_api_orders_v1"
# What everybody gets where the module cannot be had.
WITHOUT_MODULE = 403


class ControlPlane:
    # Where Tessera guards the workload itself, a preflight request is answered by that workload.
    answers_preflight = True

    def __init__(self, manifests, world, fetch, impostors):
        self._manifests, self._world, self._fetch = manifests, world, fetch
        self._addresses = {**world.addresses, **impostors}
        extensions = manifests.all("WasmPlugin") + manifests.all("TrafficExtension")
        self._extension = extensions[0] if extensions else None
        spec = (self._extension or manifests.one("EnvoyFilter", "tessera"))["spec"]
        labels = spec["selector"]["matchLabels"] if self._extension else spec["workloadSelector"]["labels"]
        self._pod = manifests.pod(labels)
        self._proxy = next(each for each in self._pod["spec"]["containers"] if each["name"] == "istio-proxy")
        assert self._proxy["image"] == "auto", "injection completes this container"
        self.answers_preflight = bool(manifests.all("VirtualService"))
        # For a sidecar the plugin must be told whose traffic it judges.
        assert self.answers_preflight or spec["match"] == [{"mode": "SERVER"}]

    def environment(self):
        return self._manifests.environment(self._proxy["env"], "tessera")

    def configuration(self, port, admin, log):
        filters = [envoy.cors_filter(), envoy.router()]
        if self._extension:
            filters.insert(0, self._discovered())
        for document in self._manifests.all("EnvoyFilter"):
            for patch in document["spec"]["configPatches"]:
                _insert(filters, self._with_library(patch))
        clusters = self._clusters() + [envoy.cluster("orders", self._world.upstream)]
        access_log = {"name": "envoy.access_loggers.file", "typed_config": envoy.typed(
            "access_loggers.file.v3.FileAccessLog", path=str(log),
            log_format={"text_format_source": {"inline_string": LOG_FORMAT}})}
        telemetry = self._manifests.one("Telemetry", "tessera")["spec"]
        assert telemetry == {"accessLogging": [{"providers": [{"name": "envoy"}]}]}, "the log has another format"
        made = envoy.bootstrap(port, admin, filters, self._virtual_hosts(), clusters, access_log)
        patterns = [{"prefix": each} for each in STATISTICS] + [{"suffix": each} for each in OF_THE_CHECK]
        made["stats_config"] = {"stats_matcher": {"inclusion_list": {"patterns": patterns}}}
        return made

    def _with_library(self, patch):
        """The dynamic module of the image volume, where the filter is one."""
        patch = copy.deepcopy(patch)
        local = patch["patch"]["value"]["typed_config"].get("dynamic_module_config", {}).get("module", {}).get("local")
        if local:
            image, file = self._manifests.mounted_image(self._pod["spec"]["volumes"], self._proxy, local["filename"])
            local["filename"] = self._world.library(self._fetch(image, file))
        return patch

    def _discovered(self):
        """The filter, whose configuration the proxy discovers on its own, here in a file in the place of ADS."""
        name, spec = "tessera.tessera", self._extension["spec"]
        plugin = spec.get("wasm", spec)
        scheme, _, image = plugin["url"].partition("://")
        assert scheme == "oci" and spec["phase"] == "AUTHN"
        try:
            typed_config = self._wasm(name, plugin, self._fetch(image, plugin["sha256"]))
        except Refused:
            # In the place of a module that cannot be had: nobody may pass.
            typed_config = {"@type": RBAC, "rules": {"action": "ALLOW"}}
        resource = {"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": name,
                    "typed_config": typed_config}
        discovery = self._world.folder / f"{self._extension['kind']}.ecds.json"
        discovery.write_text(json.dumps({"resources": [resource]}))
        return {"name": name, "config_discovery": {
            "config_source": {"path_config_source": {"path": str(discovery)}, "initial_fetch_timeout": "0s"},
            "type_urls": [WASM, RBAC]}}

    def _wasm(self, name, plugin, content):
        module = self._world.folder / f"{self._extension['kind']}.wasm"
        module.write_bytes(content)
        hosts, inline = [], {"ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1"}
        for variable in plugin["vmConfig"]["env"]:
            if variable["valueFrom"] == "HOST":
                hosts.append(variable["name"])
            else:
                inline[variable["name"]] = variable["value"]
        return {"@type": WASM, "config": {
            "name": name, "root_id": plugin["pluginName"], "failure_policy": plugin["failStrategy"],
            "configuration": envoy.text(plugin["pluginConfig"]),
            "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(module)}},
                          "environment_variables": {"host_env_keys": hosts, "key_values": inline}},
        }}

    def _clusters(self):
        clusters = []
        for document in self._manifests.all("ServiceEntry") + self._manifests.all("Service"):
            spec, metadata = document["spec"], document["metadata"]
            hosts = spec.get("hosts") or [f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"]
            for host in hosts:
                for port in spec["ports"]:
                    number = port.get("number") or port["port"]
                    clusters.append(self._cluster(host, number))
        return clusters

    def _cluster(self, host, number):
        timeout = tls = None
        for rule in self._manifests.all("DestinationRule"):
            if rule["spec"]["host"] == host:
                policy = rule["spec"]["trafficPolicy"]
                timeout = policy.get("connectionPool", {}).get("tcp", {}).get("connectTimeout")
                tls = self._tls(policy["tls"])
        return envoy.cluster(f"outbound|{number}||{host}", self._addresses.get((host, number)), timeout, tls)

    def _tls(self, tls):
        assert tls["mode"] == "SIMPLE"
        authority = self._manifests.mounted(self._pod, self._proxy, tls["caCertificates"])
        return envoy.upstream_tls(tls["sni"], tls["subjectAltNames"], authority)

    def _virtual_hosts(self):
        services = self._manifests.all("VirtualService")
        if not services:
            return [{"name": "inbound", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "orders"}}]}]
        return [{"name": service["metadata"]["name"], "domains": [f"{host}{port}" for host in service["spec"]["hosts"] for port in ("", ":*")],
                 "routes": [_route(match, http) for http in service["spec"]["http"] for match in http["match"]]}
                for service in services]


def _route(match, http):
    route = {"match": {"prefix": match["uri"]["prefix"]}, "route": {"cluster": "orders"}}
    if "corsPolicy" in http:
        cors = http["corsPolicy"]
        route["typed_per_filter_config"] = {envoy.CORS: envoy.typed(
            "filters.http.cors.v3.CorsPolicy", allow_origin_string_match=cors["allowOrigins"],
            allow_methods=",".join(cors["allowMethods"]), allow_headers=",".join(cors["allowHeaders"]),
            expose_headers=",".join(cors["exposeHeaders"]))}
    return route


def _insert(filters, patch):
    before = patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"]
    assert (patch["applyTo"], patch["match"]["context"], patch["patch"]["operation"]) == ("HTTP_FILTER", "GATEWAY", "INSERT_BEFORE")
    place = next(number for number, each in enumerate(filters) if each["name"] == before)
    filters.insert(place, patch["patch"]["value"])
