"""Configurations made by chance: routes, access rules and options that get in each other's way."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/", "/c/", "/a/b/c")
_EXPRESSIONS = ("^/a/b", "^/a/(.*)$", "/b", "^/c/", "^/(a|c)/", r"\.cgi$", "^/a", "(?i)^/A/B")
_WILDCARDS = ("/a/*", "/a/?/", "/[ac]/*", "/a*")
_RULES = (
    ("Require all denied",),
    ("Require all granted",),
    ("Require ip 10.0.0.0/8",),
    ("Require method POST",),
    ("Require all denied", "Require all granted"),
    ("<RequireAll>", "Require all granted", "Require not ip 127.0.0.1", "</RequireAll>"),
    ("<RequireAny>", "Require all granted", "Require ip 10.1.1.1", "</RequireAny>"),
    (
        *("<RequireAll>", "Require all granted"),
        *("<RequireNone>", "Require ip 127.0.0.1", "</RequireNone>", "</RequireAll>"),
    ),
    ("AuthMerging And", "Require all granted"),
    ("AuthMerging Or", "Require all granted"),
    ("Order allow,deny", "Allow from 10.0.0.1"),
    ("Order deny,allow", "Deny from all"),
    ("Order allow,deny", "Allow from all"),
    ("Order deny,allow",),
    ("Satisfy Any", "Order allow,deny", "Allow from 10.0.0.1", "Require all denied"),
    ("Satisfy Any", "Order allow,deny", "Allow from all", "Require all denied"),
    ("<Limit POST>", "Require all denied", "</Limit>"),
    ("<LimitExcept POST>", "Require all denied", "</LimitExcept>"),
    ("AllowMethods POST",),
    ('<If "%{REQUEST_URI} =~ m#/b#">', "Require all denied", "</If>"),
    ("<If true>", "Redirect 403", "</If>"),
    ("RewriteEngine On", "RewriteRule . - [F]"),
    ("Redirect 403",),
    ("<IfModule mod_absent.c>", "Require all denied", "</IfModule>"),
    ("<IfModule !mod_absent.c>", "Require all denied", "</IfModule>"),
)
_OPTIONS = (
    ("SetEnvIf Request_URI . proxy-scgi-pathinfo",),
    ("SetEnv A x",),
    ("SetEnv B y",),
    ("SetEnvIf Request_Method GET C=1",),
    ("RequestHeader unset X-Id",),
)
_SERVER_LINES = (
    ("RewriteEngine On", "RewriteRule ^/a/b - [F]"),
    ("RewriteEngine On", "RewriteRule ^/c/(.*) /a/$1"),
    ("SetEnvIf Request_URI /c no-proxy",),
    ("ProxyPassInherit Off",),
    ('<If "%{REQUEST_URI} =~ m#/b#">', "Require all denied", "</If>"),
)
_NAMES = (
    ("ServerName v1.example",),
    ("ServerName v2.example", "ServerAlias *.v.example"),
    ("ServerAlias x.v.example",),
    (),
)
HOSTS = ("gateway.test", "v1.example", "v2.example", "x.v.example", "unknown.example")
"""Names that the virtual hosts have, and one that none has."""


def configuration(seed: int, backend: str) -> str:
    """Return a configuration; ``backend`` is ``scgi://host:port``."""
    return _Maker(random.Random(seed), backend).configuration()


class _Maker:
    def __init__(self, chance: random.Random, backend: str) -> None:
        self._chance = chance
        self._backend = backend

    def configuration(self) -> str:
        parts = self._server(7)
        for _ in range(self._one((0, 0, 0, 1, 2))):
            body = [line for part in self._server(4) for line in part]
            parts.append(["<VirtualHost *>", *self._one(_NAMES), *body, "</VirtualHost>"])
        self._chance.shuffle(parts)
        return "".join(f"{line}\n" for part in parts for line in part)

    def _one(self, choices: Sequence[T]) -> T:
        return self._chance.choice(choices)

    def _server(self, most: int) -> list[list[str]]:
        kinds: list[Callable[[], list[str]]] = [
            *[self._proxy_pass] * 7,
            *[self._proxy_pass_match] * 2,
            *[self._section] * 8,
            *[lambda: [*self._one(_OPTIONS)]] * 2,
            lambda: [*self._one(_SERVER_LINES)],
        ]
        return [self._one(kinds)() for _ in range(self._chance.randint(1, most))]

    def _target(self) -> str:
        ours = (f"{self._backend}/", f"{self._backend}/base/")
        return self._one((*ours * 6, *["!"] * 5, "http://127.0.0.1:9/"))

    def _proxy_pass(self) -> list[str]:
        return [f"ProxyPass {self._one(_PATHS)} {self._target()}"]

    def _proxy_pass_match(self) -> list[str]:
        return [f'ProxyPassMatch "{self._one(_EXPRESSIONS)}" {self._target()}']

    def _section(self) -> list[str]:
        name, argument = self._one(
            (
                *[("Location", self._one(_PATHS))] * 12,
                *[("LocationMatch", self._one(_EXPRESSIONS))] * 3,
                *[("Location", f'~ "{self._one(_EXPRESSIONS)}"')] * 2,
                ("Location", self._one(_WILDCARDS)),
                ("Proxy", self._one(("*", self._backend, f"{self._backend}/base"))),
            )
        )
        body: list[str] = []
        if self._chance.random() < 0.7:
            body += self._one(_RULES)
        if self._chance.random() < 0.4:
            body += self._one(_OPTIONS)
        if name == "Location" and self._chance.random() < 0.2:
            body.append(f"ProxyPass {self._target()}")
        argument = argument if argument.startswith("~") else f'"{argument}"'
        return [f"<{name} {argument}>", *body, f"</{name}>"]
