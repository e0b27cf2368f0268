"""``SetHandler balancer-manager`` becomes ``[admin]``.

Apache lets in whom the Location's rules let in, which often is everybody of a network.  Here it
takes a token, which nobody can make up but the administrator: it is left empty, and ``check``
refuses that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .ledger import Ledger
from .region import has_wildcard
from .server_block import ServerBlock
from .toml_text import comment, key_value

_MANAGER = "balancer-manager"
_STATUS = "server-status"
_RULES = frozenset(
    {"require", "order", "allow", "deny", "satisfy", "authtype", "authuserfile", "authname"}
)


@dataclass(slots=True)
class Administration:
    """The table ``[admin]`` with an empty token, and comments above it."""

    path: str
    comments: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the table in TOML."""
        return [
            *map(comment, self.comments),
            "[admin]",
            key_value("path", self.path),
            key_value("token", ""),
        ]


def administration(blocks: Sequence[ServerBlock], ledger: Ledger) -> Administration | None:
    """Return what the first Location of the manager becomes; None if there is none."""
    found: Administration | None = None
    for header, handler in _handlers(blocks):
        if handler.argument.lower() == _STATUS:
            ledger.remark(handler, "what it shows of balancers is below [admin] path")
            continue
        problem = _problem(header, handler)
        if found is not None and not problem:
            problem = f"there is one [admin] for all hosts, with the path {found.path}"
        if problem or header is None:
            ledger.remark(handler, f"not carried over: {problem}")
            continue
        path = f"{header.argument.rstrip('/')}/"
        found = Administration(path, [f"{header}: {handler.text}"])
        ledger.use(header, handler)
        for rule in header.children:
            if rule.key in _RULES or rule.key.startswith("<require"):
                ledger.use(*rule.walk())
                found.comments.append(f"Not carried over: {rule}")
        found.comments.append(
            "Whoever has the token is let in, from anywhere. Fill in at least 16 characters that"
            " nobody can guess, or write token_file or users instead"
        )
    return found


def _handlers(blocks: Sequence[ServerBlock]) -> Iterator[tuple[Directive | None, Directive]]:
    """Yield each SetHandler for the manager or the status, with the section that it is in."""
    for block in blocks:
        for directive in block.directives:
            children = directive.children or (directive,)
            for one in children:
                wanted = one.argument.lower() in (_MANAGER, _STATUS)
                if one.key == "sethandler" and wanted:
                    yield (None if one is directive else directive), one


def _problem(header: Directive | None, handler: Directive) -> str:
    """Return why a handler cannot be carried over; empty if it can."""
    if header is None or header.key != "<location" or len(header.words) != 1:
        return "write [admin] with a path of your own"
    if handler.certainty is Certainty.DOUBTED or header.certainty is Certainty.DOUBTED:
        return "it is not certain to be in effect"
    path = header.argument
    if is_unresolved(path) or has_wildcard(path) or not path.strip("/"):
        return "its path is not one that [admin] can have"
    return ""
