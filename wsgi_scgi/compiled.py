"""Compiled code: what makes the package faster where it was built with Cython and a C compiler.

There are two kinds.  A *twin* is written by hand in Cython (``_name.pyx``) for a function or class
whose Python is the reference: it is what the documentation, the types and the tests speak of, and
it decides wherever its twin finds something unusual.  A *module* with a ``.pxd`` beside it, which
says the types of its classes, is compiled as it is: there is one source.

Without any of it everything works, more slowly.  With ``WSGI_SCGI_PURE`` set in the environment
nothing compiled is used.
"""

import os
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

PURE = "WSGI_SCGI_PURE"
"""The environment variable that, unless empty, switches all compiled code off."""

MODULES = (
    "wsgi_scgi.balancer.attempts",
    "wsgi_scgi.balancer.balancer",
    "wsgi_scgi.balancer.retry_budget",
    "wsgi_scgi.edge",
    "wsgi_scgi.gateway.client",
    "wsgi_scgi.gateway.framing",
    "wsgi_scgi.gateway.request",
    "wsgi_scgi.gateway.response",
    "wsgi_scgi.gateway.variables",
    "wsgi_scgi.proxy.forward",
    "wsgi_scgi.proxy.redirect",
    "wsgi_scgi.proxy.rewrite",
    "wsgi_scgi.proxy.router",
    "wsgi_scgi.proxy.upstream",
    "wsgi_scgi.semantics.fields",
    "wsgi_scgi.semantics.path",
    "wsgi_scgi.transport.connecting",
    "wsgi_scgi.transport.names",
    "wsgi_scgi.transport.waiting",
)
"""The modules that are compiled as they are."""

SITE = Path(__file__).parents[1]
"""The directory of the package."""

_NOT_BUILT = "not built: Cython or a C compiler was missing"
_CHANGED = "built from another source: run python setup.py build_ext --inplace"

_T = TypeVar("_T", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Twins:
    """A function, or a class, in both forms."""

    name: str
    reference: Callable[..., object]
    compiled: Callable[..., object] | None
    missing: str
    """Why there is no compiled form; empty if there is one."""


TWINS: dict[str, Twins] = {}
"""All of those that may have a compiled form, by name, as far as their modules are imported."""


class _Unusable(Exception):
    """Why a twin cannot be used."""


def compiled_in(extension: str) -> Callable[[_T], _T]:
    """Replace a function or class by that of the same name in ``extension``, if it can be had.

    The extension may import what stands above the decorated one in the same module.
    """

    def choose(reference: _T) -> _T:
        name = reference.__name__
        # Known before the extension is imported: it asks for the reference.
        TWINS[name] = Twins(name, reference, None, "not yet imported")
        try:
            compiled: _T = getattr(_load(extension), name)
        except Exception as error:
            # Whatever is wrong with it, it costs speed and nothing else.
            TWINS[name] = Twins(name, reference, None, str(error))
            return reference
        TWINS[name] = Twins(name, reference, compiled, "")
        return compiled

    return choose


def _load(extension: str) -> ModuleType:
    if os.environ.get(PURE):
        raise _Unusable(f"{PURE} is set")
    try:
        module = import_module(extension)
    except ModuleNotFoundError as error:
        if error.name != extension:
            raise
        raise _Unusable(_NOT_BUILT) from None
    # In a checkout the source may have changed since; an installation has no source.
    try:
        source = zlib.crc32(_source(module).read_bytes())
    except FileNotFoundError:
        return module
    if source != module.SOURCE:
        raise _Unusable(_CHANGED)
    return module


def _source(module: ModuleType) -> Path:
    name = module.__name__.rpartition(".")[2]
    return Path(str(module.__file__)).with_name(f"{name}.pyx")


class _SourceFinder:
    """Finds the Python of modules whose compiled form may not be used."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None for all modules but those; see importlib.abc.MetaPathFinder."""
        # All or none: compiled modules know each other's classes, and only the compiled ones.
        if name not in MODULES or not _why_not_compiled():
            return None  # Python itself prefers what is compiled
        return spec_from_file_location(name, _source_of(name))


def _source_of(name: str) -> Path:
    return SITE.joinpath(*name.split(".")).with_suffix(".py")


def _why_not_compiled() -> str:
    """Return why the compiled forms of the modules are not used, empty if they are."""
    if os.environ.get(PURE):
        return f"{PURE} is set"
    return next(filter(None, map(_what_is_wrong_with, map(_source_of, MODULES))), "")


def _what_is_wrong_with(source: Path) -> str:
    """Return why the compiled form of one module cannot be used, empty if it can."""
    names = [source.with_suffix(suffix) for suffix in EXTENSION_SUFFIXES]
    built = next((name for name in names if name.exists()), None)
    if built is None:
        return _NOT_BUILT
    types = source.with_suffix(".pxd")
    if types.exists():  # only in a checkout, where both may have changed since
        changed = max(source.stat().st_mtime, types.stat().st_mtime)
        return _CHANGED if changed > built.stat().st_mtime else ""
    return ""


def in_use() -> str:
    """Say in words which of the functions and modules imported so far are compiled."""
    forms = [(twins.name, twins.missing) for twins in TWINS.values()]
    reason = _why_not_compiled()
    forms += [(name.partition(".")[2], reason) for name in MODULES if name in sys.modules]
    compiled = [name for name, missing in forms if not missing]
    parts = [", ".join(compiled)] if compiled else []
    for reason in dict.fromkeys(missing for _, missing in forms if missing):
        names = [name for name, missing in forms if missing == reason]
        parts.append(f"not {', '.join(names)} ({reason})")
    return "; ".join(parts)


def is_complete() -> bool:
    """Tell whether all that may be compiled is, as far as it is imported."""
    return "not " not in in_use()


sys.meta_path.insert(0, _SourceFinder())
