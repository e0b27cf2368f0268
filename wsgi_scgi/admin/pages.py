"""The pages for people: what the templates say of a picture of the balancers."""

from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from itertools import pairwise
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..balancer.methods import METHODS
from ..scoreboard.layout import BUCKETS
from .changes import SWITCHES
from .view import BalancerView, MemberView

STATIC = {"style.css": "text/css; charset=utf-8", "status.js": "text/javascript; charset=utf-8"}
"""The files beside the pages, and their media types."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def static_file(name: str) -> bytes:
    """Return the content of one of STATIC."""
    return files(__package__).joinpath("static", name).read_bytes()


def status_page(balancers: Sequence[BalancerView], form_value: str, error: str = "") -> bytes:
    """Return the page with all members; ``error`` says why nothing was changed."""
    return _render(
        "status.html",
        balancers=balancers,
        methods=[method.name for method in METHODS],
        form_value=form_value,
        error=error,
    )


def member_page(balancer: BalancerView, member: MemberView, form_value: str) -> bytes:
    """Return the page on which one member is changed."""
    return _render(
        "member.html",
        balancer=balancer,
        member=member,
        switches=[(name, status in member.flags) for name, status in SWITCHES.items()],
        form_value=form_value,
    )


def _render(name: str, **values: object) -> bytes:
    # A name that came by another way than TOML may have bytes that are no UTF-8.
    return _templates().get_template(name).render(**values).encode("utf-8", "backslashreplace")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        bars=_bars,
        count="{:,}".format,
        duration=_duration,
        number="{:g}".format,
        quoted=partial(quote, safe="", errors="surrogateescape"),
        size=_size,
        strokes=_strokes,
    )
    return environment


def _duration(seconds: float) -> str:
    """Return seconds as people read them."""
    if seconds < 1:
        return f"{seconds * 1000:.{2 if seconds < 0.001 else 3}g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _size(number: float) -> str:
    """Return bytes as people read them."""
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:,.3g} {_UNITS[-1]}"


def _bars(counts: Sequence[int], height: int) -> list[tuple[str, int]]:
    """Return the bars of a histogram of response times: what each is, and its height in pixels."""
    most = max(counts, default=0) or 1
    lower = ("0", *map(_duration, BUCKETS))
    names = [f"{a} to {b}" for a, b in pairwise(lower)]
    names.append(f"over {lower[-1]}")
    return [
        (f"{name}: {count:,}", -(-count * height // most))
        for name, count in zip(names, counts, strict=True)
    ]


def _strokes(checks: Sequence[bool], passed: bool) -> str:
    """Return the path of a stroke for each check with that result; the failed are half as high.

    One path instead of an element for each: a thousand members have 62,000 checks.
    """
    top, height = (0, 20) if passed else (10, 10)
    return "".join(
        f"M{3 * number} {top}h2v{height}h-2z"
        for number, result in enumerate(checks)
        if result is passed
    )
