"""From an Apache configuration to ours, as text: ``wsgi-scgi convert httpd.conf``.

What Apache protects stays protected: a route whose rules cannot be expressed is excluded, with
the reason in a comment.  Everything that was not carried over is told with file and line.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ..config.file import parse_configuration
from .balancers import balancers, usable_balancers
from .checking import Document, Parse, accepts_host
from .directive import Directive
from .hosts import drafts_for
from .ledger import Ledger
from .listening import choose
from .reading import read_configuration
from .routing import Server
from .server_block import ServerBlock, blocks
from .toml_text import comment

_LIMITS = {
    "limitrequestline": "limit_request_line",
    "limitrequestfields": "limit_request_fields",
    "limitrequestfieldsize": "limit_request_field_size",
}
_AUTHORIZATION = (
    "Apache keeps the Authorization field from backends unless CGIPassAuth is On. Here they get it;"
    " where they should not, set pass_authorization = false"
)

_NAMES = (
    "What names Apache is started with is not known, so rules inside <IfDefine> count, and nothing"
    " else there does. To be exact, name them: wsgi-scgi convert -D NAME"
)


def convert(
    path: Path,
    *,
    given: Collection[str] | None = None,
    environment: Mapping[str, str] | None = None,
    parse: Parse = parse_configuration,
) -> str:
    """Return the TOML for an Apache configuration.

    ``given`` are the names that Apache's command line defines (``-D NAME``); None if nobody knows
    them.  ``environment`` is that of Apache, by default that of this process.  ``parse`` is the
    reader that has to accept the result.

    Raises ConfigurationError, with file, line and cause, for what cannot be read at all.
    """
    environment = os.environ if environment is None else environment
    tree = read_configuration(path, given=given, environment=environment)
    main, hosts = blocks(tree.directives)
    ledger = Ledger()
    choice = choose(main, hosts, ledger)
    for host in hosts:
        if host not in choice.hosts:
            ledger.use(*host.header.walk())
    server = Server((main,), tree.server_root, ledger)
    drafts = drafts_for(server, choice.hosts, lambda name: accepts_host(name, parse))
    declared = balancers((main, *choice.hosts), ledger)
    usable = usable_balancers(declared, drafts)
    settings = {**choice.settings, **_limits(main, ledger)}
    document = Document(settings, drafts, usable)
    document.settle(parse)
    head = [f"Converted from {path}; read it, then run: wsgi-scgi check"]
    if any(not draft.exclude and "pass_authorization" not in draft.options for draft in drafts):
        head.append(_AUTHORIZATION)
    head += [
        f"${{{name}}} is {value!r}, from the environment"
        for name, value in tree.environment.items()
    ]
    if given is None and any(_hangs_on_a_name(one) for one in tree.directives):
        head.append(_NAMES)
    if not drafts:
        head.append("There is no ProxyPass in it, so there is no route")
    tail = [
        *choice.remarks,
        *document.unreachable(),
        *document.lost,
        *ledger.comments(tree.directives),
    ]
    return _text(head, document.lines(), tail)


def _hangs_on_a_name(directive: Directive) -> bool:
    return any(one.condition.lower().startswith("<ifdefine") for one in directive.walk())


def _limits(main: ServerBlock, ledger: Ledger) -> dict[str, object]:
    """Return gunicorn's limits for the request head, which have Apache's names."""
    limits: dict[str, object] = {}
    for key, name in _LIMITS.items():
        directive = main.last(key)
        if directive is not None and directive.argument.isdecimal():
            ledger.use(directive)
            limits[name] = int(directive.argument)
    return limits


def _text(head: Iterable[str], body: Iterable[str], tail: Iterable[str]) -> str:
    lines = [*map(comment, head), "", *body]
    notes = [*map(comment, tail)]
    if notes:
        lines += ["# Not carried over, or only in part:", *notes]
    return "\n".join(lines).rstrip("\n") + "\n"
