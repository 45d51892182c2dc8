"""A stand-in for Envoy Gateway: what it hands to a proxy for these manifests."""

import hashlib

import envoy
import yaml
from image_registry import Refused

# What the access log shows of refusals: the second one names the client, which the token says.
LOGGED = ('"details":"tessera.missing_token"', '"client":"guest"')
# What Prometheus sees of a refusal, with the tags of the bootstrap.
COUNTED = 'tessera_requests{outcome="missing_token",api="orders-v1"}'
# What everybody gets where the module cannot be had.
WITHOUT_MODULE = 500


class ControlPlane:
    answers_preflight = True

    def __init__(self, manifests, world, fetch, impostors):
        self._manifests, self._world, self._fetch = manifests, world, fetch
        self._addresses = {**world.addresses, **impostors}
        gateway = manifests.one("Gateway", "tessera")["spec"]
        self._proxy = manifests.one("EnvoyProxy", gateway["infrastructure"]["parametersRef"]["name"])["spec"]
        [self._policy] = manifests.all("EnvoyExtensionPolicy")
        [target] = self._policy["spec"]["targetRefs"]
        assert (target["kind"], target["name"]) == ("Gateway", "tessera")

    def environment(self):
        container = self._proxy["provider"]["kubernetes"]["envoyDeployment"]["container"]
        return self._manifests.environment(container["env"], "envoy-gateway-system")

    def configuration(self, port, admin, log):
        try:
            self._filters = [self._filter(number, wasm) for number, wasm in enumerate(self._policy["spec"].get("wasm", []))]
            modules = self._policy["spec"].get("dynamicModule", [])
            self._filters += [self._dynamic_module(number, module) for number, module in enumerate(modules)]
            self._available = True
        except Refused:
            self._filters, self._available = [], False
        clusters, hosts = [self._controller()], []
        for route in self._manifests.all("HTTPRoute"):
            assert route["spec"]["parentRefs"] == [{"name": "tessera"}]
            for number, rule in enumerate(route["spec"]["rules"]):
                name = f"httproute/{route['metadata']['namespace']}/{route['metadata']['name']}/rule/{number}"
                clusters.append(self._cluster(name, rule["backendRefs"]))
                hosts.append(self._virtual_host(route, rule, name))
        made = envoy.bootstrap(port, admin, [envoy.cors_filter(), *self._filters, envoy.router()], hosts, clusters, self._access_log(log))
        if "bootstrap" not in self._proxy:
            return made
        assert self._proxy["bootstrap"]["type"] == "Merge"
        return {**made, **yaml.safe_load(self._proxy["bootstrap"]["value"])}

    def _controller(self):
        """Where the controller serves modules; it has a CA of its own, here that of the test."""
        host, port = "envoy-gateway", 18002
        tls = envoy.upstream_tls(host, [host], self._world.authority.pem)
        return envoy.cluster("wasm_cluster", self._addresses[host, port], tls=tls)

    def _filter(self, number, wasm):
        image = wasm["code"]["image"]
        module = self._fetch(image["url"], image["sha256"])
        metadata = self._policy["metadata"]
        config = {
            "name": wasm["name"], "root_id": wasm["rootID"], "fail_open": wasm["failOpen"], "configuration": envoy.text(wasm["config"]),
            "vm_config": {
                "vm_id": f"envoyextensionpolicy/{metadata['namespace']}/{metadata['name']}/wasm/{number}", "runtime": "envoy.wasm.runtime.v8",
                "environment_variables": {"host_env_keys": wasm["env"]["hostKeys"]},
                # The controller serves the module, and says which one it must be.
                "code": {"remote": {"sha256": hashlib.sha256(module).hexdigest(), "http_uri": {
                    "uri": "https://envoy-gateway:18002/tessera.wasm", "cluster": "wasm_cluster", "timeout": "10s"}}},
            },
        }
        return {"name": f"envoy.filters.http.wasm/{metadata['namespace']}/{metadata['name']}/{number}", "disabled": True,
                "typed_config": envoy.typed("filters.http.wasm.v3.Wasm", config=config)}

    def _dynamic_module(self, number, module):
        """The proxies have it in an image volume."""
        [entry] = [each for each in self._proxy["dynamicModules"] if each["name"] == module["name"]]
        assert entry["source"]["type"] == "Local"
        deployment = self._proxy["provider"]["kubernetes"]["envoyDeployment"]
        path = entry["source"]["local"]["path"]
        image, file = self._manifests.mounted_image(deployment["pod"]["volumes"], deployment["container"], path)
        library = self._world.library(self._fetch(image, file))
        metadata = self._policy["metadata"]
        return {"name": f"envoy.filters.http.dynamic_modules/envoyextensionpolicy/{metadata['namespace']}/{metadata['name']}/dynamic-module/{number}",
                "disabled": True, "typed_config": envoy.typed(
                    "filters.http.dynamic_modules.v3.DynamicModuleFilter", filter_name=module["filterName"],
                    dynamic_module_config={"module": {"local": {"filename": library}}}, filter_config=envoy.text(module["config"]))}

    def _virtual_host(self, route, rule, cluster):
        matches = [each["path"] for each in rule.get("matches", [{"path": {"type": "PathPrefix", "value": "/"}}])]
        assert all(match["type"] == "PathPrefix" for match in matches)
        switched_on = {each["name"]: {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}} for each in self._filters}
        routes = [{"match": {"prefix": match["value"]} if match["value"] == "/" else {"path_separated_prefix": match["value"]},
                   **self._action(cluster), "typed_per_filter_config": {**switched_on, **self._cors(route)}}
                  for match in matches]
        return {"name": cluster, "domains": [f"{host}{port}" for host in route["spec"]["hostnames"] for port in ("", ":*")], "routes": routes}

    def _action(self, cluster):
        return {"route": {"cluster": cluster}} if self._available else {"direct_response": {"status": 500}}

    def _cors(self, route):
        for policy in self._manifests.all("SecurityPolicy"):
            if any(target["name"] == route["metadata"]["name"] for target in policy["spec"]["targetRefs"]):
                cors = policy["spec"]["cors"]
                return {envoy.CORS: envoy.typed(
                    "filters.http.cors.v3.CorsPolicy", allow_origin_string_match=[{"exact": origin} for origin in cors["allowOrigins"]],
                    allow_methods=", ".join(cors["allowMethods"]), allow_headers=", ".join(cors["allowHeaders"]),
                    expose_headers=", ".join(cors["exposeHeaders"]))}
        return {}

    def _cluster(self, name, backends):
        [backend] = backends
        if backend.get("kind") != "Backend":
            # A Service of the route's own namespace.
            port = self._addresses.get((f"{backend['name']}.tessera.svc.cluster.local", backend["port"]), self._world.upstream)
            return envoy.cluster(name, port)
        [endpoint] = self._manifests.one("Backend", backend["name"])["spec"]["endpoints"]
        port = self._addresses[endpoint["fqdn"]["hostname"], endpoint["fqdn"]["port"]]
        return envoy.cluster(name, port, tls=self._tls(backend["name"]))

    def _tls(self, backend):
        for policy in self._manifests.all("BackendTLSPolicy"):
            if any((target["kind"], target["name"]) == ("Backend", backend) for target in policy["spec"]["targetRefs"]):
                validation = policy["spec"]["validation"]
                [reference] = validation["caCertificateRefs"]
                authority = self._manifests.one("ConfigMap", reference["name"])["data"]["ca.crt"]
                return envoy.upstream_tls(validation["hostname"], [validation["hostname"]], authority)
        return None

    def _access_log(self, log):
        [setting] = self._proxy["telemetry"]["accessLog"]["settings"]
        assert setting["sinks"] == [{"type": "File", "file": {"path": "/dev/stdout"}}] and setting["format"]["type"] == "JSON"
        return {"name": "envoy.access_loggers.file", "typed_config": envoy.typed(
            "access_loggers.file.v3.FileAccessLog", path=str(log), log_format={"json_format": setting["format"]["json"]})}
