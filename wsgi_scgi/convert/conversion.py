"""From an Apache configuration to ours, as text: ``wsgi-scgi convert httpd.conf``.

What Apache protects stays protected: a route whose rules cannot be expressed is excluded, with
the reason in a comment.  Everything that was not carried over is told with file and line.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..config.file import parse_configuration
from .administration import administration
from .balancers import balancers, finish_routes, usable_balancers
from .checking import Document, Parse, accepts_host
from .directive import Directive
from .draft import Draft
from .hosts import drafts_for
from .ledger import Ledger
from .listening import choose
from .reading import Tree, read_configuration
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
    "It is not known what names Apache is started with, so what stands inside <IfDefine> counts"
    " where it forbids something. To be exact, give them: wsgi-scgi convert -D NAME"
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
    servers = (main, *choice.hosts)
    declared = balancers(servers, ledger)
    finish_routes(declared, drafts)
    document = Document(
        {**choice.settings, **_limits(main, ledger)},
        drafts,
        usable_balancers(declared, drafts),
        administration(servers, ledger),
    )
    document.settle(parse)
    head = [f"Converted from {path}; read it, then run: wsgi-scgi check"]
    head += _about(tree, drafts, names_are_known=given is not None)
    tail = [*choice.remarks, *document.unreachable(), *document.lost]
    return _text(head, document.lines(), [*tail, *ledger.comments(tree.directives)])


def _about(tree: Tree, drafts: Sequence[Draft], *, names_are_known: bool) -> Iterator[str]:
    """Yield what to know of the whole file."""
    if any(not draft.exclude and "pass_authorization" not in draft.options for draft in drafts):
        yield _AUTHORIZATION
    for name, value in tree.environment.items():
        yield f"${{{name}}} is {value!r}, from the environment"
    if not names_are_known and any(_hangs_on_a_name(one) for one in tree.directives):
        yield _NAMES
    if not drafts:
        yield "There is no ProxyPass in it, so there is no route"


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
