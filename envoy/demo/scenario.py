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
TIMEOUT = 15  # seconds


@dataclass
class Answer:
    status: int
    headers: dict
    body: dict


def ask(url, method="GET", headers=None, form=None):
    """The answer to one HTTP request, whatever its status."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
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
    """Tokens from the authorization server, asked for as its clients do (RFC 6749 section 4.4, RFC 7009)."""

    def __init__(self, url, secrets):
        self.url, self.secrets = url, secrets

    def token(self, client, scope):
        answer = self._post("/token", client, {"grant_type": "client_credentials", "scope": scope, "resource": RESOURCE})
        if answer.status != 200 or "access_token" not in answer.body:
            raise RuntimeError(f"{client} got no token: {answer.status} {answer.body}")
        return answer.body["access_token"]

    def revoke(self, client, token):
        answer = self._post("/token/revocation", client, {"token": token})
        if answer.status != 200:
            raise RuntimeError(f"the token was not revoked: {answer.status} {answer.body}")

    def _post(self, path, client, form):
        basic = base64.b64encode(f"{client}:{self.secrets[client]}".encode()).decode()
        return ask(self.url + path, "POST", {"authorization": f"Basic {basic}"}, form)


@dataclass
class Row:
    """One request, the answer it must get, and what to say of it."""
    title: str
    status: int
    error: Optional[str] = None
    token: Optional[str] = None
    method: str = "GET"
    client_headers: dict = field(default_factory=dict)
    answer_has: tuple = ()
    upstream_sees: dict = field(default_factory=dict)
    note: str = ""
    before: Callable[[], None] = lambda: None

    def judge(self, answer):
        """What differs from what is expected; empty when nothing does."""
        wrong = []
        if answer.status != self.status:
            wrong.append(f"status {answer.status}, expected {self.status}")
        if answer.body.get("error") != self.error:
            wrong.append(f"error {answer.body.get('error')!r}, expected {self.error!r}")
        wrong += [f"no {name} header" for name in self.answer_has if name not in answer.headers]
        reached = answer.body.get("headers", {})
        wrong += [f"the upstream saw {name}: {reached.get(name)!r}, expected {value!r}"
                  for name, value in self.upstream_sees.items() if reached.get(name) != value]
        return wrong


def rows(idp, stop_idp=None):
    """The rows of the demo. Their tokens are fetched here, while the authorization server runs."""
    revoked = idp.token("portal", "orders.read")
    idp.revoke("portal", revoked)
    yield Row("no token", 401, "missing_token", answer_has=("www-authenticate",))
    yield Row("a good token, its client has a contract", 200, token=idp.token("portal", "orders.read"),
              client_headers={"x-client-id": "admin", "x-sla-tier": "platinum"},
              upstream_sees={"x-client-id": "portal", "x-sla-tier": "gold"},
              note="the client also sent x-client-id: admin and x-sla-tier: platinum, in vain")
    yield Row("POST with a token that may only read", 403, "insufficient_scope", method="POST",
              token=idp.token("portal", "orders.read"), answer_has=("www-authenticate",))
    yield Row("a good token, its client has no contract", 403, "unauthorized_client",
              token=idp.token("guest", "orders.read"))
    yield Row("a revoked token", 401, "invalid_token", token=revoked, answer_has=("www-authenticate",),
              note="revoked before its first use; one in use may work on for up to cache.max_ttl")
    if stop_idp:
        yield Row("a new token, the authorization server is down", 503, "temporarily_unavailable",
                  token=idp.token("portal", "orders.read"), answer_has=("retry-after",), before=stop_idp)


def play(gateway, all_rows):
    """Send each row's request, print what came of it; true when all came out as expected."""
    paint = Paint(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    print(paint.bold(f"    {'request':<46} {'expected':>8}  {'got':>4}   answer"))
    good = True
    for row in all_rows:
        row.before()
        headers = dict(row.client_headers)
        if row.token:
            headers["authorization"] = f"Bearer {row.token}"
        answer = ask(f"{gateway}/orders/7", row.method, headers, form={} if row.method == "POST" else None)
        wrong = row.judge(answer)
        good = good and not wrong
        mark = paint.red("✗") if wrong else paint.green("✓")
        print(f"  {mark} {row.title:<46} {row.status:>8}  {answer.status:>4}   {_gist(row, answer)}", flush=True)
        if row.note:
            print(paint.dim(f"      {row.note}"))
        for each in wrong:
            print(paint.red(f"      {each}"))
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
