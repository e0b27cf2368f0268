"""Pages made from the code, each time they are built: ``<!-- declared: WHAT -->`` is replaced.

What the code declares once is never written down a second time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from wsgi_scgi import errors
from wsgi_scgi.config.balancer_options import (
    AdminOptions,
    BalancerOptions,
    HealthOptions,
    MemberOptions,
    StateOptions,
    StickyCookieOptions,
)
from wsgi_scgi.config.declaring import Option, Table, declared
from wsgi_scgi.config.options import OPTIONS
from wsgi_scgi.config.presets import PRESETS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MARK = re.compile(r"^<!-- declared: (\w+) -->$", re.MULTILINE)


def options() -> Iterator[str]:
    """Describe each option of a route under a heading of its own."""
    yield from _described(OPTIONS, "##")


def _described(declared: Mapping[str, Option], heading: str) -> Iterator[str]:
    for name, option in declared.items():
        yield f"{heading} `{name}`\n"
        yield f"{option.text}\n"
        yield f"- allowed: {option.kind.allowed}"
        if option.required:
            yield "- required"
        else:
            yield f"- default: `{option.kind.show(option.default)}`"
        if option.flag:
            yield f"- on the command line: `{option.flag}`"
        if option.apache:
            yield f"- Apache's word: `{option.apache}`"
        if option.nginx:
            yield f"- nginx's word: `{option.nginx}`"
        yield ""


def _table(kind: type[Table]) -> Callable[[], Iterator[str]]:
    """Return what describes the options of a table, each under a heading below the table's."""
    return lambda: _described(declared(kind), "###")


def presets() -> Iterator[str]:
    """Describe each preset and list the options that it sets."""
    yield "| preset | sets | for |"
    yield "|---|---|---|"
    for name, preset in PRESETS.items():
        values = ", ".join(
            f"`{option} = {OPTIONS[option].kind.show(OPTIONS[option].kind.parse(value))}`"
            for option, value in preset.values.items()
        )
        yield f"| `{name}` | {values} | {preset.text} |"


def exceptions() -> Iterator[str]:
    """List the tree of exceptions with the status code that each becomes."""
    yield "| exception | status | what happened |"
    yield "|---|---|---|"
    yield from _branch(errors.Error, 0)


def _branch(kind: type[errors.Error], depth: int) -> Iterator[str]:
    status = str(kind("").status.value) if issubclass(kind, errors.GatewayError) else ""
    summary = (kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")
    indent = "&emsp;" * depth
    yield f"| {indent}`{kind.__name__}` | {status} | {' '.join(summary.split())} |"
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _branch(child, depth + 1)


def commands() -> Iterator[str]:
    """Show what ``--help`` prints, for the command as a whole and for each of its commands."""
    overview = _help()
    yield f"```text\n{overview}\n```\n"
    for name in re.findall(r"^    (\w+)", overview.partition("COMMAND\n")[2], re.MULTILINE):
        yield f"## `wsgi-scgi {name}`\n\n```text\n{_help(name)}\n```\n"


def _help(*command: str) -> str:
    done = subprocess.run(
        (sys.executable, "-m", "wsgi_scgi", *command, "--help"),
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.rstrip()


DECLARATIONS: Mapping[str, Callable[[], Iterator[str]]] = {
    "options": options,
    "balancer": _table(BalancerOptions),
    "member": _table(MemberOptions),
    "health": _table(HealthOptions),
    "sticky_cookie": _table(StickyCookieOptions),
    "state": _table(StateOptions),
    "admin": _table(AdminOptions),
    "presets": presets,
    "exceptions": exceptions,
    "commands": commands,
}


def expand(source: str) -> str:
    """Replace each mark in the Markdown ``source``; KeyError for one that nothing declares."""
    return _MARK.sub(lambda mark: "\n".join(DECLARATIONS[mark[1]]()), source)


def _expand_page(_app: Sphinx, _name: str, content: list[str]) -> None:
    content[0] = expand(content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _expand_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
