"""The filters that are compared, each doing the same job: find the token's client and tier, set two headers."""

from __future__ import annotations

import json
from pathlib import Path

from . import envoy
from .jwt import Issuer, ProofKey

IDENTITY = ("x-client-id", "x-sla-tier")

_LUA = """
local known = {}

local function ask(handle, authorization)
  local headers, body = handle:httpCall(CLUSTER, {
    [":method"] = "POST", [":path"] = "/introspect", [":authority"] = "idp.example.com",
    ["content-type"] = "application/x-www-form-urlencoded", ["authorization"] = "Basic Z2F0ZXdheTpiZW5jaA==",
  }, "token=" .. string.sub(authorization, 8), 10000)
  if headers[":status"] ~= "200" or not string.find(body, '"active":true', 1, true) then return nil end
  local client = string.match(body, '"client_id":"([^"]*)"')
  local expires = tonumber(string.match(body, '"exp":(%d+)'))
  return {client = client, tier = "gold", expires = expires}
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local authorization = headers:get("authorization")
  if not authorization then
    handle:respond({[":status"] = "401"}, "")
    return
  end
  local facts = known[authorization]
  if not facts or os.time() >= facts.expires then
    facts = ask(handle, authorization)
    if not facts then
      handle:respond({[":status"] = "401"}, "")
      return
    end
    REMEMBER
    headers = handle:headers() -- the old object does not survive a call
  end
  headers:replace("x-client-id", facts.client)
  headers:replace("x-sla-tier", facts.tier)
end
"""


def lua(cluster: str, *, remembers: bool) -> dict:
    """A Lua filter that asks the authorization server, once a token or each time."""
    remember = "known[authorization] = facts" if remembers else ""
    script = _LUA.replace("CLUSTER", json.dumps(cluster)).replace("REMEMBER", remember)
    return envoy.native("lua", "Lua", default_source_code={"inline_string": script})


def jwt_authn(issuer: Issuer, *, caches: bool, sets_claims: bool) -> dict:
    """Envoy's own JWT filter."""
    provider: dict = {
        "issuer": issuer.name,
        "audiences": ["https://api.example.com"],
        "local_jwks": {"inline_string": issuer.jwks},
        "forward": True,
    }
    if caches:
        provider["jwt_cache_config"] = {"jwt_cache_size": 10000}
    if sets_claims:
        claims = zip(IDENTITY, ("client_id", "tier"))
        provider["claim_to_headers"] = [{"header_name": name, "claim_name": claim} for name, claim in claims]
    rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "main"}}]
    return envoy.native("jwt_authn", "JwtAuthentication", providers={"main": provider}, rules=rules)


def ext_authz(cluster: str, port: int) -> dict:
    """Envoy's external authorization over HTTP, which asks on each request."""
    service = {
        "server_uri": {"uri": f"http://127.0.0.1:{port}", "cluster": cluster, "timeout": "10s"},
        "authorization_response": {"allowed_upstream_headers": {"patterns": [{"exact": name} for name in IDENTITY]}},
    }
    return envoy.native("ext_authz", "ExtAuthz", transport_api_version="V3", http_service=service)


def inline_contracts() -> dict:
    """One contract, for the client that most tokens are issued to."""
    return {"inline": [{"api": "orders-v1", "client_id": "portal", "tier": "gold"}]}


_ANY_REQUEST: dict = {"id": "orders-v1", "contract": "required"}
RULES: dict = {
    **_ANY_REQUEST,
    "match": {"hosts": ["api.example.com"], "paths": ["/orders/"]},
    "scopes": {"all": ["orders.read"]},
    "operations": [{"match": {"methods": ["POST", "PUT", "PATCH", "DELETE"]}, "scopes": {"all": ["orders.write"]}}],
}
"""An API with rules on host, path and method: most configurations have some of each."""


def tessera(
    module: Path | None,
    name: str,
    cluster: str,
    *,
    api: dict | None = None,
    entries: int = 10000,
    contracts: dict | None = None,
    issuer: Issuer | None = None,
    proof_key: ProofKey | None = None,
    access_log: str | None = None,
) -> dict:
    """Tessera in Wasm, or natively without `module`: introspection, or JWTs of an issuer; a required contract, two
    identity headers.

    With `proof_key` every token is bound to that key.
    """
    path = f"bound?jkt={proof_key.thumbprint}" if proof_key else "introspect"
    introspection = {
        "endpoint": f"https://idp.example.com/{path}",
        "cluster": cluster,
        "timeout": "10s",
        "client": {"id": "gateway", "auth": "client_secret_basic", "secret": "bench"},
    }
    provider: dict = {"name": "main", "introspection": introspection}
    if issuer:
        jwt = {"keys": {"inline": json.loads(issuer.jwks)}, "algorithms": ["RS256", "PS256", "EdDSA"]}
        provider = {"name": "main", "issuer": issuer.name, "jwt": jwt, "audiences": ["https://api.example.com"]}
    configuration = {
        "providers": [provider],
        "apis": [api or _ANY_REQUEST],
        "contracts": contracts or inline_contracts(),
        "cache": {"entries": entries, "max_ttl": "6h", "negative_ttl": "1h"},
    }
    if access_log:
        configuration["access_log"] = access_log
    text = json.dumps(configuration)
    return envoy.wasm(module, name, text) if module else envoy.dynamic_module(name, text)
