"""What keeps requests from a backend beside Require and Order, and that nothing loosens again.

TLS demands, method lists, rewriting rules and redirections, the application firewall, the
variable ``no-proxy``, ProxyBlock: none can be expressed in our file, so each closes its paths.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .definitions import is_unresolved
from .directive import Certainty, Directive
from .region import EVERYTHING, UNKNOWN, Region, pattern
from .server_block import Section, SectionKind

# Directives that refuse requests whatever their arguments.
_ALWAYS = re.compile(
    r"sslrequire|sslrequiressl|sec(action|remoterules|rule|rulescript)|luahook\w+|luaquickhandler"
    r"|perl(access|authen|authz)handler|wsgiaccessscript|proxyblock|allowhandlers"
)
# These do so only where the first word is not the one that switches them off.
_UNLESS = {"sslverifyclient": "none", "allowmethods": "reset", "mdrequirehttps": "off"}
_REDIRECTIONS = frozenset({"redirect", "redirectmatch", "redirectpermanent", "redirecttemp"})
_WHERE_REDIRECTED = (SectionKind.LOCATION, SectionKind.PROXY)
_CONDITIONAL = frozenset(
    {"setenvif", "setenvifnocase", "setenvifexpr", "browsermatch", "browsermatchnocase"}
)
_REFUSING_FLAGS = frozenset({"f", "forbidden", "g", "gone", "r", "redirect", "p", "proxy"})


@dataclass(frozen=True, slots=True)
class Barrier:
    """Paths that are not to be served, and why."""

    region: Region
    reason: str


def barriers_in(section: Section) -> Iterator[Barrier]:
    """Yield the barriers that a section sets up, each for the section's paths or fewer."""
    rewriting = section.kind is not SectionKind.DIRECTORY and _is_on(section, "rewriteengine")
    for one in section.directives:
        region = None
        word = one.argument.lower()
        if _ALWAYS.fullmatch(one.key) or (one.key in _UNLESS and word != _UNLESS[one.key]):
            region = section.region
        elif one.key in _REDIRECTIONS and (one.late or section.kind in _WHERE_REDIRECTED):
            # At the level of the server ProxyPass comes first and nothing is redirected.
            region = section.region
        elif one.key == "rewriterule" and rewriting and not leaves_alone(one):
            region = _narrowed(section, _rewritten_paths(one))
        elif one.key in _CONDITIONAL and _sets_no_proxy(one):
            region = _narrowed(section, _condition_paths(one))
        if region is not None:
            yield Barrier(region, str(one))


def _is_on(section: Section, key: str) -> bool:
    """Tell whether a switch is on, or may be."""
    switches = [one for one in section.directives if one.key == key]
    sure = [one for one in switches if one.certainty is Certainty.CERTAIN][-1:]
    return any(
        one.argument.lower() == "on"
        for one in switches
        if one in sure or one.certainty is not Certainty.CERTAIN
    )


def leaves_alone(rule: Directive) -> bool:
    """Tell whether a RewriteRule leaves requests on the way that ProxyPass has for them."""
    words = (*rule.words, "", "", "")
    names = _flags(rule)
    return words[1] == "-" and not names & _REFUSING_FLAGS and "no-proxy" not in words[2]


def _flags(rule: Directive) -> set[str]:
    flags = "".join(rule.words[2:3]).strip("[]").split(",")
    return {flag.partition("=")[0].strip().lower() for flag in flags}


def _rewritten_paths(rule: Directive) -> Region:
    expression = rule.argument
    any_case = _flags(rule) & {"nc", "nocase"}
    if any_case or expression.startswith("!") or is_unresolved(expression):
        return UNKNOWN
    return pattern(expression)


def _sets_no_proxy(condition: Directive) -> bool:
    return any(word.partition("=")[0] == "no-proxy" for word in condition.words[1:])


def _condition_paths(condition: Directive) -> Region:
    """Return the paths for which a variable may be set."""
    if condition.key == "setenvif" and condition.argument.lower() == "request_uri":
        return pattern(condition.words[1])
    return UNKNOWN


def _narrowed(section: Section, region: Region) -> Region:
    """Return the paths of a rule in a section: its own only at the level of the server."""
    if section.kind is SectionKind.SERVER and section.region == EVERYTHING:
        return region
    return section.region
