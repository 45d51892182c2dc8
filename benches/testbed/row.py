"""The lines of the table of what a request costs: what each sends, through which listener, and what it is compared with."""

from __future__ import annotations

import dataclasses

SIGNED = {"jwt": "RS256", "ps256": "PS256", "eddsa": "EdDSA"}
"""The tokens that are signed, and how."""
BEFORE = "before_"
"""How keys and listeners of rows with the module of before begin; so its virtual machines are others, too."""
MANY_ROUTES = 300
"""Routes of the listeners whose names end in `routes`; the last one is taken."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    listener: str
    """The listener that it talks to; also the name of the cluster that this listener's filter asks."""
    token: str
    """`opaque` (43 characters), `jwt` (900, RS256), `ps256`, `eddsa` (as long), `fresh`: opaque, and new with every
    request, or `bound`: opaque, with a DPoP proof that is new with every request."""
    asks: str = "never"
    """How often the filter asks the authorization server once it is warm: `never` or `always`."""
    sets_identity: bool = True
    refuses_without_token: bool = True
    headers: int = 0
    """Header lines of each request, if more than the generator's four."""
    may_be_new: bool = False
    """Whether the module of before may not know what this row is about."""
    main_thread: bool = False
    """Whether Envoy's main thread works for it, too, so that its CPU counts."""

    @property
    def baseline(self) -> str:
        if self.headers:
            return f"router_{self.headers}"
        if self.token == "bound":
            return "router_dpop"
        if self.listener.endswith("routes"):
            return "router_routes"
        return "router_jwt" if self.token in SIGNED else "router"

    @property
    def needs_module(self) -> bool:
        return self.key.startswith(("tessera", "native")) or self.headers > 0 or self.key == "router_routes"

    @property
    def is_paired(self) -> bool:
        """Whether the module of before is measured beside it, where there is one."""
        return self.key.startswith("tessera") and not self.may_be_new

    def before(self) -> Row:
        """The same row with the module of before."""
        return dataclasses.replace(self, key=BEFORE + self.key, listener=BEFORE + self.listener)


def _with_headers(count: int) -> list[Row]:
    return [
        Row(f"router_{count}", f"Router only, {count} headers", "router", "opaque", "never", False, False, count),
        Row(
            f"tessera_{count}",
            f"**Tessera, known opaque token, {count} headers**",
            "tessera",
            "opaque",
            headers=count,
        ),
        Row(
            f"tessera_rules_{count}",
            f"**Tessera, rules on host, path and method, {count} headers**",
            "tessera_rules",
            "opaque",
            headers=count,
        ),
        Row(
            f"native_rules_{count}",
            f"**Tessera native, rules on host, path and method, {count} headers**",
            "native_rules",
            "opaque",
            headers=count,
        ),
    ]


def _floor(key: str, title: str, **options: bool) -> Row:
    return Row(key, title, key, "opaque", refuses_without_token=False, **{"sets_identity": False, **options})


ROWS = [
    _floor("router", "Router only"),
    Row("router_jwt", "Router only, 900-byte token", "router", "jwt", "never", False, False),
    Row("router_dpop", "Router only, DPoP proof", "router", "bound", "never", False, False),
    _floor("floor", "Empty Wasm filter, exports pruned (the floor)"),
    _floor("floor_read", "the floor + reading one header"),
    _floor("floor_clock", "the floor + one header + the clock"),
    _floor("floor_set", "the floor + one header + the clock + setting two headers", sets_identity=True),
    Row("tessera", "**Tessera, known opaque token**", "tessera", "opaque"),
    Row("tessera_all", "**Tessera, known opaque token, `access_log: all`**", "tessera_all", "opaque", may_be_new=True),
    Row("tessera_dpop", "**Tessera, known opaque token, DPoP proof**", "tessera_dpop", "bound", may_be_new=True),
    Row("tessera_jwt", "**Tessera, known JWT-shaped token, 900 bytes**", "tessera", "jwt"),
    Row("tessera_rules", "**Tessera, rules on host, path and method**", "tessera_rules", "opaque"),
    Row("tessera_known", "**Tessera, known verified JWT, RS256**", "tessera_known", "jwt", may_be_new=True),
    Row("tessera_rs256", "**Tessera, RS256 verified each time**", "tessera_verifies", "jwt", may_be_new=True),
    Row("tessera_ps256", "**Tessera, PS256 verified each time**", "tessera_verifies", "ps256", may_be_new=True),
    Row("tessera_eddsa", "**Tessera, EdDSA verified each time**", "tessera_verifies", "eddsa", may_be_new=True),
    Row("tessera_miss", "**Tessera, every token new**", "tessera_miss", "fresh", "always"),
    Row("native", "**Tessera native, known opaque token**", "native", "opaque"),
    Row("native_jwt", "**Tessera native, known JWT-shaped token, 900 bytes**", "native", "jwt"),
    Row("native_rules", "**Tessera native, rules on host, path and method**", "native_rules", "opaque"),
    Row("native_dpop", "**Tessera native, known opaque token, DPoP proof**", "native_dpop", "bound"),
    Row("native_known", "**Tessera native, known verified JWT, RS256**", "native_known", "jwt"),
    Row("native_rs256", "**Tessera native, RS256 verified each time**", "native_verifies", "jwt"),
    Row("native_ps256", "**Tessera native, PS256 verified each time**", "native_verifies", "ps256"),
    Row("native_eddsa", "**Tessera native, EdDSA verified each time**", "native_verifies", "eddsa"),
    Row("native_miss", "**Tessera native, every token new**", "native_miss", "fresh", "always"),
    Row(
        "native_miss_main",
        "**Tessera native, every token new, main thread included**",
        "native_miss",
        "fresh",
        "always",
        main_thread=True,
    ),
    Row("router_routes", f"Router only, {MANY_ROUTES} routes", "router_routes", "opaque", "never", False, False),
    Row("tessera_routes", f"**Tessera, known opaque token, {MANY_ROUTES} routes**", "tessera_routes", "opaque", may_be_new=True),
    _floor("floor_routes", f"Empty Wasm filter, {MANY_ROUTES} routes"),
    Row("native_routes", f"**Tessera native, known opaque token, {MANY_ROUTES} routes**", "native_routes", "opaque"),
    *_with_headers(10),
    *_with_headers(40),
    Row("jwt_cached", "`jwt_authn`, token cache", "jwt_cached", "jwt", sets_identity=False),
    Row("jwt_claims", "`jwt_authn`, token cache, two claim headers", "jwt_claims", "jwt"),
    Row("jwt_uncached", "`jwt_authn`, RS256 checked each time", "jwt_uncached", "jwt", sets_identity=False),
    Row("lua", "Lua filter, table cache", "lua", "opaque"),
    Row("lua_callout", "Lua filter, asking each time", "lua_callout", "fresh", "always"),
    Row("ext_authz", "`ext_authz` over HTTP", "ext_authz", "opaque", "always", refuses_without_token=False),
]
