"""What the demo shows: one request after the other, each with the answer it must get."""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Callable, Optional

RESOURCE = "https://orders.example.com"
TIMEOUT = 90  # seconds: longer than the filter waits for the authorization server

# Everything is on this machine or in a network of its own: a proxy of the environment does not know it.
_directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Answer:
    status: int
    headers: dict
    body: dict


def ask(url, method="GET", headers=None, form=None, data=None):
    """The answer to one HTTP request, whatever its status."""
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with _directly.open(request, timeout=TIMEOUT) as response:
            return _answer(response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error)


def _answer(response):
    raw = response.read()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    return Answer(response.status, {name.lower(): value for name, value in response.headers.items()},
                  body if isinstance(body, dict) else {})


class AuthorizationServer:
    """Tokens from the authorization server, asked for as its clients do (RFC 6749 section 4.4, RFC 7009); and the port
    by which the demo controls it."""

    def __init__(self, url, control, secrets):
        self.url, self.control, self.secrets = url, control, secrets

    def token(self, client, scope, resource=RESOURCE, headers=None):
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        answer = self._post("/token", client, form, headers)
        if answer.status != 200 or "access_token" not in answer.body:
            raise RuntimeError(f"{client} got no token: {answer.status} {answer.body}")
        return answer.body["access_token"]

    def revoke(self, client, token):
        answer = self._post("/token/revocation", client, {"token": token})
        if answer.status != 200:
            raise RuntimeError(f"the token was not revoked: {answer.status} {answer.body}")

    def credentials(self, client):
        """What HTTP Basic carries: id and secret are form-encoded first (RFC 6749 section 2.3.1)."""
        return ":".join(urllib.parse.quote_plus(part) for part in (client, self.secrets[client]))

    def introspections(self):
        """How many it was asked for so far."""
        return ask(self.control + "/").body["introspections"]

    def go_down(self):
        ask(self.control + "/down", "POST")

    def come_up(self):
        ask(self.control + "/up", "POST")

    def _post(self, path, client, form, headers=None):
        basic = base64.b64encode(self.credentials(client).encode()).decode()
        return ask(self.url + path, "POST", {"authorization": f"Basic {basic}", **(headers or {})}, form)


@dataclass
class Row:
    """One request, the answer it must get, and what to say of it."""
    title: str
    status: int
    error: Optional[str] = None
    asked: int = 0  # introspections that it brings about
    token: Optional[str] = None
    method: str = "GET"
    client_headers: dict = field(default_factory=dict)
    answer_has: tuple = ()
    upstream_sees: dict = field(default_factory=dict)
    note: str = ""
    before: Callable[[], None] = lambda: None

    def judge(self, answer, asked):
        """What differs from what is expected; empty when nothing does."""
        wrong = []
        if answer.status != self.status:
            wrong.append(f"status {answer.status}, expected {self.status}")
        if answer.body.get("error") != self.error:
            wrong.append(f"error {answer.body.get('error')!r}, expected {self.error!r}")
        if asked != self.asked:
            wrong.append(f"the authorization server was asked {asked} times, expected {self.asked}")
        wrong += [f"no {name} header" for name in self.answer_has if name not in answer.headers]
        reached = answer.body.get("headers", {})
        wrong += [f"the upstream saw {name}: {reached.get(name)!r}, expected {value!r}"
                  for name, value in self.upstream_sees.items() if reached.get(name) != value]
        return wrong


def rows(idp):
    """The rows of the demo. Their tokens are fetched here, while the authorization server runs."""
    known, guest, revoked, fresh = (idp.token(client, "orders.read") for client in ("portal", "guest", "portal", "portal"))
    idp.revoke("portal", revoked)
    identity = {"x-client-id": "portal", "x-sla-tier": "gold"}
    return [
        Row("no token", 401, "missing_token", answer_has=("www-authenticate",)),
        Row("a good token, its client has a contract", 200, token=known, asked=1, upstream_sees=identity,
            client_headers={"x-client-id": "admin", "x-sla-tier": "platinum"},
            note="the client also sent x-client-id: admin and x-sla-tier: platinum, in vain"),
        Row("the same token again", 200, token=known, upstream_sees=identity,
            note="what is known of a token is remembered: nobody was asked"),
        Row("POST with that token, which may only read", 403, "insufficient_scope", method="POST", token=known,
            answer_has=("www-authenticate",)),
        Row("a good token, its client has no contract", 403, "unauthorized_client", token=guest, asked=1),
        Row("a revoked token", 401, "invalid_token", token=revoked, asked=1, answer_has=("www-authenticate",),
            note="revoked before its first use; one in use may work on for up to cache.max_ttl"),
        Row("the known token, no authorization server", 200, token=known, upstream_sees=identity, before=idp.go_down,
            note="the authorization server is down from here on"),
        Row("a new token, no authorization server", 503, "temporarily_unavailable", token=fresh,
            answer_has=("retry-after",)),
    ]


def play(gateway, idp, host=None):
    """Send each row's request, to `host` if the gateway serves several; print what came of it; true when all came out as
    expected.

    The authorization server is up when this ends."""
    paint = Paint(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    print(paint.bold(f"    {'request':<42} {'expected':>8}  {'got':>4}  {'asked':>5}   answer"))
    good = True
    try:
        for row in rows(idp):
            row.before()
            headers = {**row.client_headers, **({"host": host} if host else {})}
            if row.token:
                headers["authorization"] = f"Bearer {row.token}"
            before = idp.introspections()
            answer = ask(f"{gateway}/orders/7", row.method, headers, form={} if row.method == "POST" else None)
            asked = idp.introspections() - before
            wrong = row.judge(answer, asked)
            good = good and not wrong
            mark = paint.red("✗") if wrong else paint.green("✓")
            print(f"  {mark} {row.title:<42} {row.status:>8}  {answer.status:>4}  {asked:>5}   {_gist(row, answer)}", flush=True)
            if row.note:
                print(paint.dim(f"      {row.note}"))
            for each in wrong:
                print(paint.red(f"      {each}"))
    finally:
        idp.come_up()
    print("\nAll as expected." if good else "\nNot all as expected.", flush=True)
    return good


def _gist(row, answer):
    if answer.status == 200:
        reached = answer.body.get("headers", {})
        return "upstream got " + ", ".join(f"{name}: {reached.get(name)}" for name in row.upstream_sees)
    after = answer.headers.get("retry-after")
    return f"{answer.body.get('error')}: {answer.body.get('error_description')}" + (f" (retry-after: {after})" if after else "")


class Paint:
    """Colours, where they are wanted."""

    def __init__(self, wanted):
        self._wanted = wanted

    def _in(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self._wanted else text

    def green(self, text):
        return self._in(32, text)

    def red(self, text):
        return self._in(31, text)

    def bold(self, text):
        return self._in(1, text)

    def dim(self, text):
        return self._in(2, text)
