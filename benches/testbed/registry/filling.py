"""An export of the registry with as many contracts as asked for, with clients, feed rows and a whole audit chain.

Ten contracts to an application, ten APIs to a team. The last application is that of a team with one API: what it has
lies behind everything else, so that a list for it shows whether everything is searched.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

ORGANISATION, ENVIRONMENT, PROVIDER, TIER = "default", "production", "main", "gold"
SMALL_TEAM, SMALL_API = "team-small", "orders-v1"
EACH = 10
"""Contracts of an application, APIs of a team."""

_AT = "2026-01-01T00:00:00.000Z"
_YEAR = datetime.datetime(2025, 1, 1)
_OTHERWISE = {50: "suspended", 99: "pending"}
"""What one contract in a hundred is, each; the others are active."""


class Shape:
    """How many there are of everything, and what belongs to what."""

    def __init__(self, contracts: int) -> None:
        self.contracts = contracts
        self.applications = contracts // EACH
        self.teams = max(2, min(100, contracts // 1000))
        self.apis = self.teams * EACH

    @property
    def last(self) -> int:
        """The application of the small team."""
        return self.applications - 1

    def team(self, number: int) -> str:
        return f"team-{number % self.teams:03}"

    def application_team(self, application: int) -> str:
        return SMALL_TEAM if application == self.last else self.team(application * 7)

    def application_id(self, application: int) -> str:
        return _id(0, application)

    def client_id(self, application: int) -> str:
        return f"client-{application:07}"

    def contract_id(self, application: int, number: int) -> str:
        return _id(2, application * EACH + number)

    def bound_api(self, application: int, number: int) -> tuple[str, str]:
        """The API of a contract, and the team that it belongs to."""
        if application == self.last and number == 0:
            return SMALL_API, SMALL_TEAM
        api = (application * 37 + number * self.teams) % self.apis
        return f"api-{api:05}", self.team(api)

    def status(self, application: int, number: int) -> str:
        if application == self.last:
            return "active"
        return _OTHERWISE.get((application * EACH + number) % 100, "active")

    def bound(self) -> Iterator[tuple[int, int]]:
        """Every contract, as its application and its number there."""
        return ((application, number) for application in range(self.applications) for number in range(EACH))

    def rows(self) -> int:
        """How many rows the feed has."""
        return self.contracts - sum(self.status(*contract) == "pending" for contract in self.bound())


def write(path: Path, shape: Shape) -> None:
    """Writes the export, unless the file is there already."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part, count = path.with_suffix(".part"), 0
    with part.open("w") as out:
        for line in _lines(shape):
            out.write(line)
            out.write("\n")
            count += 1
        out.write('{"end":{"lines":%d}}\n' % count)
    part.rename(path)


def _lines(shape: Shape) -> Iterator[str]:
    yield '{"tessera_registry":{"version":1,"at":"%s"}}' % _AT
    yield from _catalogue(shape)
    yield from (_application(shape, number) for number in range(shape.applications))
    yield from (_client(shape, number) for number in range(shape.applications))
    yield from (_contract(shape, *contract) for contract in shape.bound())
    chain = _Chain()
    yield from (chain.adopted(shape, *contract) for contract in shape.bound())
    # Last, as it knows how the chain ends.
    yield _record("organisations", ORGANISATION, {}, {"audit": chain.head(), "created_at": _AT, "id": ORGANISATION})
    yield from _rows(shape)


def _id(kind: int, number: int) -> str:
    """In the form of UUIDv7, ascending with the number."""
    return f"01900000-{kind:04x}-7000-8000-{number:012x}"


def _record(table: str, identifier: str, columns: dict, body: dict) -> str:
    record = {"table": table, "organisation": ORGANISATION, "id": identifier, "revision": 1, "columns": columns}
    return json.dumps({"record": {**record, "body": body}}, separators=(",", ":"))


def _times() -> dict:
    return {"created_at": _AT, "updated_at": _AT}


def _catalogue(shape: Shape) -> Iterator[str]:
    teams = [*(shape.team(number) for number in range(shape.teams)), SMALL_TEAM]
    for team, parent in [("root", None), *((team, "root") for team in teams)]:
        columns = {"parent": parent} if parent else {}
        yield _record("groups", team, columns, {"id": team, "parent": parent, "title": team, **_times()})
    yield _record("environments", ENVIRONMENT, {}, {"id": ENVIRONMENT, "title": "Production", **_times()})
    claims = ["client_id", "azp", "appid", "cid"]
    provider = {"id": PROVIDER, "title": "Main", "kind": "manual", "environments": None, "introspection": None,
                "issuer": None, "client_id_claims": claims, "timeout": "10s"}  # fmt: skip
    yield _record("providers", PROVIDER, {}, {**provider, **_times()})
    apis = [(f"api-{number:05}", shape.team(number)) for number in range(shape.apis)] + [(SMALL_API, SMALL_TEAM)]
    yield from (_api(*api) for api in apis)
    yield from (_tier(api) for api, _ in apis)


def _api(api: str, team: str) -> str:
    columns = {"environment": ENVIRONMENT, "group_id": team, "lifecycle": "published", "words": f"{api} title of {api}"}
    body = {"environment": ENVIRONMENT, "id": api, "group": team, "title": f"Title of {api}", "description": "",
            "documentation_url": None, "has_openapi": False, "lifecycle": "published", **_times()}  # fmt: skip
    return _record("apis", f"{ENVIRONMENT}/{api}", columns, body)


def _tier(api: str) -> str:
    tier = {"id": TIER, "title": "Gold", "approval": "manual", "description": "", "grants": ["client_credentials"],
            "limits": [], "max_duration": None, "redirect_uris": "none", "scopes": [],
            "self_approval": False}  # fmt: skip
    columns = {"api": f"{ENVIRONMENT}/{api}", "self_approval": "false"}
    body = {"api": api, "environment": ENVIRONMENT, "tier": tier}
    return _record("tiers", f"{ENVIRONMENT}/{api}/{TIER}", columns, body)


def _application(shape: Shape, number: int) -> str:
    identifier, team, name = shape.application_id(number), shape.application_team(number), f"Application {number}"
    body = {"id": identifier, "group": team, "name": name, "description": "", "created_by": "system",
            "status": "active"}  # fmt: skip
    columns = {"group_id": team, "status": "active", "words": name.lower()}
    return _record("applications", identifier, columns, {**body, **_times()})


def _client(shape: Shape, number: int) -> str:
    identifier, application, client_id = _id(1, number), shape.application_id(number), shape.client_id(number)
    columns = {"application": application, "holds": f"{PROVIDER}/{client_id}", "provider": PROVIDER, "status": "live"}
    unset = "auth_method error jwks replaces retire_at secret_expires_at secret_reveal_until waiting_for"
    nothing = dict.fromkeys(unset.split())
    none = {name: [] for name in ("differences", "grants", "redirect_uris", "scopes")}
    body = {"id": identifier, "application": application, "provider": PROVIDER, "client_id": client_id, "brought": True,
            "gateway_client_id": client_id, "overlap": 0, "secret": "none", "status": "live"}  # fmt: skip
    return _record("clients", identifier, columns, {**body, **nothing, **none, **_times()})


@functools.cache
def _contract_template(status: str) -> str:
    key, is_approved = f"{ENVIRONMENT}/%(api)s", status != "pending"
    columns = {"api": key, "application": "%(owner)s", "environment": ENVIRONMENT, "open": f"%(owner)s/{key}",
               "requested_by": "%(by)s", "status": status, "tier": f"{key}/{TIER}"}  # fmt: skip
    if not is_approved:
        columns["waiting"] = columns["tier"]
    decided = {"decided_at": _AT if is_approved else None, "decided_by": "user:owner" if is_approved else None}
    body = {"id": "%(id)s", "api": "%(api)s", "application": "%(owner)s", "approved": is_approved, "changed_by": None,
            "environment": ENVIRONMENT, "expires_at": None, "has_client": True, "name": "%(name)s", "not_before": None,
            "reason": "to sell more", "requested_at": _AT, "requested_by": "%(by)s", "requested_tier": None,
            "status": status, "tier": TIER}  # fmt: skip
    return _record("contracts", "%(id)s", columns, {**body, **decided, **_times()})


def _contract(shape: Shape, application: int, number: int) -> str:
    return _contract_template(shape.status(application, number)) % {
        "id": shape.contract_id(application, number),
        "owner": shape.application_id(application),
        "api": shape.bound_api(application, number)[0],
        "name": f"Application {application}",
        "by": f"user:{application % 1000}",
    }


class _Chain:
    """The audit: an entry for each contract, each with the hash of the one before."""

    def __init__(self) -> None:
        self._seq, self._hash = 0, "0" * 64
        entry = {"action": "contract.adopt", "actor": "system", "after": {"id": "%(id)s", "tier": TIER},
                 "at": "%(at)s", "before": None, "previous": "%(previous)s", "reason": None, "request_id": None,
                 "seq": "%(seq)d", "subject": {"id": "%(id)s", "kind": "contract"}}  # fmt: skip
        columns = {"action": "contract.adopt", "actor": "system", "at": "%(at)s", "group_id": "%(group)s",
                   "other_group": "%(other)s", "subject": "contract:%(id)s"}  # fmt: skip
        body = {**entry, "groups": ["%(group)s", "%(other)s"], "hash": "%(hash)s"}
        # RFC 8785, as far as these texts go.
        self._entry = _with_number(json.dumps(entry, separators=(",", ":"), sort_keys=True))
        self._record = _with_number(_record("audit_entries", "%(seq)020d", columns, body))

    def head(self) -> dict:
        return {"seq": self._seq, "hash": self._hash}

    def adopted(self, shape: Shape, application: int, number: int) -> str:
        self._seq += 1
        # Spread over a year.
        at = _YEAR + datetime.timedelta(seconds=(self._seq * 365 * 86_400) // shape.contracts)
        values = {"id": shape.contract_id(application, number), "seq": self._seq, "previous": self._hash}
        values["at"] = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self._hash = hashlib.sha256((self._entry % values).encode()).hexdigest()
        values |= {"hash": self._hash, "group": shape.application_team(application)}
        return self._record % {**values, "other": shape.bound_api(application, number)[1]}


def _with_number(template: str) -> str:
    return template.replace('"%(seq)d"', "%(seq)d")


@functools.cache
def _row_template(status: str) -> str:
    row = {"api": "%(api)s", "client_id": "%(client)s", "name": "%(name)s", "provider": PROVIDER, "status": status,
           "tier": TIER}  # fmt: skip
    line = {"organisation": ORGANISATION, "environment": ENVIRONMENT, "api": "%(api)s", "provider": PROVIDER,
            "client_id": "%(client)s", "row": json.dumps(row, separators=(",", ":"))}  # fmt: skip
    return json.dumps({"row": line}, separators=(",", ":"))


def _rows(shape: Shape) -> Iterator[str]:
    for application, number in shape.bound():
        status = shape.status(application, number)
        if status != "pending":
            api, client = shape.bound_api(application, number)[0], shape.client_id(application)
            yield _row_template(status) % {"api": api, "client": client, "name": f"Application {application}"}
