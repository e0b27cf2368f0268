"""Below which directory a backend may have files sent (X-Sendfile)."""

import posixpath
from collections.abc import Iterator, Sequence

from .access import grants, restricts
from .definitions import is_unresolved
from .directive import Directive
from .region import has_wildcard
from .server_block import ServerBlock

_SECTIONS = ("<directory", "<directorymatch", "<files", "<filesmatch")


def document_root(blocks: Sequence[ServerBlock], server_root: str) -> tuple[str, Directive | None]:
    """Return DocumentRoot, empty if it is not known, and the line that sets it."""
    for block in reversed(blocks):
        directive = block.last("documentroot")
        if directive is not None:
            root = directive.argument
            known = root and not is_unresolved(root)
            return posixpath.join(posixpath.abspath(server_root), root) if known else "", directive
    return "", None


def refused_files(blocks: Sequence[ServerBlock], root: str) -> tuple[str, ...]:
    """Return why files below ``root`` may not all be sent; nothing if they may.

    Apache asks its ``<Directory>`` and ``<Files>`` rules, and files named .htaccess, before it
    sends a file for a backend.
    """
    root = root.rstrip("/")
    reasons: list[str] = []
    above: list[tuple[int, Directive]] = []
    for block in blocks:
        for header in block.named(*_SECTIONS):
            directory = header.argument.rstrip("/")
            anywhere = header.key != "<directory" or has_wildcard(directory) or directory == "~"
            if anywhere or f"{directory}/".startswith(f"{root}/"):
                reasons += _rules_in(header)
            elif f"{root}/".startswith(f"{directory}/"):
                above.append((directory.count("/"), header))
                reasons += [one for child in header.children for one in _rules_in(child)]
            else:
                continue
            reasons += _htaccess(header)
            if not anywhere and directory == root:
                above.append((directory.count("/"), header))
    return tuple(dict.fromkeys([*reasons, *_inherited(above)]))


def _rules_in(header: Directive) -> Iterator[str]:
    """Yield the access rules of a section and of those in it."""
    for section in header.walk():
        yield from restricts(section.children)


def _htaccess(header: Directive) -> Iterator[str]:
    for one in header.children:
        if one.key == "allowoverride" and [word.lower() for word in one.words] != ["none"]:
            yield str(one)


def _inherited(above: list[tuple[int, Directive]]) -> tuple[str, ...]:
    """Return what the directories down to the root leave forbidden."""
    reasons: tuple[str, ...] = ()
    for _, header in sorted(above, key=lambda one: one[0]):
        if grants(header.children):
            reasons = ()
        reasons += restricts(header.children)
    return reasons
